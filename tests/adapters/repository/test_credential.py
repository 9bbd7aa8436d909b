"""Git over https with a credential, against git's own http-backend; who gets to see it is watched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.counterparts.git_host import TOKEN, GitHost, backend, git_host

from anton.adapters.repository.credential import HostCredential, origin
from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.remote import RemoteRepository
from anton.core.errors import OutsideError, RepositoryUnusable

RunGit = Callable[..., str]
pytestmark = pytest.mark.skipif(backend() is None, reason="git is installed without git-http-backend")


@pytest.fixture
async def host(tmp_path: Path, checkout: Path, git: RunGit) -> AsyncIterator[GitHost]:
    folder = tmp_path / "host"
    folder.mkdir()
    git(folder, "clone", "-q", "--bare", str(checkout), "ann/shop.git")
    git(folder / "ann" / "shop.git", "config", "http.receivepack", "true")
    git(folder / "ann" / "shop.git", "tag", "v1", "main")
    async with git_host(folder) as running:
        yield running


def credential(host: GitHost, token: str = TOKEN) -> HostCredential:
    async def give() -> str:
        return token

    return HostCredential(host.url, give, "Make a new token")


def trusting(host: GitHost) -> dict[str, str]:
    return {"GIT_SSL_CAINFO": str(host.certificate)}


def cloned(host: GitHost, mirror: Path, token: str = TOKEN) -> RemoteRepository:
    return RemoteRepository(host.remote("ann/shop"), mirror, trusting(host), credential(host, token))


async def test_what_is_fetched_and_pushed_is_exact_and_the_credential_is_seen_nowhere(
    host: GitHost, tmp_path: Path, git: RunGit
) -> None:
    repository = cloned(host, tmp_path / "mirror")
    base = await repository.resolve("")
    commit = await repository.commit(base.tree, base.commit, "fix", 1_800_000_000)
    await repository.push(commit, "fix/bug-1", host.remote("ann/shop"))
    await repository.push(commit, "fix/bug-1", host.remote("ann/shop"))
    assert (base.branch, base.remote, base.dirty) == ("main", host.remote("ann/shop"), False)
    assert git(host.folder / "ann" / "shop.git", "rev-parse", "fix/bug-1") == commit
    assert await repository.head_of(host.remote("ann/shop"), "fix/bug-1") == commit
    assert any("git-remote-https" in words or "remote-https" in words for words in host.seen)
    assert [words for words in host.seen if TOKEN in words] == []
    written = [path for path in (tmp_path / "mirror").rglob("*") if path.is_file()]
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []


async def test_a_credential_in_an_environment_would_be_seen(host: GitHost, tmp_path: Path) -> None:
    leaking = {**trusting(host), "CANARY": TOKEN}
    repository = RemoteRepository(host.remote("ann/shop"), tmp_path / "mirror", leaking, credential(host))
    await repository.resolve("")
    assert [words for words in host.seen if TOKEN in words] != []


async def test_something_else_under_the_name_is_never_overwritten_over_https(
    host: GitHost, tmp_path: Path, git: RunGit
) -> None:
    repository = cloned(host, tmp_path / "mirror")
    base = await repository.resolve("")
    git(host.folder / "ann" / "shop.git", "branch", "fix/bug-1", "main")
    commit = await repository.commit(base.tree, base.commit, "fix", 1_800_000_000)
    with pytest.raises(OutsideError, match="already has a branch 'fix/bug-1'"):
        await repository.push(commit, "fix/bug-1", host.remote("ann/shop"))


@pytest.mark.parametrize("ref", ["main", "v1", "refs/heads/main", ""])
async def test_a_url_is_resolved_by_branch_tag_and_default(host: GitHost, tmp_path: Path, ref: str) -> None:
    base = await cloned(host, tmp_path / "mirror").resolve(ref)
    assert (base.branch, base.subject) == ("main", "Double a number")


async def test_a_full_commit_id_is_resolved(host: GitHost, tmp_path: Path, git: RunGit) -> None:
    commit = git(host.folder / "ann" / "shop.git", "rev-parse", "main")
    assert (await cloned(host, tmp_path / "mirror").resolve(commit)).commit == commit


async def test_a_branch_that_is_not_there_is_named(host: GitHost, tmp_path: Path) -> None:
    with pytest.raises(RepositoryUnusable, match="has no branch or tag 'gone'"):
        await cloned(host, tmp_path / "mirror").resolve("gone")


async def test_a_refused_credential_says_what_to_do(host: GitHost, tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="Make a new token") as refused:
        await cloned(host, tmp_path / "mirror", "another").resolve("")
    assert "another" not in str(refused.value)


async def test_no_other_host_is_given_the_credential(host: GitHost, tmp_path: Path, checkout: Path) -> None:
    elsewhere = HostCredential("https://github.com", credential(host).token)
    repository = GitRepository(checkout, tmp_path / "mirror", trusting(host), elsewhere)
    base = await repository.resolve("")
    with pytest.raises(OutsideError, match="cannot be reached"):
        await repository.push(base.commit, "fix/bug-1", host.remote("ann/shop"))
    assert [path for path, given in host.asked if given] == []


async def test_a_redirect_to_another_host_takes_no_credential_along(host: GitHost, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with git_host(other) as stranger:
        certificates = host.certificate.read_text() + stranger.certificate.read_text()
        (tmp_path / "both.pem").write_text(certificates)
        host.redirect = stranger.url
        environment = {"GIT_SSL_CAINFO": str(tmp_path / "both.pem")}
        url = host.remote("ann/shop")
        repository = RemoteRepository(url, tmp_path / "mirror", environment, credential(host))
        with pytest.raises(OutsideError):
            await repository.resolve("")
        assert stranger.asked
        assert [path for path, given in stranger.asked if given] == []


@pytest.mark.parametrize("token", ["", "a\nb", "ü", "x" * 3000])
async def test_what_is_no_token_is_refused_before_git_runs(host: GitHost, tmp_path: Path, token: str) -> None:
    with pytest.raises(OutsideError, match="is empty or no token"):
        await cloned(host, tmp_path / "mirror", token).resolve("")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/o/r.git", "https://github.com:443"),
        ("https://github.com:443/o/r", "https://github.com:443"),
        ("https://user:pw@github.com/o/r", ""),
        ("http://github.com/o/r", ""),
        ("https://github.com:x/o/r", ""),
        ("ssh://git@github.com/o/r", ""),
        ("/srv/git", ""),
    ],
)
def test_only_plain_https_has_an_origin(url: str, found: str) -> None:
    assert origin(url) == found


async def test_a_host_that_is_down_is_no_fault_of_the_repository(host: GitHost, tmp_path: Path) -> None:
    nowhere = RemoteRepository("https://127.0.0.1:9/ann/shop.git", tmp_path / "mirror", trusting(host))
    with pytest.raises(OutsideError, match="cannot be read"):
        await nowhere.resolve("")
