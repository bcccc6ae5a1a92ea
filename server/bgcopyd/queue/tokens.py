"""Bearer tokens: how they are made, and when they were used."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.values import changed
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Store, Token, Tx

_PREFIX = "bgc_"
_SECRET_BYTES = 32
_ID_BYTES = 6


def user_id(name: str) -> str:
    """The principal that the tokens of a name stand for."""
    return f"user:{name}"


def new_token(
    principal: Principal, *, lifetime: timedelta | None, now: datetime
) -> tuple[str, Token]:
    """A token's text, which is to be shown once, and what is stored of it.

    The principal's name has been judged by rules.principal_name_problem.
    """
    text = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    return text, Token(
        token_id=secrets.token_hex(_ID_BYTES),
        digest=hashlib.sha256(text.encode()).digest(),
        principal=principal,
        create_time=now,
        expire_time=None if lifetime is None else now + lifetime,
    )


def bounded(token: Token, bound: Principal) -> Token:
    """The token with at most the rights of its principal."""
    return changed(token, principal=token.principal.within(bound))


class TokenUses:
    """When tokens were used: noted in memory, written down by the minute, never by the call."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[str, datetime] = {}

    def note(self, token_id: str) -> None:
        """A token is used."""
        if token_id not in self._noted:
            self._noted[token_id] = self._clock.now()

    def told(self, token: Token) -> Token:
        """The token with its last use, also where that is not written down yet."""
        noted = self._noted.get(token.token_id)
        return token if noted is None else changed(token, last_use_time=noted)

    async def write(self) -> None:
        """Writes down what was noted. A crash before costs some minutes of it."""
        noted, self._noted = self._noted, {}

        def mark(tx: Tx) -> None:
            for token_id, moment in noted.items():
                tx.mark_token(token_id, moment)

        if noted:
            await self._store.transact(mark, durable=False)
