"""Words, shapes, and how progress is shown."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from rich.live import Live

import bgcopy
from bgcopy import ErrorContext, JobInfo, JobState, Progress, Reason, TransferErrorInfo
from bgcopy.cli import progress, shapes, watching, words

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SECRET_FREE = TransferErrorInfo(Reason.CONNECT_FAILED, ErrorContext.GENERAL_TRANSPORT, "No route.")


def job(state: JobState = JobState.TRANSFERRING, **properties: object) -> JobInfo:
    return JobInfo(**{"job_id": "1", "state": state, "display_name": "n", **properties})  # type: ignore[arg-type] # the test's own


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1 << 30, "1.0 GiB"),
        (1 << 60, "1024.0 PiB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3700, "1 h 01 min"), (90000, "1 d 01 h")],
)
def test_spans(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


def test_text_of_others_cannot_move_the_cursor() -> None:
    assert words.clean("a\x1b[2J\r\n\u202eb") == "a�[2J���b"


def test_an_unknown_size_has_no_percent() -> None:
    assert words.percent(Progress(5, None, 1, 0)) == ""
    assert words.percent(Progress(999_999, 1_000_000, 1, 0)) == "99 %"
    assert words.percent(Progress(10, 10, 1, 1)) == "100 %"
    assert words.amount(Progress(5, None, 1, 0)) == "5 B"


def test_a_waiting_job_says_why_and_when() -> None:
    waiting = job(
        JobState.TRANSIENT_ERROR,
        error=SECRET_FREE,
        blocked_reason="No route. Tries again at 2026-07-01 00:00:12 UTC.",
        next_attempt_time=NOW + timedelta(seconds=12),
    )
    assert words.why(waiting, NOW) == "No route. Tries again in 12 s."
    assert words.why(waiting, NOW + timedelta(hours=1)) == "No route. Tries again now."
    assert words.why(job(JobState.QUEUED, blocked_reason="Not its turn.")) == "Not its turn."
    assert "resume" in words.why(job(JobState.SUSPENDED))
    assert "complete" in words.why(job(JobState.TRANSFERRED))
    assert words.why(job(JobState.TRANSFERRED, auto_complete=True)) == ""
    assert words.why(job()) == ""


def test_the_summary_of_a_running_job() -> None:
    moving = job(progress=Progress(1 << 20, 3 << 20, 4, 1, 1 << 20))
    assert words.summary(moving) == (
        "transferring, 33 %, 1.0 MiB of 3.0 MiB, 1 of 4 files, 1.0 MiB/s, 2 s left"
    )


def test_lines_come_with_changes_and_every_few_seconds() -> None:
    lines: list[str] = []
    now = [0.0]
    display = progress.Lines(lines.append, lambda: now[0])
    for at, state in [(0, 1), (1, 1), (1, 3), (3, 3), (7, 3), (8, 3), (8.5, 8)]:
        now[0] = at
        display.update(job(JobState(state)))
    states = [line.split()[1].rstrip(",") for line in lines]
    assert states == ["queued", "transferring", "transferring", "acknowledged"]


def test_bars_show_names_as_they_are_and_no_percent_of_the_unknown() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, no_color=True)
    bars = progress.Bars(console)
    bars.update(job(display_name="[red]x\x1b[2J", progress=Progress(1024, None, 1, 0, 512)))
    bars.close()
    shown = out.getvalue()
    assert "[red]x�[2J" in shown
    assert "1.0 KiB" in shown
    assert "512 B/s" in shown
    assert "%" not in shown


def test_the_live_table_shows_names_as_they_are() -> None:
    console = Console(file=io.StringIO(), width=120)
    live = Live(console=console, auto_refresh=False)
    view = watching.LiveTable(live)
    view.take(bgcopy.JobChanged(job(display_name="[red]x\x1b[2J")))
    view.take(bgcopy.JobChanged(job(job_id="2", display_name="second")))
    view.take(bgcopy.JobRemoved("2", bgcopy.RemovedReason.DELETED))
    with console.capture() as shown:
        console.print(live.renderable)
    assert "[red]x�[2J" in shown.get()
    assert "transferring" in shown.get()
    assert "second" not in shown.get()


def test_shapes_are_stable() -> None:
    shape = shapes.job(
        job(
            error=SECRET_FREE,
            minimum_retry_delay=timedelta(seconds=30),
            create_time=NOW,
            progress=Progress(1, None, 1, 0),
        )
    )
    assert json.loads(shapes.dumps(shape)) == shape
    assert set(shape) == set(JobInfo.__dataclass_fields__)
    assert shapes.__doc__
    assert all(name in shapes.__doc__.split() or f"{name}." in shapes.__doc__ for name in shape)
    assert shape["state"] == "TRANSFERRING"
    assert shape["minimum_retry_delay"] == 30.0
    assert shape["create_time"] == "2026-07-01T00:00:00Z"
    assert shape["progress"]["fraction"] is None
    assert shape["error"]["reason"] == "CONNECT_FAILED"


def test_the_shape_of_a_file() -> None:
    shape = shapes.file(bgcopy.FileInfo(3, bgcopy.FileSpec("u", "p", root="r")))
    assert list(shape)[:5] == ["index", "remote_url", "root", "local_path", "sha256"]
    assert shape["digests"] == []
    assert shape["verification"] == "PENDING"
