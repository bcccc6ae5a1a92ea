"""Debian's nginx, and a site of it over TLS: HTTP/2 as most servers speak it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trustme

from tests.support.network import answers, free_port

_CONFIGURATION = """\
daemon off;
{user}worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  log_format requests '$server_protocol $status $http_range';
  log_format connections '$connection $server_protocol $status';
  access_log {home}/access.log requests;
  access_log {home}/connections.log connections;
  keepalive_requests {requests};
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {home}/server.pem;
    ssl_certificate_key {home}/server.pem;
    root {files};
    default_type application/octet-stream;
    dav_methods PUT;
    client_max_body_size 20m;
    {more}
  }}
}}
"""


@asynccontextmanager
async def nginx_site(
    home: Path, files: Path, authority: trustme.CA, *, requests: int = 1000, more: str = ""
) -> AsyncIterator[str]:
    """Serves files; after so many requests it says goodbye (GOAWAY). The URL without a path.

    Requests are in `home/access.log`: version, status and Range; in `home/connections.log`: the
    connection's number, version and status. `more` is further configuration of the server.
    """
    home.mkdir()
    certificate = authority.issue_cert("localhost").private_key_and_cert_chain_pem
    certificate.write_to_path(str(home / "server.pem"))
    async with nginx_process(
        home, _CONFIGURATION, files=files, requests=requests, more=more
    ) as port:
        yield f"https://localhost:{port}"


@asynccontextmanager
async def nginx_process(home: Path, configuration: str, **values: object) -> AsyncIterator[int]:
    """Runs nginx with a configuration whose home, user and port are filled in; the port.

    Raises:
        RuntimeError: it ended instead of serving.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    assert program is not None
    port = free_port()
    user = "user root;\n" if os.geteuid() == 0 else ""
    text = configuration.format(home=home, port=port, user=user, **values)
    (home / "nginx.conf").write_text(text)
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")
    )
    try:
        if not await answers(port, process):
            raise RuntimeError(f"nginx ended with {process.returncode}")
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
