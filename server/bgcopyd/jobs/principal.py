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
        return named | {Scope.ADMIN} if named - {Scope.ADMIN} else ALL_SCOPES
    return named or OWNER_SCOPES


def rights_of(text: str) -> tuple[Scopes, frozenset[str] | None]:
    """Scopes and roots out of words: "read write root:media", "admin", "none".

    Raises:
        ValueError: a word is none of these.
    """
    words = text.split()
    roots = frozenset(word.removeprefix("root:") for word in words if word.startswith("root:"))
    named = [word for word in words if not word.startswith("root:")]
    unknown = [word for word in named if word not in SCOPE_WORDS and word != "none"]
    if unknown or not words or ("none" in named and len(words) > 1):
        raise ValueError(
            f"{text!r} says no rights; write words out of {', '.join(SCOPE_WORDS)} and root:NAME, "
            "or none"
        )
    if named == ["none"]:
        return frozenset(), frozenset()
    scopes = [SCOPE_WORDS[word] for word in named]
    return scopes_of(scopes, admin=named == ["admin"]), roots or None


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

    def within(self, bound: Principal) -> Principal:
        """The caller with at most the rights of `bound`."""
        roots = self.roots
        if bound.roots is not None:
            roots = bound.roots if roots is None else roots & bound.roots
        return Principal(self.id, self.scopes & bound.scopes, roots)
