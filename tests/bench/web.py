"""A local nginx with a configuration of its own: the server that all downloads come from."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.support.nginx_server import nginx_process

_BLOCK = 1 << 24
_CONFIGURATION = """\
daemon off;
{user}worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
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
    listen 127.0.0.1:{port}{tls};
    listen 127.0.0.2:{port}{tls};
    listen 127.0.0.3:{port}{tls};
    listen 127.0.0.4:{port}{tls};
    root {files};
    default_type application/octet-stream;
    {more}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Web:
    """A running server and the directory that it serves; 127.0.0.2 to .4 are hosts of it too."""

    files: Path
    url: str


@asynccontextmanager
async def nginx(
    directory: Path, more: str = "", *, authority: trustme.CA | None = None
) -> AsyncIterator[Web]:
    """Serves `directory/files`.

    Args:
        more: further configuration of the server.
        authority: certifies the server, which then speaks TLS.

    Raises:
        RuntimeError: it ended instead of serving.
    """
    home, files = directory / "nginx", directory / "files"
    home.mkdir(parents=True)
    files.mkdir()
    tls = ""
    if authority is not None:
        pem = home / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
        more += f" ssl_certificate {pem}; ssl_certificate_key {pem};"
        tls = " ssl"
    async with nginx_process(home, _CONFIGURATION, files=files, more=more, tls=tls) as port:
        yield Web(files, f"http{'s' if tls else ''}://127.0.0.1:{port}")


def fill(path: Path, size: int) -> None:
    """A file of random bytes, on disk: nothing of it is written back while others are measured."""
    with path.open("wb") as file:
        for start in range(0, size, _BLOCK):
            file.write(os.urandom(min(_BLOCK, size - start)))
        file.flush()
        os.fsync(file.fileno())
