"""Who calls, and what his credential lets him do."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from bgcopyd.jobs.values import value


class Scope(enum.IntEnum):
    """A right that a credential brings; equal to the enum of the same name in identity.proto."""

    READ = 1
    WRITE = 2
    ADMIN = 3
    TAKE_OWNERSHIP = 4

    @property
    def word(self) -> str:
        """As people write it."""
        return self.name.lower().replace("_", "-")


Scopes = frozenset[Scope]

OWNER_SCOPES: Scopes = frozenset({Scope.READ, Scope.WRITE})
ALL_SCOPES: Scopes = frozenset(Scope)
SCOPE_WORDS = {scope.word: scope for scope in Scope}


def scope_words(scopes: Iterable[Scope]) -> list[str]:
    """The scopes as people write them, in the order of their numbers."""
    return [scope.word for scope in sorted(scopes)]


def scopes_of(given: Iterable[Scope], *, admin: bool) -> Scopes:
    """The scopes of a new credential: what is given; without that, all or those of an owner."""
    named = frozenset(given)
    if admin:
        return named | {Scope.ADMIN} if named else ALL_SCOPES
    return named or OWNER_SCOPES


@value(frozen=True, slots=True)
class Principal:
    """A caller: a permanent, namespaced id ("local:1000", "user:anna") and his rights.

    `roots` are the only ones that he may use, out of those that are open to him; None is all.
    """

    id: str
    scopes: Scopes = OWNER_SCOPES
    roots: frozenset[str] | None = None

    @property
    def admin(self) -> bool:
        """Whether he may act on every owner's jobs."""
        return Scope.ADMIN in self.scopes
