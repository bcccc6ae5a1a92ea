"""Who calls: a presented credential decides, and only without one the socket does."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence

from bgcopyd.jobs.principal import ALL_SCOPES, Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Token

Metadata = Sequence[tuple[str, str | bytes]]

_SCHEME = "bearer "


class Identities:
    """Finds the principal of a call.

    Args:
        token: looks up a token by its digest, at every call, so that a revocation acts at once.
        used: is told the id of each token that identified a caller.
    """

    def __init__(
        self,
        token: Callable[[bytes], Awaitable[Token | None]],
        used: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._token = token
        self._used = used
        self._clock = clock
        # The socket lies in a directory that only the daemon's user can enter.
        self._local = Principal(f"local:{os.getuid()}", ALL_SCOPES)

    async def of_call(self, metadata: Metadata, peer: Callable[[], str]) -> Principal:
        """The principal of a call with this metadata from this peer, asked for where it decides.

        Raises:
            Refusal: CREDENTIAL_MISSING, CREDENTIAL_INVALID, CREDENTIAL_EXPIRED.
        """
        presented = [value for key, value in metadata if key == "authorization"]
        if presented:
            return await self._of_credential(presented)
        if peer().startswith("unix:"):
            return self._local
        raise Refusal(
            Reason.CREDENTIAL_MISSING,
            "a credential is needed here: send 'authorization: Bearer TOKEN'",
        )

    async def _of_credential(self, presented: list[str | bytes]) -> Principal:
        value = presented[0]
        if len(presented) > 1 or not isinstance(value, str) or value[:7].lower() != _SCHEME:
            raise Refusal(
                Reason.CREDENTIAL_INVALID,
                "the authorization metadata is malformed: send one value, 'Bearer TOKEN'",
            )
        token = await self._token(hashlib.sha256(value[7:].strip().encode()).digest())
        if token is None or token.revoked:
            raise Refusal(Reason.CREDENTIAL_INVALID, "the token is unknown or revoked")
        if token.expire_time is not None and token.expire_time <= self._clock.now():
            raise Refusal(Reason.CREDENTIAL_EXPIRED, "the token has expired")
        self._used(token.token_id)
        return token.principal
