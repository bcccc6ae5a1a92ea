"""Bearer tokens (RFC 6750).

gRPC's own call credentials refuse to travel on a channel without TLS, which a Unix socket and the
loopback interface do not need; so a token is sent as metadata of each call instead.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# b64token of RFC 6750 section 2.1.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_LONGEST_FILE = 4096


class BearerToken:
    """A bearer token; never shown by repr or str.

    Args:
        token: the token as `bgcopyd token create` prints it.

    Raises:
        ValueError: it cannot be a token.
    """

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        if not _TOKEN.fullmatch(token):
            raise ValueError("the token is empty or has characters that no token has")
        self._token = token

    def __repr__(self) -> str:
        return "BearerToken(...)"

    def metadata(self) -> tuple[str, str]:
        """The metadata entry that shows the token to the server."""
        return ("authorization", f"Bearer {self._token}")


def read_token_file(path: str | os.PathLike[str]) -> BearerToken:
    """The token in a file; white space around it does not count.

    Raises:
        OSError: the file cannot be read.
        ValueError: what it holds cannot be a token.
    """
    with Path(path).open("rb") as file:
        content = file.read(_LONGEST_FILE + 1)
    if len(content) > _LONGEST_FILE:
        raise ValueError("the token file is too long")
    return BearerToken(content.decode("ascii", errors="replace").strip())
