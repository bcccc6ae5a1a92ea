"""Writes docs/errors.md from the tables of reasons, HRESULTs and exceptions: `make docs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import grpc

import bgcopy
from bgcopy._error_classes import error_class
from bgcopyd.jobs.descriptions import CONTEXTS, of_context
from bgcopyd.jobs.hresults.bits import BITS
from bgcopyd.jobs.hresults.delivery import DELIVERY
from bgcopyd.jobs.hresults.http import HTTP_ERROR, status_name, status_passes
from bgcopyd.jobs.hresults.row import HResult
from bgcopyd.jobs.hresults.windows import WINDOWS
from bgcopyd.jobs.reasons import REASONS, Reason
from bgcopyd.jobs.texts.en import ENGLISH
from bgcopyd.jobs.texts.en.http import STATUSES

PAGE = Path(__file__).with_name("errors.md")

_HEAD = """\
# Errors

Made from the daemon's tables by `make docs`; change those, not this page.

A refused call carries `google.rpc.ErrorInfo`: `domain` is `bgcopy.v1`, `reason` one of the first
table, and in the metadata stand `hresult` and `hresult_name`, which a BITS or Delivery Optimization
program knows (`hresult_header_name` too, where the Windows header has another name than the
documentation). Programs decide by the reason; the message is for people.

GetErrorDescription tells the meaning of all that stands here, in English (`en`) and German (`de`).
It takes a reason, an error context, or an HRESULT: as `0x80D02003`, `80D02003`, `-2133843965` or
`2161123331`, or by any of its names in any case. `language_code` is a BCP 47 tag; `de-AT` finds
German, and what is not there is answered in English: the answer names its language.
"""

_FAILURES = """\
## Why a transfer fails

A failed transfer is data, not a failed call: `Job.error` and `File.error`. `transient` there says
whether the daemon tries again by itself.
"""

_CONTEXTS = """\
## Where a transfer fails

`ErrorContext` says who can mend it; the numbers are those of BG_ERROR_CONTEXT.
"""

_HRESULTS = """\
## HRESULTs

*Passes* says whether, as a rule, a job that stands on the code goes on by itself; it is empty where
no transfer stands on it. Names in brackets are found too. bgcopy itself sends those of the tables
above; programs know the others from BITS and Delivery Optimization.
"""

_STATUSES = """\
### HTTP statuses

The code is 0x80190000 and the status, for every status from 100 to 599; these have a text of their
own.
"""

_PASSES = {True: "yes", False: "no", None: ""}


def page() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_sections()))


def _sections() -> Iterator[str]:
    yield "## Why a call is refused\n"
    yield _table(("reason", "code", "HRESULT", "exception", "meaning"), _refusals())
    yield _FAILURES
    yield _table(("reason", "HRESULT", "meaning"), _failures())
    yield _CONTEXTS
    yield _table(("number", "HRESULT", "meaning"), _contexts())
    yield _HRESULTS
    head = ("HRESULT", "name", "passes", "meaning")
    groups = {"BITS": BITS, "Delivery Optimization": DELIVERY, "Windows": WINDOWS}
    for title, rows in groups.items():
        yield f"### {title}\n"
        yield _table(head, map(_hresult, rows))
    yield _STATUSES
    yield _table(head, _statuses())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _code(reason: Reason) -> str:
    spec = REASONS[reason]
    return f"0x{spec.hresult:08X} {spec.hresult_name}"


def _refusals() -> Iterator[tuple[str, ...]]:
    for reason, spec in REASONS.items():
        if spec.code is not None:
            kind = error_class(bgcopy.Reason[reason.name], grpc.StatusCode[spec.code.name])
            yield (
                reason.name,
                spec.code.name,
                _code(reason),
                kind.__name__,
                ENGLISH.reasons[reason],
            )


def _failures() -> Iterator[tuple[str, ...]]:
    for reason, spec in REASONS.items():
        if spec.code is None:
            yield reason.name, _code(reason), ENGLISH.reasons[reason]


def _contexts() -> Iterator[tuple[str, ...]]:
    for number in range(len(CONTEXTS)):
        one = of_context(number, ENGLISH)
        assert one is not None
        yield str(number), f"0x{one.hresult:08X} {one.hresult_name}", one.text


def _hresult(row: HResult) -> tuple[str, ...]:
    others = f" ({', '.join(row.names[1:])})" if row.names[1:] else ""
    return (
        f"0x{row.code:08X}",
        f"{row.name}{others}",
        _PASSES[row.transient],
        ENGLISH.hresults[row.name],
    )


def _statuses() -> Iterator[tuple[str, ...]]:
    for status, text in STATUSES.items():
        passes = _PASSES[status_passes(status)]
        yield f"0x{HTTP_ERROR | status:08X}", status_name(status), passes, text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
