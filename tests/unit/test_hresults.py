"""The table of HRESULTs: complete, unambiguous, and found both ways."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.hresults.bits import BITS
from bgcopyd.jobs.hresults.delivery import DELIVERY
from bgcopyd.jobs.hresults.http import HTTP, HTTP_ERROR, STATUSES, status_name
from bgcopyd.jobs.hresults.row import HResult
from bgcopyd.jobs.hresults.table import HRESULTS, by_name, find
from bgcopyd.jobs.hresults.windows import WINDOWS
from bgcopyd.jobs.reasons import REASONS
from bgcopyd.transfer import failures

# Inclusive ranges of low halves, as the headers have them.
BITS_FAILURES = [
    (0x01, 0x05), (0x07, 0x16), (0x18, 0x19), (0x1B, 0x29), (0x2B, 0x2E), (0x3E, 0x49),
    (0x50, 0x54), (0x56, 0x59), (0x60, 0x76),
]  # fmt: skip
DELIVERY_FAILURES = [
    (0x1001, 0x1001), (0x2002, 0x2005), (0x200B, 0x200D), (0x2010, 0x201E), (0x2200, 0x2204),
    (0x3001, 0x3002), (0x3801, 0x380D), (0x5001, 0x5002), (0x5010, 0x5012), (0x6800, 0x6800),
    (0x6802, 0x6822),
]  # fmt: skip
BITS_SUCCESSES = {0x00200006, 0x00200017, 0x0020001A, 0x0020002A, 0x00200055}


def codes(facility: int, ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {facility | low for first, last in ranges for low in range(first, last + 1)}


def test_every_code_of_the_headers_is_there() -> None:
    assert {row.code for row in BITS} == codes(0x80200000, BITS_FAILURES) | BITS_SUCCESSES
    assert {row.code for row in DELIVERY} == codes(0x80D00000, DELIVERY_FAILURES)
    assert {row.code for row in HTTP} == {HTTP_ERROR} | {HTTP_ERROR | one for one in STATUSES}


def test_no_code_and_no_name_stands_twice() -> None:
    assert len({row.code for row in HRESULTS}) == len(HRESULTS)
    names = [name for row in HRESULTS for name in row.names]
    assert len(set(names)) == len(names)
    assert [name for name in names if name != name.upper() or not name.isascii()] == []


@pytest.mark.parametrize("group", [BITS, DELIVERY, WINDOWS, HTTP])
def test_rows_stand_in_order(group: tuple[HResult, ...]) -> None:
    found = [row.code for row in group]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0x00000000, "S_OK"),
        (0x00000001, "S_FALSE"),
        (0x80070005, "E_ACCESSDENIED"),
        (0x80070057, "E_INVALIDARG"),
        (0x80200001, "BG_E_NOT_FOUND"),
        (0x80200002, "BG_E_INVALID_STATE"),
        (0x80200049, "BG_E_TOO_MANY_JOBS_PER_USER"),
        (0x80200064, "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED"),
        (0x80200075, "BG_E_READ_ONLY_WHEN_JOB_ACTIVE"),
        (0x80D02003, "DO_E_NOT_FOUND"),
        (0x80D02003, "DO_E_JOB_NOT_FOUND"),
        (0x80D02004, "DO_E_EMPTY"),
        (0x80D02004, "DO_E_JOB_EMPTY"),
        (0x80D03805, "DO_E_BLOCKED_BY_NO_NETWORK"),
        (0x80D06820, "DO_E_METAINFO_PARSE_PIECEHASHES"),
        (0x80190194, "BG_E_HTTP_ERROR_404"),
        (0x80070490, "E_NOT_SET"),
        (0x8007051A, "ERROR_REVISION_MISMATCH"),
        (0x80072F8F, "ERROR_WINHTTP_SECURE_FAILURE"),
    ],
)
def test_well_known_pairs(code: int, name: str) -> None:
    row = find(name)
    assert row is not None
    assert row.code == code


@given(st.sampled_from(HRESULTS))
def test_every_row_is_found_by_all_that_names_it(row: HResult) -> None:
    signed = row.code - (1 << 32) if row.code >> 31 else row.code
    spellings = [f"0x{row.code:08X}", f"0X{row.code:x}", f"{row.code:08x}", f" {signed} "]
    spellings += [str(row.code), *row.names, *map(str.lower, row.names)]
    assert all(find(one) is row for one in spellings)


# Eight digits are read as hexadecimal.
@given(st.integers(-(1 << 33), 1 << 33).filter(lambda number: len(str(number)) != 8))
def test_a_number_is_the_code_of_its_row(number: int) -> None:
    row = find(str(number))
    assert row is None or number in {row.code, row.code - (1 << 32)}


@given(st.text(st.characters(exclude_categories=["Nd"])))
def test_a_word_is_the_name_of_its_row(text: str) -> None:
    row = find(text)
    assert row is None or text.strip().upper() in row.names


@pytest.mark.parametrize(
    "text",
    ["", "0x", "-", "x80D02003", "0x80D020030", "80D0200", "-0x7FDFFFFF", "4294967296",
     "-2147483649", "٣", "BG_E_", "BG_E_HTTP_ERROR_99", "BG_E_HTTP_ERROR_600",
     "BG_E_HTTP_ERROR_0404", "0x80190258", "NOT_FOUND", "9" * 5000],
)  # fmt: skip
def test_what_is_not_there(text: str) -> None:
    assert find(text) is None


def test_what_passes_in_delivery_optimization_is_its_transient_zone() -> None:
    for row in DELIVERY:
        assert bool(row.transient) is ((row.code & 0xF800) == 0x3800), row.name


@pytest.mark.parametrize("status", range(400, 600))
def test_the_engine_judges_statuses_as_the_table_does(status: int) -> None:
    assert failures.of_status(status, "host").transient is by_name(status_name(status)).transient


def test_reasons_point_into_the_table() -> None:
    for reason, spec in REASONS.items():
        row = find(spec.hresult_name)
        assert row is not None, reason
        assert (row.code, row.name, row.header_name) == (
            spec.hresult,
            spec.hresult_name,
            spec.header_name,
        )
