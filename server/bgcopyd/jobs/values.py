"""`value` and `changed`: `dataclass` and `replace` for values of which a call makes several.

The type checker takes them for those of dataclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as value
    from dataclasses import replace as changed
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool) -> object:  # noqa: ARG001 - the checker knows it
        """A dataclass that is frozen for the type checker and only for it.

        At run time a frozen one sets each field by a call: 4.3 microseconds for the 31 fields of a
        job, 0.4 without.
        """
        return dataclass(slots=slots, unsafe_hash=True)

    def changed(one: Any, **fields: Any) -> Any:
        """A copy with other values in some fields; of a job in a third of the time of `replace`."""
        other = object.__new__(type(one))
        for name in one.__slots__:
            setattr(other, name, fields[name] if name in fields else getattr(one, name))
        return other


__all__ = ["changed", "value"]
