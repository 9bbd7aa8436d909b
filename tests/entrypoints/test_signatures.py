"""Who is believed: signatures as their senders make them, and every way in which they can be wrong."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.entrypoints.signatures import (
    Unverified,
    verify_bearer,
    verify_generic,
    verify_github,
    verify_jira,
    verify_pagerduty,
    verify_sentry,
    verify_slack,
)

NOW = 1_531_420_618.0
Pairs = list[tuple[bytes, bytes]]
Verify = Callable[[str, Pairs, bytes], None]


def sign(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()


def slack(secret: str, headers: Pairs, body: bytes) -> None:
    verify_slack(secret, headers, body, NOW)


def jira(secret: str, headers: Pairs, body: bytes) -> None:
    verify_jira(secret, headers, (), body)


SENDERS: dict[str, tuple[Verify, Callable[[str, bytes], Pairs]]] = {
    "slack": (
        slack,
        lambda secret, body: [
            (b"x-slack-request-timestamp", b"1531420618"),
            (b"x-slack-signature", b"v0=" + sign(secret, b"v0:1531420618:" + body)),
        ],
    ),
    "github": (
        verify_github,
        lambda secret, body: [(b"x-hub-signature-256", b"sha256=" + sign(secret, body))],
    ),
    "jira": (jira, lambda secret, body: [(b"x-hub-signature", b"sha256=" + sign(secret, body))]),
    "sentry": (verify_sentry, lambda secret, body: [(b"sentry-hook-signature", sign(secret, body))]),
    "pagerduty": (
        verify_pagerduty,
        lambda secret, body: [(b"x-pagerduty-signature", b"v1=" + sign(secret, body))],
    ),
    "generic": (
        verify_generic,
        lambda secret, body: [(b"x-anton-signature", b"sha256=" + sign(secret, body))],
    ),
}
senders = pytest.mark.parametrize("name", SENDERS)


def test_the_example_of_slacks_documentation_is_believed() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = [(b"X-Slack-Request-Timestamp", b"1531420618"), (b"X-Slack-Signature", signature)]
    verify_slack("8f742231b10e8888abcd99yyyzzz85a5", headers, body, NOW)


def test_the_examples_of_githubs_and_atlassians_documentation_are_believed() -> None:
    signature = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify_github("It's a Secret to Everybody", [(b"X-Hub-Signature-256", signature)], b"Hello, World!")
    signature = b"sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    verify_jira("It's a Secret to Everybody", [(b"X-Hub-Signature", signature)], (), b"Hello World!")


@senders
@given(
    secret=st.text(min_size=1).filter(lambda s: s.strip() and s.isprintable()), body=st.binary(max_size=99)
)
def test_whatever_is_signed_with_the_secret_is_believed(name: str, secret: str, body: bytes) -> None:
    verify, signed = SENDERS[name]
    verify(secret, signed(secret, body), body)


@senders
@given(body=st.binary(min_size=1, max_size=40), at=st.integers(0), bit=st.integers(0, 7))
def test_one_changed_bit_is_not(name: str, body: bytes, at: int, bit: int) -> None:
    verify, signed = SENDERS[name]
    other = bytearray(body)
    other[at % len(body)] ^= 1 << bit
    with pytest.raises(Unverified):
        verify("secret", signed("secret", body), bytes(other))


@senders
@given(value=st.binary(max_size=90))
def test_no_value_of_a_header_is_believed_or_breaks_anything(name: str, value: bytes) -> None:
    verify, signed = SENDERS[name]
    headers = signed("secret", b"body")
    for prefix in (b"", b"sha256=", b"v0=", b"v1="):
        with pytest.raises(Unverified):
            verify("secret", [*headers[:-1], (headers[-1][0], prefix + value)], b"body")


@given(stamp=st.text(max_size=14).map(lambda t: t.encode("utf-8", "replace")) | st.binary(max_size=14))
def test_no_odd_time_stamp_breaks_anything(stamp: bytes) -> None:
    signature = b"v0=" + sign("secret", b"v0:" + stamp + b":body")
    headers = [(b"X-Slack-Request-Timestamp", stamp), (b"X-Slack-Signature", signature)]
    try:
        verify_slack("secret", headers, b"body", NOW)
    except Unverified:
        return
    assert stamp.isdigit()
    assert abs(int(stamp) - NOW) <= 300


def slack_headers(stamp: bytes) -> Pairs:
    signature = b"v0=" + sign("secret", b"v0:" + stamp + b":body")
    return [(b"X-Slack-Request-Timestamp", stamp), (b"X-Slack-Signature", signature)]


@pytest.mark.parametrize("stamp", [b"1531420318", b"1531420918"])
def test_five_minutes_of_age_are_believed(stamp: bytes) -> None:
    verify_slack("secret", slack_headers(stamp), b"body", NOW)


GOOD = sign("secret", b"body")
REFUSED: Sequence[tuple[str, Pairs, str]] = [
    ("slack", slack_headers(b"1531420317"), "more than 300 seconds away"),
    ("slack", slack_headers(b"1531420919"), "more than 300 seconds away"),
    ("slack", slack_headers("١٥٣١٤٢٠٦١٨".encode()), "written in digits"),
    ("slack", slack_headers(b"+1531420618"), "written in digits"),
    ("slack", slack_headers(b"1531420618.0"), "written in digits"),
    ("slack", slack_headers(b"9" * 5000), "written in digits"),
    ("slack", slack_headers(b""), "written in digits"),
    ("slack", slack_headers(b"1531420618")[1:], "X-Slack-Request-Timestamp is missing"),
    ("slack", slack_headers(b"1531420618")[:1], "X-Slack-Signature is missing"),
    ("github", [], "X-Hub-Signature-256 is missing"),
    ("github", [(b"x-hub-signature", b"sha1=" + GOOD[:40])], "X-Hub-Signature-256 is missing"),
    ("github", [(b"x-hub-signature-256", b"sha1=" + GOOD)], "'sha256=' and 64 hexadecimal"),
    ("github", [(b"x-hub-signature-256", GOOD)], "'sha256=' and 64 hexadecimal"),
    ("github", [(b"x-hub-signature-256", b"sha256=" + GOOD.upper())], "in lower case"),
    ("github", [(b"x-hub-signature-256", b"sha256=" + GOOD[:63])], "64 hexadecimal"),
    ("github", [(b"x-hub-signature-256", "sha256=ä".encode())], "64 hexadecimal"),
    ("github", [(b"x-hub-signature-256", b"sha256=" + b"0" * 64)], "is the secret the sender's"),
    ("github", [(b"x-hub-signature-256", b"sha256=" + GOOD)] * 2, "is there 2 times"),
    ("jira", [(b"x-hub-signature", b"sha1=" + GOOD[:40])], "'sha256=' and 64 hexadecimal"),
    ("jira", [], "type the secret into the webhook"),
    ("sentry", [(b"sentry-hook-signature", b"sha256=" + GOOD)], "64 hexadecimal"),
    ("pagerduty", [(b"x-pagerduty-signature", b"v2=" + GOOD)], "no part that begins with 'v1='"),
    ("pagerduty", [(b"x-pagerduty-signature", b"v1=" + b"0" * 64)], "the one that PagerDuty showed"),
    ("pagerduty", [(b"x-pagerduty-signature", b"v1=x," * 40 + b"v1=" + GOOD)], "PagerDuty showed"),
    ("generic", [], "Authorization is missing"),
    ("generic", [(b"authorization", b"Basic secret")], "not 'Bearer'"),
    ("generic", [(b"authorization", b"Bearer  ")], "not 'Bearer'"),
    ("generic", [(b"authorization", b"Bearer secre")], "not the secret that is set here"),
    ("generic", [(b"authorization", "Bearer sécret".encode("latin-1"))], "not the secret that is set here"),
    ("generic", [(b"authorization", b"Bearer secret"), (b"x-anton-signature", b"")], "64 hexadecimal"),
]


@pytest.mark.parametrize(("name", "headers", "reason"), REFUSED)
def test_a_refusal_says_why(name: str, headers: Pairs, reason: str) -> None:
    with pytest.raises(Unverified, match=reason) as refused:
        SENDERS[name][0]("secret", headers, b"body")
    assert GOOD.decode() not in str(refused.value)


@senders
@pytest.mark.parametrize("secret", ["", "  "])
def test_without_a_secret_nobody_is_believed(name: str, secret: str) -> None:
    verify, signed = SENDERS[name]
    with pytest.raises(Unverified, match="no secret is set here"):
        verify(secret, signed(secret, b"body"), b"body")


def test_pagerduty_may_be_changing_its_secret() -> None:
    both = b"v1=" + b"0" * 64 + b", v1=" + GOOD
    verify_pagerduty("secret", [(b"X-PagerDuty-Signature", both)], b"body")


def test_jira_may_show_its_secret_where_it_does_not_sign() -> None:
    verify_jira("sécret", [], [("secret", "sécret")], b"")
    verify_jira("secret", [(b"Authorization", b"bearer secret")], [], b"")


@pytest.mark.parametrize(
    ("headers", "query", "reason"),
    [
        ([], [("secret", "wrong")], "not the secret that is set here"),
        ([], [("secret", "\ud800")], "not the secret that is set here"),
        ([], [("secret", "secret"), ("secret", "secret")], "is not there once"),
        ([], [("Secret", "secret")], "is not there once"),
        ([(b"authorization", b"Bearer wrong")], [("secret", "secret")], "not the secret that is set here"),
        (
            [(b"x-hub-signature", b"sha256=" + b"0" * 64)],
            [("secret", "secret")],
            "is the secret the sender's",
        ),
    ],
)
def test_jiras_weaker_ways_do_not_stand_in_for_a_wrong_signature(
    headers: Pairs, query: list[tuple[str, str]], reason: str
) -> None:
    with pytest.raises(Unverified, match=reason):
        verify_jira("secret", headers, query, b"body")


@given(token=st.text(min_size=1).filter(str.isprintable).filter(str.strip), given=st.binary(max_size=30))
def test_only_the_token_itself_is_a_token(token: str, given: bytes) -> None:
    try:
        verify_bearer(token, [(b"authorization", b"Bearer " + given)])
    except Unverified:
        return
    assert given.strip() == token.encode()
