"""What the settings make of GitHub: which repository is worked on, where its branches go, who may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from anton.adapters.github.place import GitHubPlace
from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.remote import RemoteRepository
from anton.app.github import github_side
from anton.app.serving import watch_of
from anton.core.errors import OutsideError, UsageError
from anton.ports import Proving
from anton.settings import Settings, load_settings
from tests.adapters.github.server import Faulty, refused, serving

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Settings by variables and a file."""

    def loaded(toml: str = "", **environment: str) -> Settings:
        path = tmp_path / "own.toml"
        path.write_text(toml)
        home = {"HOME": str(tmp_path), "ANTON_HOME": str(tmp_path / "state")}
        return load_settings({**home, **environment}, tmp_path, config=path)

    return loaded


async def test_without_a_credential_nothing_leaves_the_machine(load: Load) -> None:
    async with github_side(load(GITHUB_REPO="ann/shop")) as side:
        assert side.forge().description.startswith("local")
        remote = await side.remote("/srv/shop", "https://github.com/ann/shop.git")
        assert Path(remote).is_dir()


@pytest.mark.parametrize(
    "origin",
    ["https://github.com/ann/shop.git", "https://github.com/Ann/Shop", "git@github.com:ann/shop.git",
     "ssh://git@github.com/ann/shop.git"],
)  # fmt: skip
async def test_a_clone_of_the_repository_is_pushed_to_github(load: Load, origin: str) -> None:
    async with github_side(load(GITHUB_REPO="ann/shop", GITHUB_TOKEN="ghp_x")) as side:
        assert (await side.remote("/srv/shop", origin)).lower() == "https://github.com/ann/shop.git"


@pytest.mark.parametrize(
    "origin",
    ["", "https://github.com/ann/other.git", "https://github.com.evil.example/ann/shop.git",
     "https://evil.example/ann/shop.git", "https://user@github.com:444/ann/shop", "git@evil.example:ann/shop",
     "https://github.com/ann/shop/../other", "https://github.com:x/ann/shop"],
)  # fmt: skip
async def test_any_other_repository_is_not(load: Load, origin: str) -> None:
    async with github_side(load(GITHUB_REPO="ann/shop", GITHUB_TOKEN="ghp_x")) as side:
        assert (await side.remote("/srv/shop", origin)).startswith("/")


async def test_a_local_origin_stays_the_place_to_push_to(load: Load, tmp_path: Path) -> None:
    async with github_side(load(GITHUB_REPO="ann/shop", GITHUB_TOKEN="ghp_x")) as side:
        assert await side.remote("/srv/shop", str(tmp_path)) == str(tmp_path)


async def test_a_repository_named_by_its_url_needs_no_clone(load: Load) -> None:
    async with github_side(load(GITHUB_TOKEN="ghp_x")) as side:
        path = side.chosen(Path("https://github.com/Ann/Shop"))
        assert isinstance(side.repository(str(path)), RemoteRepository)
        remote = await side.remote(str(path), "https://github.com/ann/shop.git")
        assert remote == "https://github.com/ann/shop.git"


@pytest.mark.parametrize(
    ("toml", "environment", "seconds"),
    [
        ("", {"GITHUB_WEBHOOK_SECRET": "s"}, 300),
        ("", {}, None),
        ("[github]\npoll_seconds = 60", {}, 60),
        ("[github]\npoll_seconds = 0", {"GITHUB_WEBHOOK_SECRET": "s"}, None),
        ("[github]\npoll = []", {"GITHUB_WEBHOOK_SECRET": "s"}, None),
        ("", {"GITHUB_WEBHOOK_SECRET": "s", "GITHUB_TOKEN": ""}, None),
        ("", {"GITHUB_WEBHOOK_SECRET": "s", "GITHUB_REPO": ""}, None),
    ],
)
async def test_what_was_missed_is_looked_for_where_webhooks_are_heard_or_somebody_asks_for_it(
    load: Load, toml: str, environment: dict[str, str], seconds: int | None
) -> None:
    settings = load(toml, **{"GITHUB_REPO": "ann/shop", "GITHUB_TOKEN": "ghp_x", **environment})
    async with github_side(settings) as side:
        watch = watch_of(settings, side.occurrences())
    assert (watch.seconds if watch else None) == seconds


async def test_the_address_of_the_api_may_be_said_by_the_variable_that_github_itself_uses(load: Load) -> None:
    settings = load(
        GITHUB_API_URL="https://github.example.com/api/v3/", SLACK_API_URL="http://127.0.0.1:9/api"
    )
    assert settings.github.base_url == "https://github.example.com/api/v3"
    assert settings.slack.base_url == "http://127.0.0.1:9/api"


async def test_a_url_elsewhere_is_refused(load: Load) -> None:
    async with github_side(load()) as side:
        with pytest.raises(UsageError, match=r"names no repository at https://github.com: clone it"):
            side.chosen(Path("https://gitlab.com/ann/shop"))


async def test_a_folder_is_taken_as_it_is(load: Load, tmp_path: Path) -> None:
    async with github_side(load(GITHUB_REPO="ann/shop")) as side:
        assert side.chosen(tmp_path / "shop") == tmp_path / "shop"
        found = side.repository(str(tmp_path / "shop"))
        assert type(found) is GitRepository


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[github]\nrepo = "shop"', "github.repo"),
        ("[github]\napp_id = 1", "needs app_id and private_key together"),
        ('[github]\napp_id = 1\nprivate_key = "k"', "needs repo or installation"),
        ('[github]\nlabels = ["bug, anton"]', "must be one label"),
        ("[github]\npoll_seconds = 5", "must be 0, for never, or at least 30"),
        ('[github]\npoll = ["comments"]', "must be 'issues', 'workflow_runs' or 'merges'"),
        ('[github]\nbase_url = "http://ghe.example.com/api/v3"', "must begin with 'https://'"),
    ],
)
def test_a_mistake_is_told(load: Load, toml: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(toml)


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://github.example.com/api/v3", "https://github.example.com"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com"),
        ("http://127.0.0.1:4001", "http://127.0.0.1:4001"),
    ],
)
def test_git_is_where_the_pages_are(api: str, web: str) -> None:
    assert GitHubPlace(api).web == web


REPOSITORY = "/repos/ann/shop"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"full_name": "ann/shop", "permissions": {"push": False}}, "may be read, not pushed to"),
        ({"full_name": "ann/shop", "archived": True}, "is archived"),
        ({}, "is not GitHub's"),
    ],
)
async def test_a_credential_that_is_not_enough_is_told_at_start_up(
    load: Load, told: dict[str, object], said: str
) -> None:
    async with serving(Faulty()) as server:
        server.files[REPOSITORY] = web.json_response(told)
        toml = f'[github]\nbase_url = "{server.url}"\nrepo = "ann/shop"\ntoken = "ghp_x"'
        async with github_side(load(toml)) as side:
            forge = side.forge()
            assert isinstance(forge, Proving)
            with pytest.raises(OutsideError, match=said):
                await forge.prove()
        assert server.asked == ["GET "]


async def test_an_app_asks_for_its_installation_s_token_and_renews_one_that_is_refused(
    load: Load, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_bytes(app_key())
    async with serving(Faulty()) as server:
        server.files[REPOSITORY] = web.json_response({"full_name": "ann/shop"})
        server.faults = {
            "GET /installation": [lambda: web.json_response({"id": 7})] * 2,
            "POST /app/installations/7/access_tokens": [minted("ghs_one"), minted("ghs_two")],
            "GET ": [refused(401, "Bad credentials")],
        }
        toml = f'[github]\nbase_url = "{server.url}"\nrepo = "ann/shop"\napp_id = 1\nprivate_key = "key.pem"'
        async with github_side(load(toml)) as side:
            forge = side.forge()
            assert isinstance(forge, Proving)
            assert await forge.prove() == "ann/shop may be read and pushed to"
    assert server.tokens[2] == "token ghs_one"
    assert server.tokens[-1] == "token ghs_two"
    assert server.tokens[0].startswith("bearer ey")


async def test_a_key_that_is_none_is_named(load: Load, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    toml = '[github]\nbase_url = "http://127.0.0.1:1"\nrepo = "ann/shop"\napp_id = 1\nprivate_key = "key.pem"'
    async with github_side(load(toml)) as side:
        forge = side.forge()
        assert isinstance(forge, Proving)
        with pytest.raises(OutsideError, match="holds no RSA key in PEM"):
            await forge.prove()


def minted(token: str) -> Callable[[], web.Response]:
    return lambda: web.json_response({"token": token, "expires_at": "2099-01-01T00:00:00Z"}, status=201)


def app_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind, form = serialization.PrivateFormat.TraditionalOpenSSL, serialization.Encoding.PEM
    return key.private_bytes(form, kind, serialization.NoEncryption())
