"""The use cases of operators. Each is for administrators alone, and that is judged first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.policy import Policy, Value
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.roots import Roots
from bgcopyd.queue.authorizer import judge_token, require_admin
from bgcopyd.queue.changes import ChangeFeed
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.pace import Pace
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.scheduler import Scheduler
from bgcopyd.queue.statistics import Statistics
from bgcopyd.queue.storage import Store, Token
from bgcopyd.queue.tokens import TokenUses, new_token

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """New limits by field; None is the settings' value again."""

    values: Mapping[str, Value | None]
    etag: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class CreateToken:
    """A token to make; `lifetime` None is without end."""

    principal: Principal
    lifetime: timedelta | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class ListTokens:
    """A page of tokens; `skipped` come before it."""

    page_size: int
    skipped: int
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """A token to end."""

    token_id: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class DrainServer:
    """To begin draining, or to end it."""

    undo: bool
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the daemon takes of its machine, in bytes."""

    memory: int
    store: int


@dataclass(frozen=True, slots=True)
class Stats:
    """How the daemon does."""

    jobs: Mapping[JobState, int]
    running_jobs: int
    bytes_per_second: int
    bytes_received: int
    attempts_finished: int
    attempts_failed: int
    watches: int
    footprint: Footprint
    start_time: datetime
    draining: bool
    max_bytes_per_second: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What operators look at and turn. `footprint` is called on a thread: it asks the disk."""

    store: Store
    policies: PolicyKeeper
    scheduler: Scheduler
    runs: Runs
    feed: ChangeFeed
    board: ProgressBoard
    pace: Pace
    statistics: Statistics
    roots: Roots
    uses: TokenUses
    clock: Clock
    start_time: datetime
    footprint: Callable[[], Footprint]


class Administration:
    """What an administrator can do; everybody else is refused with ADMIN_REQUIRED."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def get_policy(self, principal: Principal) -> tuple[Policy, str]:
        """The policy in force, and its etag."""
        require_admin(principal, "the policy")
        return self._parts.policies.policy, self._parts.policies.etag

    async def update_policy(
        self, principal: Principal, command: UpdatePolicy
    ) -> tuple[Policy, str]:
        """Changes the policy; it is in force when this returns."""
        require_admin(principal, "the policy")
        _raise(command.refusal)
        await self._parts.policies.change(command.values, command.etag)
        logger.info("%s changed the policy: %s", principal.id, ", ".join(sorted(command.values)))
        return self.get_policy(principal)

    async def get_stats(self, principal: Principal) -> Stats:
        """How the daemon does."""
        require_admin(principal, "the statistics")
        parts = self._parts
        counts = await parts.store.counts()
        footprint = await asyncio.to_thread(parts.footprint)
        return Stats(
            jobs=counts,
            running_jobs=len(parts.runs),
            bytes_per_second=sum(live.bytes_per_second for live in parts.board.running().values()),
            bytes_received=parts.statistics.bytes_received,
            attempts_finished=parts.statistics.attempts_finished,
            attempts_failed=parts.statistics.attempts_failed,
            watches=parts.feed.watching,
            footprint=footprint,
            start_time=parts.start_time,
            draining=parts.scheduler.draining,
            max_bytes_per_second=parts.pace.limits.machine,
        )

    async def create_token(self, principal: Principal, command: CreateToken) -> tuple[str, Token]:
        """Makes a token: its text, for the caller alone, and what is stored of it."""
        require_admin(principal, "making tokens")
        _raise(command.refusal)
        judge_token(principal, command.principal, self._parts.roots)
        text, token = new_token(
            command.principal, lifetime=command.lifetime, now=self._parts.clock.now()
        )
        await self._parts.store.transact(lambda tx: tx.insert_token(token))
        logger.info("%s made token %s for %s", principal.id, token.token_id, token.principal.id)
        return text, token

    async def list_tokens(
        self, principal: Principal, command: ListTokens
    ) -> tuple[list[Token], int | None]:
        """A page of tokens, oldest first, and how many come before the next page."""
        require_admin(principal, "the list of tokens")
        _raise(command.refusal)
        tokens = await self._parts.store.tokens()
        end = command.skipped + command.page_size
        page = [self._parts.uses.told(token) for token in tokens[command.skipped : end]]
        return page, end if len(tokens) > end else None

    async def revoke_token(self, principal: Principal, command: RevokeToken) -> None:
        """Ends a token at once; one that has been ended already as well.

        Raises:
            Refusal: TOKEN_NOT_FOUND.
        """
        require_admin(principal, "revoking tokens")
        _raise(command.refusal)
        found = await self._parts.store.transact(lambda tx: tx.revoke_token(command.token_id))
        if not found:
            raise Refusal(
                Reason.TOKEN_NOT_FOUND,
                "token_id: there is no such token; ListTokens tells those there are",
            )
        logger.info("%s revoked token %s", principal.id, command.token_id)

    def drain_server(self, principal: Principal, command: DrainServer) -> int:
        """Begins or ends draining; how many jobs have not come to rest yet."""
        require_admin(principal, "draining")
        _raise(command.refusal)
        self._parts.scheduler.drain(undo=command.undo)
        logger.info("%s %s draining", principal.id, "ended" if command.undo else "began")
        return 0 if command.undo else len(self._parts.runs)


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal
