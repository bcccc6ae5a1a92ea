"""A Kerberos ticket that nobody has issued, for a client that does not look into it."""

from __future__ import annotations

import struct
import time
from pathlib import Path

REALM = "TEST"
_AES256 = 18
_CONFIG = f"""
[libdefaults]
    default_realm = {REALM}
    dns_canonicalize_hostname = false
    rdns = false
[domain_realm]
    localhost = {REALM}
[realms]
    {REALM} = {{
        kdc = 127.0.0.1:1
    }}
"""


def forge_ticket(folder: Path, user: str, host: str) -> dict[str, str]:
    """Writes a ticket of a user for HTTP on a host; the variables that make libraries find it."""
    config, cache = folder / "krb5.conf", folder / "ccache"
    config.write_text(_CONFIG)
    client = _principal(user)
    cache.write_bytes(b"\x05\x04\x00\x00" + client + _credential(client, host))
    return {"KRB5_CONFIG": str(config), "KRB5CCNAME": f"FILE:{cache}"}


def _data(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _principal(*names: str) -> bytes:
    parts = b"".join(_data(name.encode()) for name in (REALM, *names))
    return struct.pack(">II", 1, len(names)) + parts


def _credential(client: bytes, host: str) -> bytes:
    """One entry of a credential cache, format 4."""
    now = int(time.time())
    key = struct.pack(">H", _AES256) + _data(bytes(32))
    times = struct.pack(">IIII", now - 60, now - 60, now + 3600, 0)
    rest = struct.pack(">BIII", 0, 0, 0, 0)  # no session key, flags, addresses, restrictions
    return (
        client + _principal("HTTP", host) + key + times + rest + _data(_ticket(host)) + _data(b"")
    )


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x81, size])
    return bytes([tag]) + length + content


def _ticket(host: str) -> bytes:
    """RFC 4120 section 5.3; what is sealed in it is nothing."""
    names = _der(0x30, *(_der(0x1B, name.encode()) for name in ("HTTP", host)))
    server = _der(0x30, _der(0xA0, _der(0x02, b"\x01")), _der(0xA1, names))
    sealed = _der(0x30, _der(0xA0, _der(0x02, bytes([_AES256]))), _der(0xA2, _der(0x04, bytes(64))))
    return _der(
        0x61,
        _der(
            0x30,
            _der(0xA0, _der(0x02, b"\x05")),
            _der(0xA1, _der(0x1B, REALM.encode())),
            _der(0xA2, server),
            _der(0xA3, sealed),
        ),
    )
