"""One HRESULT."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HResult:
    """A code and its names.

    `name` is the one that this API prints: what the documentation calls the code that programs were
    written from. `header_name` is the constant of the Windows header where that is another one
    (DO_E_NOT_FOUND exists in no header), `aliases` are further names in use. `transient` says
    whether a transfer that stands on the code goes on by itself; None where no transfer does.
    """

    code: int
    name: str
    transient: bool | None = None
    header_name: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, the printed one first."""
        return (self.name, *filter(None, (self.header_name,)), *self.aliases)
