"""Weighted fairness between owners of one rank: who has had least for his weight is next."""

from __future__ import annotations

from collections.abc import Collection, Mapping


class Shares:
    """What owners have had of a rank, in seconds of a slot divided by their weights.

    Whoever wants more than he has got competes. He keeps his account while he does; whoever joins
    is put level with the lowest of those who were there, or with the highest account where nobody
    was. So absence saves nothing up, and the use of slots that nobody wanted costs nothing.

    Args:
        weights: by owner; 1 where none is given.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._had: dict[str, float] = {}
        self._ahead: dict[str, float] = {}
        self._competing: frozenset[str] = frozenset()
        self._floor = 0.0

    def copy(self) -> Shares:
        """Shares to plan with."""
        copied = Shares(self._weights)
        copied._had = dict(self._had)
        copied._ahead = dict(self._ahead)
        copied._competing = self._competing
        copied._floor = self._floor
        return copied

    def claim(self, owner: str) -> tuple[float, bool]:
        """What orders owners, the lowest first; of two alike, who has just joined.

        It is what the owner has had and will have had when his running turns are over.
        """
        had = self._had.get(owner, self._floor)
        return had + self._ahead.get(owner, 0.0), owner in self._competing

    def enter(self, owners: Collection[str]) -> None:
        """Puts those who join level with those of `owners` who are competing already."""
        stayed = [self._had.get(owner, self._floor) for owner in self._competing & set(owners)]
        level = min(stayed) if stayed else max(self._had.values(), default=0.0)
        self._floor = max(self._floor, level)
        for owner in set(owners) - self._competing:
            self._had[owner] = max(self._had.get(owner, 0.0), self._floor)

    def leave(self, competing: Collection[str]) -> None:
        """Notes who still competes; what others have had only counts above the floor."""
        self._competing = frozenset(competing)
        self._had = {
            owner: had
            for owner, had in self._had.items()
            if had > self._floor or owner in self._competing
        }

    def take(self, owner: str, seconds: float) -> None:
        """Charges the owner with a turn that begins."""
        self._ahead[owner] = self._ahead.get(owner, 0.0) + self._weighed(owner, seconds)

    def settle(self, owner: str, charged: float, took: float) -> None:
        """Puts what a turn took in place of what it was charged with."""
        left = self._ahead.get(owner, 0.0) - self._weighed(owner, charged)
        self._ahead[owner] = left
        if left < 1e-6:
            del self._ahead[owner]
        self._had[owner] = self._had.get(owner, self._floor) + self._weighed(owner, took)

    def _weighed(self, owner: str, seconds: float) -> float:
        return seconds / self._weights.get(owner, 1.0)
