"""What an operator may change while the daemon runs, as one value and one table.

From the table are made the settings' bounds and texts, what UpdatePolicy takes, and the page
docs/policy.md. Durations are seconds, rates bytes per second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bgcopyd.jobs import timetable
from bgcopyd.jobs.limits import LARGEST_RATE, LONGEST_DURATION, TIMETABLE_CHARACTERS
from bgcopyd.jobs.options import CostState

Value = int | float | str | CostState

_DAY = 86_400.0
_LARGEST_COUNT = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits in force; POLICY_FIELDS says what each means and why it has its default."""

    jobs_per_owner: int = 100_000
    jobs_per_machine: int = 1_000_000
    files_per_job: int = 100_000
    files_per_owner: int = 0
    bytes_per_owner: int = 0
    ranges_per_file: int = 10_000
    watches_per_owner: int = 1_100
    background_jobs: int = 4
    max_bytes_per_second: int = 0
    max_bytes_per_second_per_owner: int = 0
    max_bytes_per_second_per_host: int = 0
    rate_timetable: str = ""
    retention: float = 30 * _DAY
    inactivity_timeout: float = 90 * _DAY
    network_cost: CostState = CostState.UNRESTRICTED


@dataclass(frozen=True, slots=True)
class PolicyField:
    """One limit: its type, its bounds, what BITS has in its place, what it means, why so much.

    The bounds of a text are those of its length.
    """

    kind: Callable[[Any], Value]
    lowest: int | float
    highest: int | float
    bits: str
    meaning: str
    why: str

    def problem(self, value: Value) -> str:
        """What is wrong with a value, or an empty string."""
        if isinstance(value, str):
            if len(value) > self.highest:
                return f"is longer than {_number(self.highest)} characters"
            return timetable.problem_of(value)
        if self.lowest <= value <= self.highest:
            return ""
        unit = " s" if self.kind is float else ""
        return (
            f"is {_number(value)}{unit}; "
            f"{_number(self.lowest)}{unit} to {_number(self.highest)}{unit} are allowed"
        )


POLICY_FIELDS: Mapping[str, PolicyField] = MappingProxyType(
    {
        "jobs_per_owner": PolicyField(
            int,
            1,
            _LARGEST_COUNT,
            "60",
            "How many live jobs an owner may have; administrators may have more.",
            "A job costs half a kilobyte on disk and nothing in memory, and lists are paged; "
            "BITS enumerates all jobs at each call and grows slow beyond 100.",
        ),
        "jobs_per_machine": PolicyField(
            int,
            1,
            _LARGEST_COUNT,
            "300",
            "How many live jobs all owners may have together, administrators included.",
            "Speed, memory and start of the daemon are measured with a million jobs.",
        ),
        "files_per_job": PolicyField(
            int,
            1,
            16_000_000,
            "200",
            "How many files a job may have.",
            "The mirror of a distribution is one job; files are read page by page as they are "
            "fetched.",
        ),
        "files_per_owner": PolicyField(
            int,
            0,
            _LARGEST_COUNT,
            "none",
            "How many files the live jobs of an owner may have together; 0 for no limit.",
            "For daemons that several people share: rows and partial files are the machine's.",
        ),
        "bytes_per_owner": PolicyField(
            int,
            0,
            LARGEST_RATE,
            "none",
            "How many bytes the live jobs of an owner may keep on disk, as 20G; 0 for no limit.",
            "For daemons that several people share: what is neither completed nor cancelled stays.",
        ),
        "ranges_per_file": PolicyField(
            int,
            1,
            _LARGEST_COUNT,
            "500",
            "How many ranges a file may have.",
            "Block-wise updates of images name thousands; each costs some twenty bytes of its "
            "file's row.",
        ),
        "watches_per_owner": PolicyField(
            int,
            1,
            _LARGEST_COUNT,
            "4 notifications at a time",
            "How many watches a caller may hold.",
            "A thousand readers are tested; a watch that nobody reads costs at most 50 KiB.",
        ),
        "background_jobs": PolicyField(
            int,
            1,
            10_000,
            "1",
            "How many background jobs run at once; foreground jobs all do.",
            "One slow server must not hold up the others; more share the same line.",
        ),
        "max_bytes_per_second": PolicyField(
            int,
            0,
            LARGEST_RATE,
            "a bandwidth limit by group policy",
            "Limit of all transfers together, as 2M; 0 for none.",
            "Only the operator knows the line.",
        ),
        "max_bytes_per_second_per_owner": PolicyField(
            int,
            0,
            LARGEST_RATE,
            "none",
            "Limit of all transfers of one owner together; 0 for none.",
            "Owners share the background slots fairly; this is for lines that are paid for by use.",
        ),
        "max_bytes_per_second_per_host": PolicyField(
            int,
            0,
            LARGEST_RATE,
            "none",
            "Limit of all transfers from one scheme, host and port together; 0 for none.",
            "What a server bears, its operator knows; one that is too busy says so.",
        ),
        "rate_timetable": PolicyField(
            str,
            0,
            TIMETABLE_CHARACTERS,
            "a schedule by group policy",
            'Limits of all transfers together by local time, as "Mon-08:00,512K Fri-18:00,off".',
            "A line that others need by day is idle by night.",
        ),
        "retention": PolicyField(
            float,
            0.0,
            LONGEST_DURATION,
            "0: a finished job is gone at once",
            "How long finished jobs stay readable.",
            "Whoever looks after a month's holiday still finds what became of a job.",
        ),
        "inactivity_timeout": PolicyField(
            float,
            3600.0,
            LONGEST_DURATION,
            "90 d",
            "After how long without a byte, a change or a verb a job is cancelled.",
            "BITS's own; a forgotten job holds its partial files and its destination.",
        ),
        "network_cost": PolicyField(
            CostState,
            min(CostState),
            max(CostState),
            "asked of Windows",
            "What the network costs now; jobs with a cost policy wait for a network that fits.",
            "No system tells it reliably; a script of the operator can.",
        ),
    }
)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"
