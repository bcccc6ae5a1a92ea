"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a permanent, namespaced id ("local:1000", "user:anna") and its right."""

    id: str
    admin: bool = False
