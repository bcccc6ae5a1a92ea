"""How many connections one file is worth, from what each more of them has brought. Pure."""

from __future__ import annotations

# A connection that is new comes up to speed within so many windows, or never.
_PATIENCE = 3
_STEADY = 1.25
# Where all together bring less than before, no more patience is needed.
_LOSS = 0.9
_FIRST_REST = 15.0
_LONGEST_REST = 240.0


class Tempo:
    """Doubles the connections while each doubling is worth it; goes back where one is not.

    What a number of connections brings is measured over windows in which just so many ran. After a
    step that brought nothing it rests, longer each time, and then tries with one more.

    Args:
        window: how long is measured, in seconds.
        gain: which share of the ideal gain suffices: 1 wants twice the rate of twice as many.

    Attributes:
        target: how many there shall be.
        rate: what as many as have proved their worth brought, in bytes per second.
    """

    def __init__(self, *, window: float, gain: float) -> None:
        self.target = 1
        self.rate = 0.0
        self._window = window
        self._gain = gain
        self._proven = 1
        self._left = _PATIENCE
        self._step = 0
        self._since: float | None = None
        self._count = 0
        self._before = 0
        self._rest = _FIRST_REST
        self._resting_until = 0.0
        self._warm = False
        self._half: tuple[float, int] | None = None

    @property
    def each(self) -> float:
        """What one connection brought."""
        return self.rate / self._proven

    def tick(self, now: float, arrived: int, running: int, most: int) -> None:
        """Some time has passed: `arrived` bytes in all, and `running` connections now."""
        if self.target > most or running < min(self._proven, self.target):
            # Fewer are allowed, or there is not enough left for so many.
            self._settle(max(1, min(running, most)))
        if self._since is None or running != self._count:
            self._begin(now, arrived, running)
        elif now - self._since >= self._window:
            rate = (arrived - self._before) / max(now - self._since, 1e-9)
            warm = self._warm or self._steady(now, arrived, rate)
            self._begin(now, arrived, running)
            self._learn(rate, running, now)
            if self.target < most and warm and now >= self._resting_until:
                self.target = min(self._proven + (self._step or self._proven), most)
            self._warm = True
        elif self._half is None and now - self._since >= self._window / 2:
            self._half = now, arrived

    def now_run(self, now: float, arrived: int, running: int) -> None:
        """So many connections run from now on."""
        if running != self._count:
            self._begin(now, arrived, running)

    def _begin(self, now: float, arrived: int, running: int) -> None:
        self._since, self._before, self._count = now, arrived, running
        self._half = None

    def _steady(self, now: float, arrived: int, rate: float) -> bool:
        """Whether the window's second half brought little more than all of it.

        While a connection comes up to speed, any other one would seem to bring something.
        """
        if self._half is None:
            return False
        then, count = self._half
        return (arrived - count) / max(now - then, 1e-9) <= rate * _STEADY

    def _settle(self, count: int) -> None:
        self.rate *= count / self._proven
        self._proven = self.target = count
        self._left = _PATIENCE

    def _learn(self, rate: float, running: int, now: float) -> None:
        if running <= self._proven:
            self.rate = rate
            return
        more = running / self._proven - 1
        if rate >= self.rate * (1 + self._gain * more):
            self._settle(running)
            self.rate = rate
            return
        self._left -= 1
        if not self._left or rate < self.rate * _LOSS:
            self.give_up(now)

    def give_up(self, now: float, most: int | None = None) -> None:
        """Goes back to what has proved its worth, or to fewer where no more can be had."""
        self._settle(self._proven if most is None else max(1, min(self._proven, most)))
        self._step = 1
        self._resting_until = now + self._rest
        self._rest = min(self._rest * 2, _LONGEST_REST)
