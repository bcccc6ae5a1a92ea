"""The audit log: JSON Lines in a private file, written in order by a thread of its own."""

from __future__ import annotations

import json
import logging
import os
import queue
import stat
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bgcopyd.jobs.audit import DAEMON, LOST, OK
from bgcopyd.queue.audit import Audit, Fact, NoAudit
from bgcopyd.telemetry import redact

logger = logging.getLogger(__name__)

_PRIVATE = 0o600
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_LARGEST_BATCH = 256
_LONGEST_TEXT = 256
# Some 30 MiB: a disk that hangs must not take the memory.
_MOST_WAITING = 65_536


def open_audit(path: Path | None, now: Callable[[], datetime]) -> Audit:
    """The audit log of a daemon, which may want none.

    Raises:
        AuditProblem: it cannot be opened.
    """
    return NoAudit() if path is None else AuditLog(path, now)


class AuditProblem(Exception):
    """The audit log cannot be opened."""


class AuditLog:
    """`Audit` in a file that may be moved away at any time: the next entry begins it anew.

    What cannot be written (a full disk) is counted, and the count is an entry once it can.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lost = 0
        self._broken = False
        # What a partial write has left must not spoil the next entry.
        self._torn = False
        try:
            self._file = _open(path)
        except OSError as problem:
            raise AuditProblem(
                f"the audit log {path} cannot be opened: {problem.strerror}; mend this, or choose "
                "another file with audit_log"
            ) from None
        self._thread = threading.Thread(target=self._work, name="audit-log", daemon=True)
        self._thread.start()

    def record(self, event: str, principal: str, peer: str, outcome: str, **facts: Fact) -> None:
        """As Audit."""
        if self._waiting.qsize() >= _MOST_WAITING:
            self._lost += 1
            return
        self._waiting.put(self._line(event, principal, peer, outcome, facts))

    def _line(
        self, event: str, principal: str, peer: str, outcome: str, facts: dict[str, Fact]
    ) -> str:
        when = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        entry = {
            "time": when.replace("+00:00", "Z"),
            "event": event,
            "principal": principal,
            "peer": peer,
            "outcome": outcome,
            **{name: _plain(fact) for name, fact in facts.items()},
        }
        return json.dumps(entry) + "\n"

    def close(self) -> None:
        """As Audit."""
        self._waiting.put(None)
        self._thread.join()
        os.close(self._file)

    def _work(self) -> None:
        ended = False
        while not ended:
            batch = [self._waiting.get()]
            while batch[-1] is not None and len(batch) < _LARGEST_BATCH:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            ended = batch[-1] is None
            self._write([line for line in batch if line is not None])

    def _write(self, lines: Sequence[str]) -> None:
        if not lines:
            return
        lost, self._lost = self._lost, 0
        told = self._line(LOST.event, DAEMON, "", OK, {"entries": lost}) if lost else ""
        try:
            self._follow()
            self._put(("\n" if self._torn else "") + told + "".join(lines))
        except OSError as problem:
            self._lost += lost + len(lines)
            if not self._broken:
                logger.error(  # noqa: TRY400 - no defect
                    "the audit log %s cannot be written: %s", self._path, problem.strerror
                )
            self._broken = True
        else:
            self._broken = False

    def _follow(self) -> None:
        """Goes on in a new file where the old one was moved away or deleted."""
        ours = os.fstat(self._file)
        try:
            there = self._path.lstat()
        except FileNotFoundError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            fresh = _open(self._path)
            os.close(self._file)
            self._file, self._torn = fresh, False

    def _put(self, text: str) -> None:
        data = memoryview(text.encode())
        while data:
            self._torn = True
            data = data[os.write(self._file, data) :]
        self._torn = False


def _open(path: Path) -> int:
    """Opens or makes the file, for its owner alone.

    Raises:
        OSError: it is no plain file, or somebody else's.
    """
    descriptor = os.open(path, _FLAGS, _PRIVATE)
    try:
        _make_private(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _make_private(descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(0, "it is no plain file")
    os.fchmod(descriptor, _PRIVATE)


def _plain(fact: Fact) -> Fact:
    if isinstance(fact, list):
        return [redact(one[:_LONGEST_TEXT]) for one in fact[:_LARGEST_BATCH]]
    return redact(fact[:_LONGEST_TEXT]) if isinstance(fact, str) else fact
