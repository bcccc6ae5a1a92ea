"""Private keys as OpenSSH writes them (PROTOCOL.key): whether one can be used."""

from __future__ import annotations

import base64
import binascii
import struct
from pathlib import Path

_FIRST, _LAST = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_USABLE = ("ssh-ed25519", "ecdsa-sha2-")
_LARGEST = 64 << 10
_WAY_OUT = "make one with 'ssh-keygen -t ed25519', without a passphrase"


def key_problem(path: str) -> str:
    """What keeps a key file from being used, and the way out; an empty string for nothing."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(_LARGEST).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text.startswith(_FIRST) or not text.endswith(_LAST):
        return f"is no private key in OpenSSH's own form; {_WAY_OUT}"
    try:
        cipher, kind = _parts(base64.b64decode(text[len(_FIRST) : -len(_LAST)]))
    except (binascii.Error, struct.error, ValueError):
        return f"is damaged; {_WAY_OUT}"
    if cipher != "none":
        return f"is encrypted; {_WAY_OUT}"
    return "" if kind.startswith(_USABLE) else f"is of the type {kind[:32]!r}; {_WAY_OUT}"


def _parts(raw: bytes) -> tuple[str, str]:
    """The cipher, and the type of the public key."""
    if not raw.startswith(_MAGIC):
        raise ValueError("no key")
    cipher, rest = _text(raw[len(_MAGIC) :])
    _, rest = _text(rest)
    _, rest = _text(rest)
    public, _ = _text(rest[4:])
    kind, _ = _text(public)
    return cipher.decode("ascii"), kind.decode("ascii")


def _text(raw: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", raw)
    if len(raw) < 4 + length:
        raise ValueError("too short")
    return raw[4 : 4 + length], raw[4 + length :]
