"""A host of git repositories over https: git's own http-backend behind a small server with basic auth.

The server is of this process and on loopback; its certificate is made for it and trusted by nobody else.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import shutil
import ssl
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.counterparts.weather import Weather

TOKEN = "ghs_canary0123456789"


def backend() -> Path | None:
    """git-http-backend; None where git was installed without it."""
    where = subprocess.run(
        [shutil.which("git") or "git", "--exec-path"], capture_output=True, text=True, check=True
    )
    found = Path(where.stdout.strip()) / "git-http-backend"
    return found if found.is_file() else None


@dataclass
class GitHost:
    """The running host."""

    folder: Path
    """Of the bare repositories, by `owner/repo.git`."""
    url: str = ""
    token: str = TOKEN
    """What is let in."""
    asked: list[tuple[str, bool]] = field(default_factory=list)
    """Paths, each with whether a credential came along."""
    seen: set[str] = field(default_factory=set)
    """Environments and arguments of git's processes, as they were while it was served."""
    redirect: str = ""
    """Where all requests are sent instead."""
    api: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    """Answers everything below `/repos/`, as a forge does at the same address."""

    @property
    def certificate(self) -> Path:
        """For git to trust."""
        return self.folder / "host.pem"

    def remote(self, name: str) -> str:
        """What git is told."""
        return f"{self.url}/{name}.git"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request, handed to git-http-backend as CGI. Source: https://git-scm.com/docs/git-http-backend"""
        if self.api and request.path.startswith("/repos/"):
            return await self.api(request)
        given = request.headers.get("Authorization", "")
        self.asked.append((request.path, bool(given)))
        self.seen |= await asyncio.to_thread(processes)
        if self.redirect:
            raise web.HTTPFound(f"{self.redirect}{request.path_qs}")
        expected = "Basic " + base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        if given != expected:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await self._served(request)

    async def _served(self, request: web.Request) -> web.Response:
        environment = {
            "PATH": "/usr/bin:/bin",
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": "/nonexistent",
            "REMOTE_USER": "anton",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": "",
            "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        process = await asyncio.create_subprocess_exec(
            str(backend()), env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        body = await request.read()
        environment["CONTENT_LENGTH"] = str(len(body))
        out, _ = await process.communicate(body)
        head, _, content = out.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")]
        headers = {name: value for name, _, value in lines if name != "Status"}
        status = next((int(value.split()[0]) for name, _, value in lines if name == "Status"), 200)
        return web.Response(status=status, body=content, headers=headers)


def processes() -> set[str]:
    """Environment and arguments of every process that git runs for us, and of what it started."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes() if folder.name.isdecimal() else b""
            if b"git" in words.split(b"\0")[0] or b"/dev/fd/" in words:
                found.add((words + b"\0" + (folder / "environ").read_bytes()).decode("utf-8", "replace"))
        except OSError:
            continue
    return found


@asynccontextmanager
async def git_host(folder: Path, weather: Weather | None = None) -> AsyncIterator[GitHost]:
    """The host, with the repositories in `folder`."""
    host, weather = GitHost(folder), weather or Weather()
    certify(host.certificate)
    application = web.Application(client_max_size=50_000_000, middlewares=weather.middlewares)
    application.router.add_route("*", "/{path:.*}", host.answer)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(host.certificate)
        host.url = f"https://127.0.0.1:{await weather.listen(runner, context)}"
        yield host
    finally:
        await runner.cleanup()


def certify(path: Path) -> None:
    """Write a certificate for this machine's loopback, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback of a test")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    kind, form = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    private = key.private_bytes(form, kind, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(form))
