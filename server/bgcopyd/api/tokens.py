"""Page and resume tokens: opaque to callers, stateless for the server."""

from __future__ import annotations

import base64
import hashlib
import struct

from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal, invalid

_PAGE = struct.Struct(">8sq")


def page_token(scope: bytes, position: int | None) -> str:
    """A token for the page that begins at a position; `scope` is what it is bound to.

    Empty where no page follows.
    """
    if position is None:
        return ""
    return base64.urlsafe_b64encode(_PAGE.pack(_digest(scope), position)).decode().rstrip("=")


def page_position(token: str, scope: bytes) -> int | None:
    """The position in a token, None for the first page.

    Raises:
        Refusal: PAGE_TOKEN_INVALID.
    """
    if not token:
        return None
    try:
        digest, position = _PAGE.unpack(_unpad(token))
    except (ValueError, struct.error):
        digest, position = b"", 0
    if digest != _digest(scope):
        raise invalid(
            "page_token",
            "is not of this list; send it with the filter it was given for",
            Reason.PAGE_TOKEN_INVALID,
        )
    return int(position)


def resume_token(store_id: str, position: int) -> str:
    """A token for a position of the change feed."""
    return base64.urlsafe_b64encode(f"{position}:{store_id}".encode()).decode().rstrip("=")


def resume_position(token: str) -> tuple[str, int] | None:
    """Store id and position in a token, None for no token.

    Raises:
        Refusal: RESUME_TOKEN_EXPIRED, as for a token of another server.
    """
    if not token:
        return None
    try:
        position, _, store_id = _unpad(token).decode("ascii").partition(":")
        return store_id, int(position)
    except ValueError:
        raise Refusal(
            Reason.RESUME_TOKEN_EXPIRED,
            "resume_token: is not from this server; watch again without one",
        ) from None


def _unpad(token: str) -> bytes:
    return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)


def _digest(scope: bytes) -> bytes:
    return hashlib.sha256(scope).digest()[:8]
