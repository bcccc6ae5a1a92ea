"""Making bearer tokens, for the command beside the daemon and for the daemon itself."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.storage import Token

_PREFIX = "bgc_"
_SECRET_BYTES = 32
_ID_BYTES = 6


def new_token(
    name: str, *, admin: bool, lifetime: timedelta | None, now: datetime
) -> tuple[str, Token]:
    """A token's text, which is to be shown once, and what is stored of it.

    The name has been judged by rules.principal_name_problem.
    """
    text = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    return text, Token(
        token_id=secrets.token_hex(_ID_BYTES),
        digest=hashlib.sha256(text.encode()).digest(),
        principal=Principal(f"user:{name}", admin=admin),
        create_time=now,
        expire_time=None if lifetime is None else now + lifetime,
    )
