"""Secrets are found whatever they are written as, and what is none is left alone."""

from __future__ import annotations

import base64
import html
import json
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.event import Note, NotePosted, Source
from anton.core.message import ToolCall
from anton.core.secret_shapes import SHAPES
from anton.core.secrets import MASK, Masker
from anton.demo.build import demo_ticket

ROOT = Path(__file__).parents[2]
DIGITS = "0a1B2c3D4e5F6g7H8i9J" * 20
SOURCE_BODY = "MIIEowIBAAKCAQEA7bq8tTn3" * 3

EXAMPLES = {
    "private key": "\n".join(
        ("-----BEGIN RSA PRIVATE KEY-----", SOURCE_BODY, f"{SOURCE_BODY}==", "-----END RSA PRIVATE KEY-----")
    ),
    "GitHub token": "ghp_" + DIGITS[:36],
    "GitHub token (fine-grained)": "github_pat_" + DIGITS[:60],
    "Slack token": "xoxb-123456789012-" + DIGITS[:24],
    "Slack webhook": "hooks.slack.com/services/T0" + "123ABC/B0456DEF/" + DIGITS[:24],
    "AWS access key": "AKIA" + "IOSFODNN7EXA2345",
    "AWS secret key": "aws_secret_access_key = " + DIGITS[:40],
    "API key of a model": "sk-proj-" + DIGITS[:48],
    "Groq key": "gsk_" + DIGITS[:52],
    "xAI key": "xai-" + DIGITS[:80],
    "Hugging Face token": "hf_" + DIGITS[:34],
    "Google API key": "AIza" + DIGITS[:35],
    "Google OAuth secret": "GOCSPX-" + DIGITS[:28],
    "Stripe key": "sk_live_" + DIGITS[:24],
    "npm token": "npm_" + DIGITS[:36],
    "PyPI token": "pypi-AgE" + DIGITS[:80],
    "GitLab token": "glpat-" + DIGITS[:20],
    "Atlassian token": "ATATT3" + DIGITS[:180],
    "SendGrid key": "SG." + DIGITS[:22] + "." + DIGITS[:43],
    "DigitalOcean token": "dop_v1_" + "0123456789abcdef" * 4,
    "Docker token": "dckr_pat_" + DIGITS[:27],
    "Vault token": "hvs." + DIGITS[:24],
    "Sentry token": "sntrys_" + DIGITS[:64],
    "JSON web token": ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", DIGITS[:43])),
    "password of a URL": "postgresql://anton:" + "Tr0ub4dor" + "@db.example/anton",
    "user of a URL": "https://" + DIGITS[:30] + "@git.example/a.git",
    "Authorization header": "Authorization: " + "Bearer " + DIGITS[:40],
}

words = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=8, max_size=60)
plain = st.text(st.sampled_from("abc xyz\n.,;'\"/"), max_size=60)


def test_every_shape_has_an_example_and_says_where_it_is_from() -> None:
    assert list(EXAMPLES) == [shape.name for shape in SHAPES]
    assert all(shape.source.startswith("https://") for shape in SHAPES)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("around", ["{}", "see {} there", '{{"key": "{}"}}', "KEY={}\nOTHER=1", "<b>{}</b>"])
def test_a_token_is_known_by_its_shape(name: str, around: str) -> None:
    example = EXAMPLES[name]
    masked = Masker().mask(around.format(example))
    assert f"[masked: {name}]" in masked
    assert DIGITS[:16] not in masked
    assert SOURCE_BODY[:20] not in masked


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_token_in_json_stays_json(name: str) -> None:
    masked = Masker().mask(json.dumps({"text": f"a {EXAMPLES[name]} b"}))
    assert json.loads(masked)["text"].startswith("a ")
    assert "[masked" in masked


def test_a_key_in_a_diff_is_known() -> None:
    for sign in "+- ":
        diff = "\n".join(sign + line for line in EXAMPLES["private key"].splitlines())
        assert SOURCE_BODY[:20] not in Masker().mask(diff)


@pytest.mark.parametrize(
    "text",
    [
        "xoxb-xxxx-xxxx-xxxxxxxxxxxx",
        "ghp_" + "x" * 36,
        "https://user:password@example.com",
        "ssh://git@github.com/a/b.git",
        "https://example.com:8080/a@b",
        "git@github.com:owner/repository.git",
        "sk-circle-fade-dot-animation-delay",
        "Bearer of bad news, and tokens of appreciation",
        "Authorization: Bearer $TOKEN",
        "-----BEGIN PRIVATE KEY-----",
        "0123456789abcdef0123456789abcdef01234567",
        "sha512-" + DIGITS[:86] + "==",
        "task-0123456789-0123456789-0123456789",
    ],
)
def test_what_only_looks_a_little_like_a_secret_is_left_alone(text: str) -> None:
    assert Masker().mask(text) == text


PLANTED = {"tests/core/test_text.py", "tests/proving/test_environment.py", "tests/settings/test_settings.py"}


def test_nothing_of_this_repository_but_what_is_planted_is_taken_for_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True)
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    if not names:
        pytest.skip("the files are in no git checkout")
    masker = Masker()
    touched = set()
    for name in names:
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        if masker.mask(text) != text:
            touched.add(name)
    assert touched <= PLANTED


@given(words, plain, plain)
def test_a_configured_value_survives_in_no_writing(value: str, before: str, after: str) -> None:
    masker = Masker({"KEY": value})
    content = value.encode()
    for written in (
        value,
        json.dumps(value),
        json.dumps(json.dumps(value)),
        json.dumps(value, ensure_ascii=False),
        quote(value, safe=""),
        html.escape(value),
        content.hex(),
    ):
        assert written.strip('"') not in masker.mask(f"{before} {written} {after}").replace(
            "[masked: KEY]", ""
        )


@given(st.binary(min_size=0, max_size=7), st.text("abcdefghijkABCDEF0123456789", min_size=16, max_size=40))
def test_a_configured_value_is_known_in_base64_at_any_offset(before: bytes, value: str) -> None:
    encoded = base64.b64encode(before + value.encode() + b"tail").decode()
    assert "[masked: KEY]" in Masker({"KEY": value}).mask(encoded)


@given(words, st.lists(st.sampled_from(sorted(EXAMPLES.values())), max_size=3), plain)
def test_masking_twice_is_masking_once(value: str, examples: list[str], text: str) -> None:
    masker = Masker({"KEY": value})
    once = masker.mask(f"{text} {value} {' '.join(examples)}")
    assert masker.mask(once) == once


@given(st.text("abcdefghij \n.,:/@-_", max_size=400))
def test_a_text_without_secrets_is_the_same_text(text: str) -> None:
    assert Masker({"KEY": "Zq9-Zq9-Zq9"}).mask(text) is text


def test_a_short_value_is_passed_over() -> None:
    assert Masker({"KEY": "ollama"}).mask("we use ollama here") == "we use ollama here"


def test_a_value_that_stands_in_the_mark_itself_does_not_come_back() -> None:
    masker = Masker({"DATABASE_URL": "masked: DATABASE"})
    assert masker.mask("masked: DATABASE") == MASK


def test_a_line_of_a_key_is_known_by_itself() -> None:
    masker = Masker({"github.private_key": EXAMPLES["private key"]})
    assert SOURCE_BODY not in masker.mask(f"line 2 is {SOURCE_BODY}")


def test_every_text_of_an_event_is_masked_and_an_event_without_secrets_is_itself() -> None:
    masker = Masker({"KEY": "configured-value"})
    event = NotePosted("code", Note(Source.PERSON, "the key is configured-value"))
    assert masker.masked(event) == NotePosted("code", Note(Source.PERSON, "the key is [masked: KEY]"))
    calls = (ToolCall("1", "shell", '{"command":"echo configured-value"}'), ToolCall("2", "todo", "{}"))
    assert masker.masked(calls) == (
        ToolCall("1", "shell", '{"command":"echo [masked: KEY]"}'),
        ToolCall("2", "todo", "{}"),
    )
    harmless = NotePosted("code", Note(Source.PERSON, "nothing"))
    assert masker.masked(harmless) is harmless


def test_the_ticket_of_the_demo_holds_no_secret() -> None:
    ticket = demo_ticket()
    assert Masker().masked(ticket) is ticket


def test_secrets_are_named_for_whoever_compares() -> None:
    token = EXAMPLES["GitHub token"]
    assert Masker().found(f"a {token} b") == {token: "[masked: GitHub token]"}


@pytest.mark.parametrize(
    "text",
    [
        "eyJ" * 30_000,
        "-----BEGIN PRIVATE KEY-----" * 3_000,
        "://a:" * 20_000,
        "Bearer " * 15_000,
        "sk-" * 30_000,
    ],
)
def test_texts_made_to_be_slow_are_not(text: str) -> None:
    """Ends at all: a search in quadratic time would take minutes, and the suite's limit is shorter."""
    assert len(Masker().mask(text)) <= len(text)
