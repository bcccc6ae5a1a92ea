"""The table of the policy, and everything that is made of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopyd.config import Settings
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.policy import POLICY_FIELDS, Policy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy.md"
NAMES = [field.name for field in dataclasses.fields(Policy)]


def test_value_table_proto_and_settings_name_the_same_limits() -> None:
    assert list(POLICY_FIELDS) == NAMES
    assert {"etag", *NAMES} == set(pb.Policy.DESCRIPTOR.fields_by_name)
    assert set(NAMES) <= set(Settings.model_fields)


def test_every_limit_of_the_proto_says_whether_it_is_set() -> None:
    fields = pb.Policy.DESCRIPTOR.fields
    assert [field.name for field in fields if not field.has_presence] == ["etag"]


def test_the_settings_as_they_come_are_the_policy() -> None:
    assert Settings().policy == Policy()


TEXTS = {name for name, row in POLICY_FIELDS.items() if row.kind is str}


@pytest.mark.parametrize("name", NAMES)
def test_row(name: str) -> None:
    row, default = POLICY_FIELDS[name], getattr(Policy(), name)
    assert type(default) is row.kind
    assert not row.problem(default)
    assert row.meaning.endswith(".")
    assert row.why.endswith(".")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TEXTS])
def test_bounds_of_a_row(name: str) -> None:
    row = POLICY_FIELDS[name]
    assert not row.problem(row.lowest)
    assert not row.problem(row.highest)
    assert row.problem(row.lowest - 1)
    assert row.problem(row.highest + 1)


def test_what_a_problem_says() -> None:
    assert POLICY_FIELDS["background_jobs"].problem(0) == "is 0; 1 to 10000 are allowed"
    problem = POLICY_FIELDS["inactivity_timeout"].problem(0.5)
    assert problem == "is 0.5 s; 3600 s to 315360000 s are allowed"


# Rates are read by way of a floating-point number, which has no 2^63 - 1.
@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if name not in TEXTS | {"network_cost"} and "bytes_" not in name],
)
def test_settings_have_the_bounds_of_the_table(name: str) -> None:
    row = POLICY_FIELDS[name]
    for bound in (row.lowest, row.highest):
        assert getattr(_with(name, bound), name) == bound
    for beyond in (row.lowest - 1, row.highest + 1):
        with pytest.raises(ValueError):
            _with(name, beyond)


def _with(name: str, value: float | str) -> Policy:
    return Settings(**{name: value}).policy  # type: ignore[arg-type] # one of many fields


@pytest.mark.parametrize("state", CostState)
def test_costs_of_the_settings(state: CostState) -> None:
    for text in (state.name.lower(), state.name, state.name.lower().replace("_", "-")):
        settings: Any = Settings
        assert settings(network_cost=text).policy.network_cost is state
    with pytest.raises(ValueError, match="near_cap"):
        Settings(network_cost="cheap")


def test_a_timetable_of_the_settings() -> None:
    assert _with("rate_timetable", "08:00,1M").rate_timetable == "08:00,1M"
    for bad in ("8:00", "Moon-08:00,1M", "08:00,1M " * 2, "x" * 8193):
        with pytest.raises(ValueError, match=r"has|longer"):
            _with("rate_timetable", bad)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_slips_through(value: float) -> None:
    for row in [row for row in POLICY_FIELDS.values() if row.kind is not str]:
        if not row.problem(value):
            assert row.lowest <= value <= row.highest


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text()
    for name, row in POLICY_FIELDS.items():
        assert _line(name) in page, f"docs/policy.md lacks\n{_line(name)}"
        assert row.why in page


def _line(name: str) -> str:
    row, default = POLICY_FIELDS[name], getattr(Policy(), name)
    if row.kind is CostState:
        values, shown = "a state of BITS", default.name.lower()
    elif row.kind is str:
        values, shown = "a time table", default or "none"
    elif row.kind is float:
        values, shown = f"{_span(row.lowest)} to {_span(row.highest)}", _span(default)
    else:
        values, shown = f"{_count(row.lowest)} to {_count(row.highest)}", _count(default)
    return f"| `{name}` | {values} | {shown} | {row.bits} | {row.meaning} | {row.why} |"


def _count(number: float) -> str:
    power = number + 1
    return f"2^{int(power).bit_length() - 1} - 1" if number > 1 << 30 else f"{int(number):,}"


def _span(seconds: float) -> str:
    if seconds and seconds % 86_400 == 0:
        return f"{seconds / 86_400:,.0f} d"
    return f"{seconds / 3600:.0f} h" if seconds else "0"
