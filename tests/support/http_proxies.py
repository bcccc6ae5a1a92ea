"""Proxies of our own: one that speaks HTTP (forwarding and CONNECT), one that speaks SOCKS5."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.support.http_hostile import Handler, Request, Wire


def basic(user: str, password: str) -> str:
    """The value of an Authorization field."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def forwarder(*, wants: str = "", refuses: int = 0) -> Handler:
    """The handler of a proxy that wants a Proxy-Authorization, or refuses everything."""

    def handle(request: Request, wire: Wire) -> None:
        if refuses:
            wire.answer(refuses, b"no")
        elif wants and request.fields.get("proxy-authorization") != wants:
            wire.answer(407, b"who?", Proxy_Authenticate='Basic realm="proxy"')
        elif request.method == "CONNECT":
            _tunnel(request.target, wire)
        else:
            _forward(request, wire)

    return handle


def _forward(request: Request, wire: Wire) -> None:
    parts = urlsplit(request.target)
    assert parts.hostname is not None
    onward = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=10)
    own = {name: value for name, value in request.fields.items() if not name.startswith("proxy-")}
    with contextlib.closing(onward):
        onward.request(request.method, parts.path or "/", headers=own)
        answer = onward.getresponse()
        wire.answer(answer.status, answer.read(), ETag=answer.headers.get("ETag", '"none"'))


def _tunnel(target: str, wire: Wire) -> None:
    host, _, port = target.rpartition(":")
    try:
        onward = socket.create_connection((host, int(port)), timeout=10)
    except OSError:
        wire.answer(502, b"nobody there")
        return
    wire.head(200)
    join(wire.connection, onward)
    wire.close()


def join(one: socket.socket, other: socket.socket) -> None:
    """Copies both ways until both ends are silent."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    with other:
        back = threading.Thread(target=copy, args=(other, one), daemon=True)
        back.start()
        copy(one, other)
        back.join(10)


class SocksServer:
    """SOCKS5 (RFC 1928) with names; `targets` are those that were asked for."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"socks5h://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as reader:
            reader.read(reader.read(2)[1])
            connection.sendall(b"\x05\x00")
            kind = reader.read(4)[3]
            if kind == 3:
                host = reader.read(reader.read(1)[0]).decode()
            else:
                host = socket.inet_ntop(socket.AF_INET, reader.read(4))
            port = int.from_bytes(reader.read(2), "big")
            self.targets.append(f"{host}:{port}")
            try:
                onward = socket.create_connection((host, port), timeout=10)
            except OSError:
                connection.sendall(b"\x05\x05\x00\x01" + bytes(6))
                return
            connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
            join(connection, onward)
