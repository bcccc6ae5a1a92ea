"""OpenSSH's known_hosts, as far as libssh2 acts on it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from pathlib import Path

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
_HASHED = re.compile(r"\|1\|[A-Za-z0-9+/]+=*\|[A-Za-z0-9+/]+=*")
_PLAIN = re.compile(r"(?:\[[^][,*?!|]+\]:[0-9]{1,5}|[^][,*?!|]+)")


def judged_known_hosts(path: Path) -> Path:
    """The file, whose every line would be acted on.

    Raises:
        ValueError: a line would not; it is named, with what is wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8") from None
    for number, line in enumerate(lines, 1):
        problem = line_problem(line)
        if problem:
            raise ValueError(f"{path}, line {number}, {problem}")
    return path


def line_problem(line: str) -> str:
    """What keeps a line from being acted on, and the way out; an empty string for nothing."""
    parts = line.split()
    if not parts or parts[0].startswith("#"):
        return ""
    if parts[0].startswith("@"):
        return f"has the marker {parts[0][:32]}, which is not supported; list each host's own key"
    if len(parts) < 3:
        return "is no host key; write HOST TYPE KEY, as ssh-keyscan does"
    hosts, kind, key = parts[:3]
    if not all(_HASHED.fullmatch(one) or _PLAIN.fullmatch(one) for one in hosts.split(",")):
        return "has a host that is a pattern or malformed; name each host, as [HOST]:PORT or HOST"
    if kind not in KEY_TYPES:
        return f"has the key type {kind[:32]!r}; there are {', '.join(KEY_TYPES)}"
    return "" if _type_in(key) == kind else f"has a key that is none of the type {kind}"


def _type_in(key: str) -> str:
    """The type that a key names itself (RFC 4253 section 6.6); nothing where it is none."""
    try:
        raw = base64.b64decode(key, validate=True)
        (length,) = struct.unpack_from(">I", raw)
        return raw[4 : 4 + length].decode("ascii") if len(raw) > 4 + length else ""
    except (binascii.Error, struct.error, ValueError):
        return ""
