"""asyncssh on the test's loop: a real SSH server for SFTP and SCP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "ada", "pass w\u00f6rd"


@dataclass
class SshSite:
    """What a server has seen, and where it is.

    Attributes:
        key: its host key.
        logins: how somebody tried to log in: ("password", "x"), ("publickey", ""), ("begin", "").
        reads: the offsets that files were read from, in the order of the requests.
        cut: after a read from here on the connection breaks, once.
        cut_write: after a write up to here the connection breaks, once.
        writes: the offsets that files were written from.
        renames: what was renamed, base names; with `strict_rename` nothing is replaced by that, and
            with `no_rename` nothing is renamed.
        looks: how often somebody asked for size and time of a file.
        before_look: called with that number, from 1.
    """

    folder: Path
    key: asyncssh.SSHKey
    port: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    cut: int | None = None
    cut_write: int | None = None
    writes: list[int] = field(default_factory=list)
    renames: list[tuple[str, str]] = field(default_factory=list)
    strict_rename: bool = False
    no_rename: bool = False
    looks: int = 0
    before_look: Callable[[int], None] = lambda _: None

    def url(self, scheme: str, path: str) -> str:
        return f"{scheme}://localhost:{self.port}/{path}"

    def known_hosts(self, folder: Path, *, key: asyncssh.SSHKey | None = None) -> Path:
        """A file that knows the server by its key, or by another."""
        public = (key or self.key).export_public_key().decode()
        path = folder / "known_hosts"
        path.write_text(f"# ours\n[localhost]:{self.port} {public}")
        return path


class _Server(asyncssh.SSHServer):
    def __init__(self, site: SshSite) -> None:
        self._site = site

    def begin_auth(self, username: str) -> bool:
        self._site.logins.append(("begin", username))
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._site.logins.append(("password", password))
        return (username, password) == (USER, PASSWORD)


def _files(site: SshSite, opened: list[Any]) -> type[asyncssh.SFTPServer]:
    folder = site.folder

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(channel, chroot=str(folder).encode())
            self._connection = channel.get_connection()

        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
            opened.append(super().open(path, pflags, attrs))
            return opened[-1]

        def stat(self, path: bytes) -> Any:
            site.looks += 1
            site.before_look(site.looks)
            return super().stat(path)

        async def read(self, file_obj: object, offset: int, size: int) -> bytes:
            site.reads.append(offset)
            if site.cut is not None and offset >= site.cut:
                site.cut = None
                self._connection.abort()
            found = super().read(file_obj, offset, size)
            assert isinstance(found, bytes)
            return found

        async def write(self, file_obj: object, offset: int, data: bytes) -> int:
            site.writes.append(offset)
            written = super().write(file_obj, offset, data)
            assert isinstance(written, int)
            if site.cut_write is not None and offset + written >= site.cut_write:
                site.cut_write = None
                # What has come is on disk, as a server that lives on would have it.
                opened[-1].flush()
                self._connection.abort()
            return written

        def rename(self, oldpath: bytes, newpath: bytes) -> Any:
            names = (oldpath.rpartition(b"/")[2].decode(), newpath.rpartition(b"/")[2].decode())
            site.renames.append(names)
            place = folder / newpath.decode().lstrip("/")
            if site.no_rename or (site.strict_rename and place.exists()):
                raise asyncssh.SFTPFailure("no")
            return super().rename(oldpath, newpath)

        posix_rename = rename

    return Files


@contextlib.asynccontextmanager
async def ssh_site(
    folder: Path, *, clients: Sequence[asyncssh.SSHKey] = (), **options: Any
) -> AsyncIterator[SshSite]:
    """A server that has a folder, for USER alone: with its password, or a key of `clients`."""
    site = SshSite(folder, asyncssh.generate_private_key("ssh-ed25519"), **options)

    # Those of connections that break are never closed.
    opened: list[Any] = []
    keys = b"".join(key.export_public_key() for key in clients)
    server = await asyncssh.create_server(
        lambda: _Server(site),
        "127.0.0.1",
        0,
        server_host_keys=[site.key],
        authorized_client_keys=asyncssh.import_authorized_keys(keys.decode()) if keys else None,
        sftp_factory=_files(site, opened),
        allow_scp=True,
    )
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        await server.wait_closed()
        for one in opened:
            one.close()


class Relay:
    """Hands connections on to a port, until it holds still: both sides then hear nothing more.

    Attributes:
        port: where it listens.
        limit: it holds still after so many bytes for the client.
    """

    def __init__(self, target: int, limit: int) -> None:
        self.port = 0
        self.limit = limit
        self._target = target

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(
                self._pass(reader, far_writer), self._pass(far_reader, writer, counted=True)
            )
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while self.limit > 0 and (data := await reader.read(4096)):
                self.limit -= len(data) if counted else 0
                writer.write(data)
                await writer.drain()
        if self.limit <= 0:
            await asyncio.Event().wait()
        writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
