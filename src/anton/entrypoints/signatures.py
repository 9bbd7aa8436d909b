"""Whether a request is from whom it says it is from: over its raw bytes, before anything in it is read.

Each function returns nothing for a genuine request and raises `Unverified` for any other, so that a result
which nobody looks at lets nobody in. Everything is compared as bytes and in constant time: text that is no
ASCII would make the comparison itself fail.

| sender       | what is signed                                | with                                        |
|--------------|-----------------------------------------------|---------------------------------------------|
| Slack        | `v0:<time stamp>:<body>`, five minutes of age | X-Slack-Signature: `v0=…`                   |
| GitHub       | the body                                      | X-Hub-Signature-256: `sha256=…`             |
| Jira         | the body                                      | X-Hub-Signature: `sha256=…`                 |
|              | nothing: the secret itself is shown           | Authorization: `Bearer …`, else `?secret=…` |
| Sentry       | the body                                      | Sentry-Hook-Signature                       |
| PagerDuty    | the body                                      | X-PagerDuty-Signature: `v1=…`, several      |
| any other    | the body                                      | X-Anton-Signature: `sha256=…`               |
| any other    | nothing: the token itself is shown            | Authorization: `Bearer …`                   |

Sources: https://docs.slack.dev/authentication/verifying-requests-from-slack,
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries,
https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks,
https://docs.sentry.io/organization/integrations/integration-platform/webhooks/,
https://developer.pagerduty.com/docs/verifying-webhook-signatures
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from anton.core.errors import UsageError

MAX_AGE_SECONDS = 300
"""Of a request of Slack, into the past and, for clocks that differ, into the future."""

_HEX = frozenset(b"0123456789abcdef")
_DIGITS = frozenset(b"0123456789")

Headers = Iterable[tuple[bytes, bytes]]
"""Of a request, as ASGI has them: the same name may come more than once."""


class Unverified(UsageError):
    """The request is not shown to be from whom it says it is from; the text names no secret."""


def verify_slack(secret: str, headers: Headers, body: bytes, now_unix: float) -> None:
    """A request of Slack, signed with the app's signing secret.

    Raises:
        Unverified: it is not, it is older than MAX_AGE_SECONDS, or no secret is set.
    """
    known = list(headers)
    stamp = _header(known, "X-Slack-Request-Timestamp")
    if not stamp or len(stamp) > 12 or not _DIGITS.issuperset(stamp):
        raise Unverified("X-Slack-Request-Timestamp is not a time in seconds, written in digits")
    if abs(now_unix - int(stamp)) > MAX_AGE_SECONDS:
        raise Unverified(
            f"X-Slack-Request-Timestamp is more than {MAX_AGE_SECONDS} seconds away from this clock: "
            "the request was held back or is sent again, or the clock is wrong"
        )
    _check_digest("X-Slack-Signature", known, b"v0=", _digest(secret, b"v0:" + stamp + b":" + body))


def verify_github(secret: str, headers: Headers, body: bytes) -> None:
    """A webhook of GitHub; the older SHA-1 signature counts for nothing.

    Raises:
        Unverified: it is not, or no secret is set.
    """
    _check_digest("X-Hub-Signature-256", list(headers), b"sha256=", _digest(secret, body))


def verify_jira(secret: str, headers: Headers, query: Sequence[tuple[str, str]], body: bytes) -> None:
    """A webhook of Jira: signed, or where Jira does not sign, as its automation rules, with the secret shown.

    Args:
        secret: As it was typed into the webhook.
        headers: Of the request.
        query: Of the request's URL, decoded.
        body: Of the request, raw.

    Raises:
        Unverified: it is not, or no secret is set.
    """
    known = list(headers)
    if _named(known, "X-Hub-Signature"):
        _check_digest("X-Hub-Signature", known, b"sha256=", _digest(secret, body))
    elif _named(known, "Authorization"):
        verify_bearer(secret, known)
    else:
        shown = [value.encode("utf-8", "replace") for name, value in query if name == "secret"]
        if len(shown) != 1:
            raise Unverified(
                "neither X-Hub-Signature nor Authorization is there, and '?secret=' is not there once: "
                "type the secret into the webhook in Jira"
            )
        _check_token("'?secret='", secret, shown[0])


def verify_sentry(secret: str, headers: Headers, body: bytes) -> None:
    """A webhook of a Sentry integration, signed with its client secret.

    Raises:
        Unverified: it is not, or no secret is set.
    """
    _check_digest("Sentry-Hook-Signature", list(headers), b"", _digest(secret, body))


def verify_pagerduty(secret: str, headers: Headers, body: bytes) -> None:
    """A v3 webhook of PagerDuty; while its secret is being changed it carries a signature by each.

    Raises:
        Unverified: none of the signatures is right, or no secret is set.
    """
    name, expected = "X-PagerDuty-Signature", _digest(secret, body)
    given = [part.strip() for part in _header(list(headers), name).split(b",", 16)[:16]]
    versioned = [part.removeprefix(b"v1=") for part in given if part.startswith(b"v1=")]
    if not versioned:
        raise Unverified(f"{name} has no part that begins with 'v1='")
    if not any(hmac.compare_digest(expected, part) for part in versioned):
        raise Unverified(
            f"no signature in {name} is the body's: is the secret the one that PagerDuty showed?"
        )


def verify_generic(secret: str, headers: Headers, body: bytes) -> None:
    """A request of anybody's, signed as GitHub does but in X-Anton-Signature, or with the secret as a token.

    Raises:
        Unverified: it is neither, or no secret is set.
    """
    known = list(headers)
    if _named(known, "X-Anton-Signature"):
        _check_digest("X-Anton-Signature", known, b"sha256=", _digest(secret, body))
    else:
        verify_bearer(secret, known)


def verify_bearer(token: str, headers: Headers) -> None:
    """A request with `Authorization: Bearer <token>`.

    Raises:
        Unverified: it is not, or no token is set.
    """
    scheme, _, given = _header(list(headers), "Authorization").partition(b" ")
    if scheme.lower() != b"bearer" or not given.strip():
        raise Unverified("Authorization is not 'Bearer', a space and the token")
    _check_token("Authorization", token, given.strip())


def _named(headers: Iterable[tuple[bytes, bytes]], name: str) -> list[bytes]:
    wanted = name.lower().encode()
    return [value for key, value in headers if key.lower() == wanted]


def _header(headers: Iterable[tuple[bytes, bytes]], name: str) -> bytes:
    found = _named(headers, name)
    if len(found) != 1:
        raise Unverified(f"{name} is missing" if not found else f"{name} is there {len(found)} times")
    return found[0].strip()


def _check_digest(name: str, headers: Iterable[tuple[bytes, bytes]], prefix: bytes, expected: bytes) -> None:
    given = _header(headers, name)
    digits = given.removeprefix(prefix)
    if not given.startswith(prefix) or len(digits) != 64 or not _HEX.issuperset(digits):
        raise Unverified(f"{name} is not '{prefix.decode()}' and 64 hexadecimal digits in lower case")
    if not hmac.compare_digest(expected, digits):
        raise Unverified(
            f"{name} is not the body's signature: is the secret the sender's, and the body as it was sent?"
        )


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.new(_required(secret), signed, hashlib.sha256).hexdigest().encode()


def _check_token(where: str, expected: str, given: bytes) -> None:
    """Hashes are compared, so that not even the length shows in how long it takes."""
    digests = (hashlib.sha256(token).digest() for token in (_required(expected), given))
    if not hmac.compare_digest(*digests):
        raise Unverified(f"what {where} holds is not the secret that is set here")


def _required(secret: str) -> bytes:
    """An empty secret would be everybody's."""
    if not secret.strip():
        raise Unverified("no secret is set here for this sender, so nothing of it can be believed")
    return secret.encode("utf-8", "replace")
