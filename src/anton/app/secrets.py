"""What is secret here: by the settings, by the environment, by files that Anton keeps."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from anton.adapters.model.masked import MaskedModel
from anton.app.serving import TOKEN_FILE
from anton.core.secrets import Masker
from anton.ports import Model
from anton.settings import Settings

MAX_FILE_BYTES = 100_000
_NAMED_SECRET = re.compile(
    r"(?:^|[_.-])(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN|PAT|AUTHORIZATION)(?:$|[_.-])",
    re.IGNORECASE,
)
"""Of a variable, whether in the environment or in a table of the settings."""


def names_a_secret(name: str) -> bool:
    """Whether a variable, key, option or header is called as secrets are."""
    return bool(_NAMED_SECRET.search(name))


def masker_of(settings: Settings) -> Masker:
    """What takes all of that out of texts; reads files."""
    found: dict[str, str] = {}
    for name, value in (*_environment(), *_in_settings(settings, ""), *_in_files(settings)):
        found[name] = value
        if password := _password(value):
            found[f"password in {name}"] = password
    return Masker(found)


def masked(model: Model, masker: Masker) -> Model:
    """A model that is told no secrets."""
    return MaskedModel(model, masker)


def _environment() -> Iterator[tuple[str, str]]:
    """Variables that are called a secret; the path of a file is none."""
    for name, value in os.environ.items():
        if names_a_secret(name) and not value.startswith(("/", ".")):
            yield name, value


def _in_settings(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Whatever is of a secret type, and texts under a name that says so."""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        yield name, secret
        if "," in secret or ":" in secret:  # several tokens of the API, some named
            for number, part in enumerate(secret.split(","), 1):
                yield f"{name} {number}", part.rpartition(":")[2]
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _in_settings(getattr(value, field), f"{name}.{field}" if name else field)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(item, str):
                yield from _in_settings(item, f"{name}.{key}")
            elif names_a_secret(str(key)) and not name.endswith("header_env"):
                yield f"{name}.{key}", item
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value, 1):
            yield from _in_settings(item, f"{name} {number}")


def _in_files(settings: Settings) -> Iterator[tuple[str, str]]:
    files = {"the API's token": settings.home / TOKEN_FILE, "github.private_key": settings.github.private_key}
    for name, path in files.items():
        if path is not None and (text := _read(path)):
            yield name, text
    for server in settings.mcp.servers.values():
        for variable in (*server.env_from, *server.header_env.values()):
            if value := os.environ.get(variable):
                yield variable, value
    for other in settings.model.fallback:
        if other.api_key_env and (value := os.environ.get(other.api_key_env)):
            yield other.api_key_env, value


def _read(path: Path) -> str:
    """A file's text; empty where there is none, or none that can be read: whoever needs it says so."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _password(value: str) -> str:
    """Of a URL, such as a database's."""
    if "://" not in value or any(character.isspace() for character in value):
        return ""
    try:
        return unquote(urlsplit(value).password or "")
    except ValueError:
        return ""
