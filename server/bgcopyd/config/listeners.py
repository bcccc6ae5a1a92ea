"""Where the daemon listens."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

# sun_path holds 108 bytes with its final zero (unix(7)).
_SOCKET_PATH_BYTES = 107
SHARED = "?mode=shared"
# Of the socket that tells users who they are.
IDENTITY_SUFFIX = ".id"
_FORMS = "write unix:PATH, tcp://HOST:PORT, tls://HOST:PORT or mtls://HOST:PORT"


@dataclass(frozen=True, slots=True)
class UnixListener:
    """A Unix socket at an absolute path; a shared one is for every user of the machine."""

    path: Path
    shared: bool = False

    def __str__(self) -> str:
        return f"unix:{self.path}{SHARED if self.shared else ''}"


@dataclass(frozen=True, slots=True)
class TcpListener:
    """An address; port 0 asks the system for a free one.

    `kind` is "tcp", plain and so on loopback only, "tls", or "mtls", where clients must show a
    certificate.
    """

    host: str
    port: int
    kind: str = "tcp"

    @property
    def address(self) -> str:
        """`HOST:PORT` as grpc wants it, an IPv6 host in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.kind}://{self.address}"


Listener = UnixListener | TcpListener
_KINDS = ("tcp", "tls", "mtls")


def parse_listener(text: object) -> Listener:
    """The listener that `unix:PATH` or `tcp://HOST:PORT`, or `tls` or `mtls` instead, names.

    Raises:
        ValueError: it names none, or one that the daemon may not open.
    """
    if isinstance(text, UnixListener | TcpListener):
        return text
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no listener; {_FORMS}")  # noqa: TRY004 - pydantic's contract
    if text.startswith("unix:"):
        return _unix(text.removeprefix("unix:"))
    kind, separator, _ = text.partition("://")
    if separator and kind in _KINDS:
        return _tcp(kind, text)
    raise ValueError(f"{text!r} is no listener; {_FORMS}")


def _unix(text: str) -> UnixListener:
    path, mark, query = text.partition("?")
    shared = mark + query == SHARED
    if mark and not shared:
        raise ValueError(f"'unix:{text!r}' has options that are none; write unix:PATH{SHARED}")
    if path.startswith("//"):
        path = path.removeprefix("//")
    if not path or not path.isprintable():
        raise ValueError(f"'unix:{path!r}' names no socket; {_FORMS}")
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow symlinks
    longest = _SOCKET_PATH_BYTES - (len(IDENTITY_SUFFIX) if shared else 0)
    if len(os.fsencode(absolute)) > longest:
        raise ValueError(
            f"the socket's path {absolute} is longer than the {longest} bytes that "
            "the system allows; choose a shorter one"
        )
    return UnixListener(absolute, shared)


def _tcp(kind: str, text: str) -> TcpListener:
    host, colon, port_text = text.partition("://")[2].rpartition(":")
    if not colon or not port_text.isascii() or not port_text.isdigit() or int(port_text) > 65535:
        raise ValueError(f"{text!r} lacks a port of 0 to 65535; {_FORMS}")
    bracketed = host.startswith("[") and host.endswith("]")
    # "localhost" is taken for what it should mean, not for what a resolver makes of it.
    name = "127.0.0.1" if host == "localhost" else host[1:-1] if bracketed else host
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        raise ValueError(
            f"{host!r} in {text!r} is no address; write one as 127.0.0.1, [::1] or 0.0.0.0"
        ) from None
    if kind == "tcp" and not address.is_loopback:
        raise ValueError(
            f"{text} would send tokens in plain text beyond this machine; listen on "
            f"tls://{host}:{port_text}, or on 127.0.0.1 or [::1]"
        )
    return TcpListener(str(address), int(port_text), kind)
