"""The whole table, looked up by code and by name."""

from __future__ import annotations

import re

from bgcopyd.jobs.hresults.bits import BITS
from bgcopyd.jobs.hresults.delivery import DELIVERY
from bgcopyd.jobs.hresults.http import HTTP
from bgcopyd.jobs.hresults.row import HResult
from bgcopyd.jobs.hresults.windows import WINDOWS

HRESULTS: tuple[HResult, ...] = (*WINDOWS, *BITS, *DELIVERY, *HTTP)

_BY_CODE = {row.code: row for row in HRESULTS}
_BY_NAME = {name: row for row in HRESULTS for name in row.names}

# Eight digits are hexadecimal also without 0x: so logs print codes, and no decimal has eight.
_HEX = re.compile(r"0[xX]([0-9a-fA-F]{1,8})|([0-9a-fA-F]{8})")
_DECIMAL = re.compile(r"-?[0-9]{1,10}")


def by_name(name: str) -> HResult:
    """The row of a name that is known to exist."""
    return _BY_NAME[name]


def find(text: str) -> HResult | None:
    """The row of what a person or a program has at hand.

    A code as "0x80D02003", "80D02003", "2161123331" or "-2133843965" (signed, as Windows prints
    it), or any of its names in any case.
    """
    text = text.strip()
    if match := _HEX.fullmatch(text):
        return _BY_CODE.get(int(match[1] or match[2], 16))
    if _DECIMAL.fullmatch(text):
        return _BY_CODE.get(_unsigned(int(text)))
    return _BY_NAME.get(text.upper())


def _unsigned(number: int) -> int:
    return number + (1 << 32) if -(1 << 31) <= number < 0 else number
