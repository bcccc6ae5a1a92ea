"""How many changes an owner may ask for: a bucket each, which fills by the second."""

from __future__ import annotations

from collections.abc import Callable

from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Quota, Refusal

# A bucket holds what comes in so many seconds: scripts work in bursts.
BURST = 10.0
# Full buckets are forgotten when there are so many.
KEPT = 10_000


class ChangeRate:
    """Judges calls that change something; an owner's limit does not hold for administrators.

    Args:
        per_second: how many an owner may make in the long run; 0 for no bound.
        monotonic: seconds that only rise.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        self._rate = per_second
        self._monotonic = monotonic
        # When each bucket is full again.
        self._full: dict[str, float] = {}

    def judge(self, caller: Principal) -> None:
        """Counts one more change.

        Raises:
            Refusal: CHANGE_RATE_EXCEEDED.
        """
        if not self._rate or caller.admin:
            return
        now = self._monotonic()
        full = max(now, self._full.get(caller.id, now)) + 1 / self._rate
        wait = full - now - BURST
        if wait > 0:
            allowed = round(self._rate)
            raise Refusal(
                Reason.CHANGE_RATE_EXCEEDED,
                f"more than {self._rate:g} changes per second for a while; ask for several in one "
                "call, or wait",
                quota=Quota("changes_per_second", allowed, allowed + 1),
                retry_after=wait,
            )
        if len(self._full) >= KEPT:
            self._full = {owner: one for owner, one in self._full.items() if one > now}
        self._full[caller.id] = full
