"""`value` and `changed`: `dataclass` and `replace` for values of which a call makes several.

The type checker takes them for those of dataclasses.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as value
    from dataclasses import replace as changed
else:
    import dataclasses
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool) -> object:  # noqa: ARG001 - the checker knows it
        """A dataclass that is frozen for the type checker and only for it.

        At run time a frozen one sets each field by a call: 4.3 microseconds for the 31 fields of a
        job, 0.4 without.
        """
        return dataclass(slots=slots, unsafe_hash=True)

    @functools.cache
    def _getter(kind: type) -> Callable[[Any], Any]:
        """Reads all fields, in the order in which the class takes them."""
        return operator.attrgetter(*(field.name for field in dataclasses.fields(kind)))

    def changed(one: Any, **fields: Any) -> Any:
        """A copy with other values in some fields; a job takes a quarter of `replace`'s time."""
        kind = type(one)
        other = kind(*_getter(kind)(one))
        for name, new in fields.items():
            setattr(other, name, new)
        return other


__all__ = ["changed", "value"]
