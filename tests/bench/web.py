"""A local nginx with a configuration of its own: the server that all downloads come from."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.setup import command

_BLOCK = 1 << 24
_CONFIGURATION = """\
daemon off;
{user}worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {files};
    default_type application/octet-stream;
    {more}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Web:
    """A running server and the directory that it serves."""

    files: Path
    url: str


@asynccontextmanager
async def nginx(directory: Path, more: str = "") -> AsyncIterator[Web]:
    """Serves `directory/files`; `more` is further configuration of the server.

    Raises:
        RuntimeError: it ended instead of serving.
    """
    program = command("nginx")
    assert program is not None
    home, files = directory / "nginx", directory / "files"
    home.mkdir(parents=True)
    files.mkdir()
    port = _free_port()
    user = "user root;\n" if os.geteuid() == 0 else ""
    (home / "nginx.conf").write_text(
        _CONFIGURATION.format(home=home, files=files, port=port, user=user, more=more)
    )
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")
    )
    try:
        await _serving(process, port)
        yield Web(files, f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def fill(path: Path, size: int) -> None:
    """A file of random bytes, on disk: nothing of it is written back while others are measured."""
    with path.open("wb") as file:
        for start in range(0, size, _BLOCK):
            file.write(os.urandom(min(_BLOCK, size - start)))
        file.flush()
        os.fsync(file.fileno())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _serving(process: asyncio.subprocess.Process, port: int) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise RuntimeError(f"nginx ended with {process.returncode}")
