"""How fast bytes may flow at this moment: the policy's limits, and its time table's."""

from __future__ import annotations

import asyncio
from datetime import datetime, tzinfo

from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.timetable import parse
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.transfers import NO_LIMITS, Engine, Limits

_MINUTE = 60.0


def limits_at(policy: Policy, local: datetime) -> Limits:
    """The limits that hold at a local time; of the two for the machine, the stricter."""
    rates = (policy.max_bytes_per_second, parse(policy.rate_timetable).rate_at(local))
    return Limits(
        machine=min((rate for rate in rates if rate), default=0),
        owner=policy.max_bytes_per_second_per_owner,
        host=policy.max_bytes_per_second_per_host,
    )


class Pace:
    """Keeps the engine, which begins without any, at the limits of the moment.

    The time of day is asked once a minute while there is a time table, which is as fine as tables
    are: no step of the clock and no daylight saving can make it miss more than that.

    Args:
        zone: whose weekdays and hours count; None is the daemon's own time zone.
    """

    def __init__(
        self, engine: Engine, policies: PolicyKeeper, clock: Clock, zone: tzinfo | None = None
    ) -> None:
        self._engine = engine
        self._policies = policies
        self._clock = clock
        self._zone = zone
        self._changed = asyncio.Event()
        self.limits = NO_LIMITS
        self.follow()

    def _local(self) -> datetime:
        return self._clock.now().astimezone(self._zone)

    def follow(self) -> None:
        """Tells the engine, where anything has changed."""
        limits = limits_at(self._policies.policy, self._local())
        if limits != self.limits:
            self.limits = limits
            self._engine.set_limits(limits)
        self._changed.set()

    async def run(self) -> None:
        """Follows the time of day until cancelled."""
        while True:
            self.follow()
            self._changed.clear()
            local = self._local()
            left = _MINUTE - local.second - local.microsecond / 1e6
            try:
                async with asyncio.timeout(left if self._policies.policy.rate_timetable else None):
                    await self._changed.wait()
            except TimeoutError:
                pass
