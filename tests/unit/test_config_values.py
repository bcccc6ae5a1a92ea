from __future__ import annotations

from pathlib import Path

import pytest

from bgcopyd.config.listeners import TcpListener, UnixListener, parse_listener
from bgcopyd.config.values import parse_duration, parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0", 0),
        (500_000, 500_000),
        ("1k", 1024),
        ("2M", 2 << 20),
        ("1.5 G", 3 << 29),
        ("1T", 1 << 40),
    ],
)
def test_rate(text: object, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "-1", "2Q", "1e9", True, 1.5, None, -5, "9" * 30])
def test_no_rate(text: object) -> None:
    with pytest.raises(ValueError):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(30, 30), (0.5, 0.5), ("30", 30), ("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604_800)],
)
def test_duration(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "-1s", -1, float("nan"), float("inf"), "5w", False, None, "9999999d"]
)
def test_no_duration(text: object) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("unix:/run/x.sock", UnixListener(Path("/run/x.sock"))),
        ("unix:///run/x.sock", UnixListener(Path("/run/x.sock"))),
        ("unix:/run/../run/x.sock", UnixListener(Path("/run/x.sock"))),
        ("unix:x.sock", UnixListener(Path.cwd() / "x.sock")),
        ("unix:/run/x.sock?mode=shared", UnixListener(Path("/run/x.sock"), shared=True)),
        ("tcp://127.0.0.1:0", TcpListener("127.0.0.1", 0)),
        ("tcp://127.8.9.1:65535", TcpListener("127.8.9.1", 65535)),
        ("tcp://localhost:50051", TcpListener("127.0.0.1", 50051)),
        ("tcp://[::1]:50051", TcpListener("::1", 50051)),
        ("tls://0.0.0.0:7447", TcpListener("0.0.0.0", 7447, "tls")),
        ("mtls://[2001:db8::1]:0", TcpListener("2001:db8::1", 0, "mtls")),
    ],
)
def test_listener(text: str, listener: object) -> None:
    assert parse_listener(text) == listener


@pytest.mark.parametrize(
    "text",
    [
        "unix:/run/x.sock", "unix:/x?mode=shared", "tcp://127.0.0.1:50051", "tcp://[::1]:50051",
        "mtls://[::]:1",
    ],
)  # fmt: skip
def test_listener_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_listener(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:1",
        "tcp://0.0.0.0:1",
        "tcp://192.168.1.5:1",
        "tcp://[::]:1",
        "tcp://[2001:db8::1]:1",
    ],
)
def test_plaintext_stays_on_this_machine(text: str) -> None:
    with pytest.raises(ValueError, match=r"plain text beyond this machine|is no listener"):
        parse_listener(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "unix:", "unix:?mode=shared", "unix:/x?", "unix:/x?mode=open",
        "unix:/x?mode=shared&x=1", "unix:/" + "x" * 104 + "?mode=shared", "unix:a\nb",
        "unix:/" + "x" * 108, "tcp://", "tcp://127.0.0.1",
        "tcp://127.0.0.1:", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1", "tcp://127.0.0.1:٣",
        "tcp://example.org:1", "tcp://:1", "tls://example.org:1", "ssl://127.0.0.1:1",
        "http://127.0.0.1:1", 5, None,
    ],
)  # fmt: skip
def test_no_listener(text: object) -> None:
    with pytest.raises(ValueError):
        parse_listener(text)
