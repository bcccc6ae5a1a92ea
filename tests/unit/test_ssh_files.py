"""Files about SSH: what an operator gives, and what is taken of it."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.config import ConfigurationError, load
from bgcopyd.config.known_hosts import line_problem
from bgcopyd.transfer.wire.keys import key_problem

TYPE = "ssh-ed25519"
# Always the same, as the tests' names are made of it.
BLOB = base64.b64encode(struct.pack(">I11sI32s", 11, TYPE.encode(), 32, b"k" * 32)).decode()
KEY = f"{TYPE} {BLOB}"
HASHED = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="


@pytest.mark.parametrize(
    "line",
    [
        "",
        "  ",
        "# a remark",
        f"host {KEY}",
        f"host,10.0.0.1 {KEY} a remark of several words",
        f"[host]:2222,[::1]:22,::1 {KEY}",
        f"{HASHED} {KEY}",
    ],
)
def test_lines_that_are_acted_on(line: str) -> None:
    assert not line_problem(line)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (f"@cert-authority *.example.com {KEY}", "marker"),
        (f"@revoked host {KEY}", "marker"),
        (f"*.example.com {KEY}", "pattern"),
        (f"host,!other {KEY}", "pattern"),
        (f"host? {KEY}", "pattern"),
        (f"[host]:x {KEY}", "pattern"),
        (f"|2|a|b {KEY}", "pattern"),
        ("host", "HOST TYPE KEY"),
        (f"host {TYPE}", "HOST TYPE KEY"),
        (f"host {BLOB} {TYPE}", "key type"),
        (f"host sk-ssh-ed25519@openssh.com {BLOB}", "key type"),
        ("host 1024 35 1234567", "key type"),
        (f"host ssh-rsa {BLOB}", "none of the type"),
        (f"host {TYPE} AAAA", "none of the type"),
        (f"host {TYPE} {BLOB[:8]}!", "none of the type"),
        ("garbage", "HOST TYPE KEY"),
    ],
)
def test_lines_that_would_be_passed_by(line: str, word: str) -> None:
    assert word in line_problem(line)


@settings(deadline=None)
@given(st.text())
def test_any_line(line: str) -> None:
    assert isinstance(line_problem(line), str)


def test_a_bad_file_is_refused_at_the_start(tmp_path: Path) -> None:
    hosts = tmp_path / "known_hosts"
    for content, word in (
        (f"host {KEY}\nhost x y\n".encode(), "line 2, has the key type"),
        (b"\xff", "no text"),
        (None, "cannot be read"),
    ):
        if content is None:
            hosts.unlink()
        else:
            hosts.write_bytes(content)
        with pytest.raises(ConfigurationError) as caught:
            load({"known_hosts": str(hosts)}, environment={})
        [problem] = caught.value.problems
        assert problem.startswith(f"flag --known-hosts: known_hosts: {hosts}")
        assert word in problem
    hosts.write_text(f"host {KEY}\n")
    assert load({"known_hosts": str(hosts)}, environment={}).settings.known_hosts == hosts


@pytest.mark.parametrize(
    ("kind", "form", "word"),
    [
        ("ssh-ed25519", "openssh", ""),
        ("ecdsa-sha2-nistp384", "openssh", ""),
        # libssh2 breaks the process's memory with these.
        ("ssh-rsa", "openssh", "'ssh-rsa'"),
        ("ssh-ed25519", "pkcs8-pem", "OpenSSH's own form"),
    ],
)
def test_private_keys(tmp_path: Path, kind: str, form: str, word: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(asyncssh.generate_private_key(kind).export_private_key(form))
    problem = key_problem(str(path))
    assert word in problem
    assert bool(problem) == bool(word)


_END = b"-----END OPENSSH PRIVATE KEY-----"
_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_SEALED = struct.pack(
    ">15sI10sI6sI0s", b"openssh-key-v1\0", 10, b"aes256-ctr", 6, b"bcrypt", 0, b""
)
_PUBLIC = struct.pack(">II", 1, len(BLOB) * 3 // 4 - 1) + base64.b64decode(BLOB)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "OpenSSH's own form"),
        (b"\xff", "OpenSSH's own form"),
        (_BEGIN + b"\n" + _END, "damaged"),
        (_BEGIN + b"\nb3BlbnNzaC1rZXktdjEA\n" + _END, "damaged"),
        (_BEGIN + base64.b64encode(_SEALED + _PUBLIC) + _END, "encrypted"),
    ],
    ids=["empty", "binary", "hollow", "short", "sealed"],
)
def test_no_private_keys(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert word in key_problem(str(path))


def test_no_key_at_all(tmp_path: Path) -> None:
    assert "OpenSSH's own form" in key_problem(str(tmp_path / "none"))
