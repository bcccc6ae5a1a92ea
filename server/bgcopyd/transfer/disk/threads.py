"""Threads of one volume for what waits for the disk: fdatasync, hashing, placing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

Done = Callable[[Any, BaseException | None], None]
_Task = tuple[Callable[[], Any], Done]


class DiskThreads:
    """At most `limit` threads, started when they are needed, that run tasks in order of arrival.

    `done` is called on the thread that ran the task, with its result or its exception.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting = 0
        self._lock = threading.Lock()

    def submit(self, task: Callable[[], Any], done: Done) -> None:
        """Runs the task soon."""
        with self._lock:
            self._waiting += 1
            # One more task than threads that could take it: a blocked thread must not hold it up.
            if self._waiting > len(self._threads) < self._limit:
                thread = threading.Thread(
                    target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
        self._tasks.put((task, done))

    def _run(self) -> None:
        while (item := self._tasks.get()) is not None:
            task, done = item
            try:
                result, error = task(), None
            except BaseException as caught:  # noqa: BLE001 - handed to whoever asked
                result, error = None, caught
            with self._lock:
                self._waiting -= 1
            done(result, error)
            del item, task, done, result, error

    def close(self) -> None:
        """Ends the threads once their tasks are done; does not wait."""
        with self._lock:
            for _ in self._threads:
                self._tasks.put(None)
