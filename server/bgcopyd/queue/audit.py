"""The port to the audit log."""

from __future__ import annotations

from typing import Protocol

Fact = str | int | bool | list[str] | None


class Audit(Protocol):
    """Takes entries down in order. Costs the loop no input or output."""

    def record(self, event: str, principal: str, peer: str, outcome: str, **facts: Fact) -> None:
        """One entry: what happened, who asked, from where, and "ok" or the reason why not."""

    def close(self) -> None:
        """Returns when everything is written."""


class NoAudit:
    """Where no audit log is wanted."""

    def record(self, event: str, principal: str, peer: str, outcome: str, **facts: Fact) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
