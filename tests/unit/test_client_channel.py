"""Targets, credentials, channel options, and default paths."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import bgcopy
from bgcopy._channel import SERVICES, channel_options, parse_target, service_config
from bgcopy.auth import BearerToken


@pytest.mark.parametrize(
    ("target", "name", "local"),
    [
        ("unix:/run/x.sock", "unix:/run/x.sock", True),
        ("unix:///run/x.sock", "unix:/run/x.sock", True),
        ("unix:x.sock", "unix:x.sock", True),
        (Path("/run/x.sock"), "unix:/run/x.sock", True),
        ("127.0.0.1:50051", "dns:///127.0.0.1:50051", True),
        ("dns:///localhost:1", "dns:///localhost:1", True),
        ("[::1]:50051", "dns:///[::1]:50051", True),
        ("host.example:50051", "dns:///host.example:50051", False),
        ("dns:///host.example:50051", "dns:///host.example:50051", False),
        ("10.0.0.1:1", "dns:///10.0.0.1:1", False),
    ],
)
def test_targets(target: str | Path, name: str, local: bool) -> None:  # noqa: FBT001 - a parameter of the test
    parsed = parse_target(target)
    assert (parsed.name, parsed.local) == (name, local)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "unix:",
        "unix://host/x",
        "unix:" + "x" * 108,
        "host",
        "host:",
        "host:0",
        "host:65536",
        "host:http",
        ":1",
        "::1:1",
        "http://host:1",
        "user@host:1",
        "dns:///",
    ],
)
def test_what_is_no_target(target: str) -> None:
    with pytest.raises(ValueError, match=r"target|socket path"):
        parse_target(target)


def test_the_default_target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert bgcopy.AsyncClient().target == f"unix:{tmp_path}/bgcopy/bgcopyd.sock"


def test_default_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert str(bgcopy.default_socket()) == "/run/bgcopy/bgcopyd.sock"
    assert str(bgcopy.default_state_dir()) == "/var/lib/bgcopy"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert str(bgcopy.default_state_dir()) == "/home/anna/.local/state/bgcopy"
    assert str(bgcopy.default_socket()) == "/home/anna/.local/state/bgcopy/bgcopyd.sock"
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert str(bgcopy.default_socket()) == "/state/bgcopy/bgcopyd.sock"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert str(bgcopy.default_state_dir()) == "/home/anna/.local/state/bgcopy"


def test_only_what_the_proto_calls_safe_is_retried() -> None:
    (config,) = json.loads(service_config())["methodConfig"]
    assert config["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    listed = {name["method"] for name in config["name"]}
    levels = {
        method.name: method.GetOptions().idempotency_level
        for service in SERVICES
        for method in service.methods
        if not method.server_streaming
    }
    assert listed == {name for name, level in levels.items() if level}
    assert {name["service"] for name in config["name"]} == {
        service.full_name for service in SERVICES
    }


def test_the_channel_without_retries_has_no_policy() -> None:
    assert "grpc.service_config" in dict(channel_options(retries=True))
    plain = dict(channel_options(retries=False))
    assert "grpc.service_config" not in plain
    assert plain["grpc.enable_retries"] == 0


def test_pings_are_not_more_frequent_than_servers_allow() -> None:
    options = dict(channel_options(retries=True))
    assert options["grpc.keepalive_time_ms"] > 5 * 60 * 1000
    assert "grpc.keepalive_permit_without_calls" not in options


def test_a_token_does_not_travel_in_clear() -> None:
    with pytest.raises(ValueError, match="clear"):
        bgcopy.AsyncClient("host.example:1", token="t", tls=False)
    bgcopy.AsyncClient("host.example:1", token="t")
    bgcopy.AsyncClient("127.0.0.1:1", token="t")
    with pytest.raises(ValueError, match="without TLS"):
        bgcopy.AsyncClient("127.0.0.1:1", tls=False, root_certificates=b"x")
    with pytest.raises(ValueError, match="go together"):
        bgcopy.AsyncClient("127.0.0.1:1", certificate_chain=b"x")


@pytest.mark.parametrize("token", ["", " ", "a b", "a\n", "é", "=", "a\0"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        BearerToken(token)


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(BearerToken("secret")) + str(BearerToken("secret"))
    assert BearerToken("secret").metadata() == ("authorization", "Bearer secret")


def test_a_token_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("  secret\n")
    assert bgcopy.read_token_file(path).metadata()[1] == "Bearer secret"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="no token"):
        bgcopy.read_token_file(path)
    path.write_text("x" * 5000)
    with pytest.raises(ValueError, match="too long"):
        bgcopy.read_token_file(path)
