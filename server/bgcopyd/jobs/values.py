"""`value`: `dataclass` for values of which a call makes several."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool) -> object:  # noqa: ARG001 - the checker knows it
        """A dataclass that is frozen for the type checker and only for it.

        At run time a frozen one sets each field by a call: 4.3 microseconds for the 31 fields of a
        job, 0.4 without.
        """
        return dataclass(slots=slots, unsafe_hash=True)


__all__ = ["value"]
