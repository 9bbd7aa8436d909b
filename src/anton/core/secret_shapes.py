"""The shapes of tokens: what their vendors made recognisable, so that they are recognised.

Every pattern begins with fixed characters, has bounded repetitions of plain classes and no alternatives that
overlap, so that a search takes time in proportion to the text. Examples: tests/core/test_secrets.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MIN_DIFFERENT = 6
"""Different characters in a secret; what has fewer stands for one in an example, as in `xoxb-xxxx-xxxx`."""

_WORDS = frozenset(
    ["password", "passwd", "passphrase", "secret", "token", "changeme", "example", "placeholder"]
)
_EDGE = r"(?<![A-Za-z0-9_])"


@dataclass(frozen=True, slots=True)
class Shape:
    """How tokens of one kind look."""

    name: str
    """For a person."""
    source: str
    """Where the vendor says so."""
    starts: tuple[str, ...]
    """One of these is in every text that holds such a token."""
    pattern: re.Pattern[str]
    """Its last group is the secret; without groups, all of it is."""

    @property
    def group(self) -> int:
        """Of the pattern, that is the secret."""
        return self.pattern.groups

    def may_be_in(self, text: str) -> bool:
        """Whether it is worth looking."""
        return any(start in text for start in self.starts)

    def is_secret(self, found: re.Match[str]) -> bool:
        """Whether what was found is more than an example that stands for one."""
        secret = found[self.group]
        return len(set(secret)) >= MIN_DIFFERENT and secret.lower() not in _WORDS

    def secrets_in(self, text: str) -> Iterator[str]:
        """All of them."""
        return (found[self.group] for found in self.pattern.finditer(text) if self.is_secret(found))


def _shape(name: str, source: str, starts: str, pattern: str) -> Shape:
    return Shape(name, source, tuple(starts.split()), re.compile(_EDGE + pattern))


_GAP = r"(?:\s|\\[nrt]){0,8}"
_PEM = (
    r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    + _GAP
    + r"(?:[+ -]?[A-Z][A-Za-z-]{1,20}: [^\n\\\"]{0,200}(?:\n|\\[nr])[\n\\nr]{0,8}){0,4}"
    r"(?=[0-9\s\\nrt+-]{0,20}[A-Za-z0-9+/=]{16})(?:[A-Za-z0-9+/=\s\\]|(?<=\n)-(?!-)){16,20000}"
    r"(?:-{5,6}END [A-Z0-9 ]{1,60}-----)?"
)
_GITHUB = "https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github"
_RFC = "https://www.rfc-editor.org/rfc/rfc"

SHAPES: tuple[Shape, ...] = (
    Shape("private key", f"{_RFC}7468", ("PRIVATE KEY",), re.compile(_PEM)),
    _shape("GitHub token", _GITHUB, "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _shape("GitHub token (fine-grained)", _GITHUB, "github_pat_", r"github_pat_[A-Za-z0-9_]{36,255}"),
    _shape(
        "Slack token",
        "https://docs.slack.dev/authentication/tokens",
        "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe. xapp-",
        r"(?:xox[abeoprs][.-]|xapp-)(?=[A-Za-z.-]{0,20}[0-9])[A-Za-z0-9.-]{16,400}",
    ),
    _shape(
        "Slack webhook",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,200})",
    ),
    _shape(
        "AWS access key",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        "AKIA ASIA ABIA ACCA",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    ),
    Shape(
        "AWS secret key",
        "https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html",
        ("ecret_access_key", "ECRET_ACCESS_KEY", "ecretAccessKey"),
        re.compile(
            r"(?:ecret_access_key|ECRET_ACCESS_KEY|ecretAccessKey)[\\\"']{0,4}[ \t]{0,4}[:=][ \t]{0,4}"
            r"[\\\"']{0,4}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
    ),
    _shape(
        "API key of a model",
        "https://platform.openai.com/docs/api-reference/authentication",
        "sk-",
        r"sk-(?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{20,300}",
    ),
    _shape("Groq key", "https://console.groq.com/docs/quickstart", "gsk_", r"gsk_[A-Za-z0-9]{40,80}"),
    _shape("xAI key", "https://docs.x.ai/docs/overview", "xai-", r"xai-[A-Za-z0-9]{60,100}"),
    _shape(
        "Hugging Face token",
        "https://huggingface.co/docs/hub/security-tokens",
        "hf_",
        r"hf_[A-Za-z0-9]{30,60}",
    ),
    _shape(
        "Google API key",
        "https://cloud.google.com/docs/authentication/api-keys",
        "AIza",
        r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
    ),
    _shape(
        "Google OAuth secret",
        "https://developers.google.com/identity/protocols/oauth2",
        "GOCSPX- ya29.",
        r"(?:GOCSPX-|ya29\.)[A-Za-z0-9_-]{20,400}",
    ),
    _shape(
        "Stripe key",
        "https://docs.stripe.com/keys",
        "sk_live_ sk_test_ rk_live_ rk_test_ whsec_",
        r"(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,255}",
    ),
    _shape("npm token", "https://docs.npmjs.com/about-access-tokens", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _shape(
        "PyPI token",
        "https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns",
        "pypi-",
        r"pypi-AgE[A-Za-z0-9_-]{50,300}",
    ),
    _shape(
        "GitLab token",
        "https://docs.gitlab.com/security/tokens/",
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- gloas- glagent-",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|oas|agent)-[A-Za-z0-9_.-]{20,300}",
    ),
    _shape(
        "Atlassian token",
        "https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/",
        "ATATT3 ATCTT3 ATBB",
        r"(?:AT[AC]TT3[A-Za-z0-9_=-]{50,400}|ATBB[A-Za-z0-9]{28,40})",
    ),
    _shape(
        "SendGrid key",
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
        "SG.",
        r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    ),
    _shape(
        "DigitalOcean token",
        "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
        "dop_v1_ doo_v1_ dor_v1_",
        r"do[opr]_v1_[a-f0-9]{64}",
    ),
    _shape(
        "Docker token",
        "https://docs.docker.com/security/access-tokens/",
        "dckr_pat_ dckr_oat_",
        r"dckr_[po]at_[A-Za-z0-9_-]{24,80}",
    ),
    _shape(
        "Vault token",
        "https://developer.hashicorp.com/vault/docs/concepts/tokens",
        "hvs. hvb.",
        r"hv[bs]\.[A-Za-z0-9_-]{24,300}",
    ),
    _shape(
        "Sentry token",
        "https://docs.sentry.io/account/auth-tokens/",
        "sntrys_ sntryu_",
        r"sntry[su]_[A-Za-z0-9+/=_-]{32,400}",
    ),
    _shape(
        "JSON web token",
        f"{_RFC}7519",
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{16,4000}",
    ),
    Shape(
        "password of a URL",
        f"{_RFC}3986#section-3.2.1",
        ("://",),
        re.compile(r"://[A-Za-z0-9._~%+-]{0,100}:([^\s/@:\"'`<>\[\](){}$,;|\\]{1,200})@(?=[A-Za-z0-9\[])"),
    ),
    Shape(
        "user of a URL",
        f"{_RFC}3986#section-3.2.1",
        ("://",),
        re.compile(r"https?://([A-Za-z0-9._~%+-]{20,200})@(?=[A-Za-z0-9\[])"),
    ),
    Shape(
        "Authorization header",
        f"{_RFC}9110#section-11.6.2",
        ("earer ", "EARER ", "asic ", "oken "),
        re.compile(
            r"(?i:\b(?:bearer|(?<=authorization: )(?:basic|token)))[ ]{1,4}"
            r"(?=[A-Za-z._~+/=-]{0,200}[0-9])([A-Za-z0-9._~+/=-]{16,4000})"
        ),
    ),
)
"""A secret that two of them fit bears the name of the first."""
