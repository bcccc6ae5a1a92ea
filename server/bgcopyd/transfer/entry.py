"""Where a thread calls into what it works on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Work(Protocol):
    """Something that ends by itself, with a failure, where it is broken."""

    def broke(self, error: BaseException) -> None:
        """A defect of ours was met."""


W = TypeVar("W", bound=Work)
P = ParamSpec("P")


def entry(method: Callable[Concatenate[W, P], None]) -> Callable[Concatenate[W, P], None]:
    """Marks a method that the thread calls: a defect ends this piece of work, and no other."""

    @functools.wraps(method)
    def guarded(self: W, /, *arguments: P.args, **named: P.kwargs) -> None:
        try:
            method(self, *arguments, **named)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.broke(error)

    return guarded
