"""What a benchmark found: figures, budgets, and whether they hold."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 58


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure, once per round."""

    label: str
    unit: str
    samples: Sequence[float]


@dataclass(frozen=True, slots=True)
class Check:
    """A figure that has a budget; `samples` is empty where it could not be taken.

    `exact` says that it is no matter of chance: then the worst sample decides, not the median.
    """

    label: str
    samples: Sequence[float]
    limit: float
    at_least: bool = False
    unit: str = "x"
    exact: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the budget holds; None where nothing was measured."""
        if not self.samples:
            return None
        worst = min(self.samples) if self.at_least else max(self.samples)
        value = worst if self.exact else statistics.median(self.samples)
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def budget(self) -> str:
        """The budget in words."""
        return f"{'>=' if self.at_least else '<='} {number(self.limit)} {self.unit}"


@dataclass(slots=True)
class Result:
    """One row of budgets.md."""

    key: str
    title: str
    measures: list[Measure] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def ratios(values: Sequence[float], peers: Sequence[float]) -> list[float]:
    """Each round against the same round of the peer, so that noise that lasts cancels out."""
    return [value / peer for value, peer in zip(values, peers, strict=True) if peer > 0]


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def text(result: Result) -> str:
    """A result for people."""
    lines = [f"{result.key}  {result.title}"]
    lines += [_line(one.label, one.samples, one.unit) for one in result.measures]
    for check in result.checks:
        verdict = {True: "holds", False: "DOES NOT HOLD", None: "not measured"}[check.holds]
        line = _line(check.label, check.samples, check.unit)
        lines.append(f"{line}   budget {check.budget}: {verdict}")
    lines += [f"    ({note})" for note in result.notes]
    return "\n".join(lines)


def _line(label: str, samples: Sequence[float], unit: str) -> str:
    if not samples:
        return f"    {label:{WIDTH}} -"
    spread = f" ({number(min(samples))} to {number(max(samples))})" if len(samples) > 1 else ""
    return f"    {label:{WIDTH}} {number(statistics.median(samples)):>8} {unit}{spread}"


def as_json(result: Result) -> dict[str, Any]:
    """A result for programs."""
    return {
        "row": result.key,
        "title": result.title,
        "measures": [_summary(one.label, one.unit, one.samples) for one in result.measures],
        "checks": [
            _summary(one.label, one.unit, one.samples)
            | {"limit": one.limit, "at_least": one.at_least, "holds": one.holds}
            for one in result.checks
        ],
        "notes": result.notes,
    }


def _summary(label: str, unit: str, samples: Sequence[float]) -> dict[str, Any]:
    known = list(samples)
    return {
        "label": label,
        "unit": unit,
        "median": statistics.median(known) if known else None,
        "min": min(known, default=None),
        "max": max(known, default=None),
        "samples": known,
    }
