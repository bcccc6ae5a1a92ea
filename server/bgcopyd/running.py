"""A daemon's life: started, serving, ended by a signal, by itself when idle, or by a defect."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine

from bgcopyd import __version__
from bgcopyd.config import Settings
from bgcopyd.daemon import Daemon
from bgcopyd.jobs.audit import DAEMON, OK, STARTED
from bgcopyd.notify import notify, watchdog_interval
from bgcopyd.queue.clock import Clock, SystemClock
from bgcopyd.queue.recovery import recover
from bgcopyd.store.directory import StateDirectory
from bgcopyd.store.sqlite import SQLiteStore

logger = logging.getLogger(__name__)

IDLE_CHECK = 0.5
# EX_SOFTWARE of sysexits.h: a unit's Restart=on-failure starts the daemon again.
DEFECT = 70
# The loop and the store's writer take turns holding the interpreter, and each statement of SQLite
# gives it away. With the loop busy, 64 callers and a sync per group: 340 to 720 durable changes per
# second at the default of 5 ms, 2,400 to 2,780 at 0.1 ms.
SWITCH_INTERVAL = 0.0001
# What the start has made lives as long as the daemon, and calls make hardly any cycles: collecting
# after every 700 objects, the default, took a tenth of the time of a GetJob.
COLLECT_AFTER = 50_000


async def run(settings: Settings, *, exit_when_idle: float | None = None) -> int:
    """Runs a daemon until SIGTERM or SIGINT, or until it is idle; its exit code.

    Raises:
        StateDirectoryLocked, StoreDamaged and their kin: it cannot start.
        Listener: a listener could not be opened.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    clock = SystemClock()
    with StateDirectory(settings.state_dir):
        store = await SQLiteStore.open(settings.state_dir)
        try:
            return await _serve(Daemon(settings, store, clock), store, clock, exit_when_idle)
        finally:
            await store.close()


async def _serve(
    daemon: Daemon, store: SQLiteStore, clock: Clock, exit_when_idle: float | None
) -> int:
    loop = asyncio.get_running_loop()
    ending: asyncio.Future[int] = loop.create_future()

    def end(code: int = 0) -> None:
        if not ending.done():
            ending.set_result(code)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, daemon.doors.reload)
    # Before anything makes files: the sockets are bound under a mask of the whole process.
    targets = daemon.server.bind()
    await daemon.policies.load()
    await daemon.feed.start()
    cut_off = await recover(store, daemon.completion, clock)
    works: list[Coroutine[None, None, None]] = [
        daemon.feed.run(),
        daemon.scheduler.run(),
        daemon.timekeeper.run(),
        daemon.pace.run(),
        daemon.housekeeping.run(),
        daemon.farewells.run(),
        daemon.dispatcher.run(),
    ]
    if exit_when_idle is not None:
        works.append(_end_when_idle(daemon, clock, exit_when_idle, end))
    interval = watchdog_interval()
    if interval is not None:
        works.append(_feed_watchdog(interval))
    tasks = [asyncio.create_task(_guarded(work, lambda: end(DEFECT))) for work in works]
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    try:
        await daemon.server.start()
        daemon.audit.record(STARTED.event, DAEMON, "", OK, version=__version__)
        logger.info("ready on %s; %d jobs were cut off and go on", ", ".join(targets), cut_off)
        notify(f"STATUS=listening on {', '.join(targets)}", "READY=1")
        code = await ending
        logger.info("shutting down")
        notify("STOPPING=1")
        return code
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await daemon.close()


async def _guarded(work: Coroutine[None, None, None], on_defect: Callable[[], None]) -> None:
    """A daemon without one of its parts is worse than one that is started again."""
    try:
        await work
    except Exception:
        logger.exception("a part of the daemon broke; shutting down")
        on_defect()


async def _end_when_idle(
    daemon: Daemon, clock: Clock, seconds: float, end: Callable[[], None]
) -> None:
    idle_since: float | None = None
    while True:
        await asyncio.sleep(min(IDLE_CHECK, seconds or IDLE_CHECK))
        now = clock.monotonic()
        if not await daemon.idle():
            idle_since = None
            continue
        idle_since = max(daemon.activity.last, idle_since if idle_since is not None else now)
        if now - idle_since >= seconds:
            logger.info("idle for %g s: ending", seconds)
            end()
            return


async def _feed_watchdog(interval: float) -> None:
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval)
