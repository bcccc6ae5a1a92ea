"""Who calls."""

from __future__ import annotations

from bgcopyd.jobs.values import value


@value(frozen=True, slots=True)
class Principal:
    """A caller: a permanent, namespaced id ("local:1000", "user:anna") and its right."""

    id: str
    admin: bool = False
