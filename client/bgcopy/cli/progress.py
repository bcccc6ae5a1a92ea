"""Progress on stderr: a bar on a terminal, lines elsewhere, or JSON Lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from bgcopy import JobInfo, JobState
from bgcopy.cli import shapes, words
from bgcopy.cli.session import Session

_LINE_INTERVAL = 5.0


class Display(Protocol):
    """Shows how jobs come along."""

    def update(self, info: JobInfo) -> None:
        """Take note of a job as it is now."""

    def say(self, text: str) -> None:
        """Tell something beside the progress."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Nothing:
    """Shows nothing."""

    def update(self, info: JobInfo) -> None:
        """Take note of nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Nothing to put away."""


class Lines:
    """A line when a job's state changes, and every few seconds while bytes arrive."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._shown: dict[str, tuple[JobState, str, float]] = {}

    def update(self, info: JobInfo) -> None:
        """Print the job where there is something to say."""
        now = self._clock()
        state, blocked, at = self._shown.get(info.job_id, (None, "", now))
        same = state is info.state and blocked == info.blocked_reason
        if same and now - at < _LINE_INTERVAL:
            return
        self._shown[info.job_id] = (info.state, info.blocked_reason, now)
        self._write(f"{words.clean(info.display_name)}: {words.summary(info)}")

    def say(self, text: str) -> None:
        """Print the text."""
        self._write(text)

    def close(self) -> None:
        """Lines stay."""


class JsonLines:
    """A job as JSON whenever it changes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def update(self, info: JobInfo) -> None:
        """Print the job."""
        self._write(shapes.dumps({"event": "progress", "job": shapes.job(info)}))

    def say(self, text: str) -> None:
        """Print the text as JSON."""
        self._write(shapes.note(text))

    def close(self) -> None:
        """Lines stay."""


class _Words(ProgressColumn):
    """A column that says something about a task's job, anew with each refresh."""

    def __init__(self, say: Callable[[JobInfo], str], style: str = "") -> None:
        self._say = say
        self._style = style
        super().__init__()

    def render(self, task: Task) -> Text:
        """The words; never markup, for names come from others."""
        return Text(self._say(task.fields["info"]), style=self._style)


def _rest(info: JobInfo) -> str:
    return words.why(info) or words.remaining(info.progress) or words.state(info)


class Bars:
    """A bar for each job; one of unknown size moves without saying how far."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            _Words(lambda info: words.clean(info.display_name)),
            BarColumn(bar_width=None),
            _Words(lambda info: words.percent(info.progress), "bold"),
            _Words(lambda info: words.amount(info.progress)),
            _Words(lambda info: words.speed(info.progress)),
            _Words(_rest, "dim"),
            console=console,
            refresh_per_second=4,
        )
        self._tasks: dict[str, TaskID] = {}
        self._bars.start()

    def update(self, info: JobInfo) -> None:
        """Move the job's bar."""
        progress = info.progress
        total = progress.bytes_total
        if progress.fraction == 1.0:
            total = progress.bytes_transferred
        task = self._tasks.get(info.job_id)
        if task is None:
            task = self._tasks[info.job_id] = self._bars.add_task("", total=total, info=info)
        self._bars.update(task, total=total, completed=progress.bytes_transferred, info=info)

    def say(self, text: str) -> None:
        """Print the text above the bars."""
        self._bars.console.print(Text(text))

    def close(self) -> None:
        """Show the last state once more and give the cursor back."""
        self._bars.stop()


def display_for(kind: str, session: Session) -> Display:
    """The display of `--progress`; `--quiet` shows nothing unless one was chosen."""
    if kind == "none" or (kind == "auto" and session.quiet):
        return Nothing()
    terminal = sys.stderr.isatty()
    if kind == "json" or (kind == "auto" and session.json and not terminal):
        return JsonLines(_to_stderr)
    if kind == "bar" or (kind == "auto" and terminal):
        return Bars(Console(stderr=True, no_color=session.colorless, markup=False, highlight=False))
    return Lines(_to_stderr)


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)
