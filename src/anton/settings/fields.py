"""What single settings may be: texts, paths, URLs, keys."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

_HOST = re.compile(
    r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](?::[1-9][0-9]{0,4})?"
)
_CONTROL = re.compile("[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]")


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if _CONTROL.search(text):
        raise ValueError("must not hold control characters, such as line breaks")
    return text


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of printable ASCII characters, as keys of model endpoints are")
    return SecretStr(text)


def _secret(secret: SecretStr) -> SecretStr:
    _text(secret.get_secret_value())
    return secret


def _url(text: str) -> str:
    text = _text(text.strip())
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text:
        raise ValueError(
            "must begin with 'http://' or 'https://' and a host, as in 'https://api.openai.com/v1'"
        )
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password: the key goes into API_KEY")
    if parts.query or parts.fragment or port == 0:
        raise ValueError("must end with its path, without '?', '#' or port 0")
    return text.rstrip("/")


def _host(text: str) -> str:
    """A name on the public internet: addresses, and names without a dot, are none."""
    host = text.strip().lower()
    if not _HOST.fullmatch(host):
        raise ValueError(
            "must be the name of a host, as in 'docs.python.org', '*.readthedocs.io' or 'example.com:8443'"
        )
    return host


def _absolute(path: Path) -> Path:
    _text(str(path))
    if not path.is_absolute():
        raise ValueError("must not be empty")
    return path


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if text and (path.is_absolute() or ".." in path.parts or _CONTROL.search(text)):
        raise ValueError("must be a path inside the repository, as in 'build/junit.xml'")
    return text


Text = Annotated[str, AfterValidator(_text)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Url = Annotated[str, AfterValidator(_url)]
Host = Annotated[str, AfterValidator(_host)]
InsidePath = Annotated[str, AfterValidator(_inside)]
Key = Annotated[SecretStr, AfterValidator(_key)]
"""One word."""
SecretText = Annotated[SecretStr, AfterValidator(_secret)]
Dollars = Annotated[float, Field(strict=True, ge=0, le=1_000_000)]


class Section(BaseModel):
    """A table of the settings: nothing unknown in it, nothing changed after it was checked."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )
