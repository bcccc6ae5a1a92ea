"""The composition root: puts the rooms together, and takes them down in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine

from bgcopyd import __version__, platform
from bgcopyd.audit_log import AuditLog
from bgcopyd.callers.certificates import ShownCertificates
from bgcopyd.callers.files import TlsFileSet
from bgcopyd.config import Settings, TcpListener
from bgcopyd.config.s3 import s3_stores
from bgcopyd.config.settings import HOST_ROOT
from bgcopyd.engine_options import engine_options
from bgcopyd.ids import RandomIds
from bgcopyd.jobs.audit import DAEMON, JOB_ENDED, OK, STARTED, STOPPED
from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.roots import Roots
from bgcopyd.jobs.s3 import store_of
from bgcopyd.notify import notify, watchdog_interval
from bgcopyd.queue.administration import Administration, Footprint, Parts
from bgcopyd.queue.audit import Audit, NoAudit
from bgcopyd.queue.changes import ChangeFeed
from bgcopyd.queue.clock import Clock, SystemClock
from bgcopyd.queue.completion import Completion
from bgcopyd.queue.costs import CostGate
from bgcopyd.queue.dispatcher import Dispatcher
from bgcopyd.queue.editing import JobEditor
from bgcopyd.queue.housekeeping import Housekeeping
from bgcopyd.queue.judging import Configured
from bgcopyd.queue.looking import Looker
from bgcopyd.queue.manager import BackgroundCopyManager, Ids
from bgcopyd.queue.ownership import Ownership
from bgcopyd.queue.pace import Pace
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.quotas import Quotas
from bgcopyd.queue.recovery import recover
from bgcopyd.queue.run import Ended, RunTools
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.scheduler import Scheduler
from bgcopyd.queue.secrets import JobSecrets
from bgcopyd.queue.space import Space
from bgcopyd.queue.statistics import Statistics
from bgcopyd.queue.storage import StoreUnavailable, Token
from bgcopyd.queue.sweeper import Sweeper
from bgcopyd.queue.timekeeper import Timekeeper
from bgcopyd.queue.tokens import TokenUses, bounded
from bgcopyd.queue.webhooks import Webhooks
from bgcopyd.rpc.admin_servicer import AdminServicer
from bgcopyd.rpc.auditing import Auditor
from bgcopyd.rpc.calls import Activity, Calls
from bgcopyd.rpc.editing_servicer import EditingServicer
from bgcopyd.rpc.identity import Identities
from bgcopyd.rpc.looking_servicer import LookingServicer
from bgcopyd.rpc.ownership_servicer import OwnershipServicer
from bgcopyd.rpc.server import RpcServer
from bgcopyd.rpc.servicer import About, BackgroundCopyServicer
from bgcopyd.rpc.webhook_servicer import WebhookServicer
from bgcopyd.store.directory import StateDirectory, size_on_disk
from bgcopyd.store.sealing import open_sealer
from bgcopyd.store.sqlite import SQLiteStore
from bgcopyd.transfer.disk.files import LocalFiles
from bgcopyd.transfer.disk.reading import LocalReader
from bgcopyd.transfer.engine import CurlEngine
from bgcopyd.transfer.posting import CurlPoster
from bgcopyd.transfer.wire.policy import speaks
from bgcopyd.transfer.wire.schemes import spoken

logger = logging.getLogger(__name__)

RUNNABLE = (
    JobState.QUEUED,
    JobState.CONNECTING,
    JobState.TRANSFERRING,
    JobState.TRANSIENT_ERROR,
)
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


class Daemon:
    """One daemon's parts, made on its loop."""

    def __init__(self, settings: Settings, store: SQLiteStore, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._s3_stores = s3_stores(settings.s3_stores)
        self._start_time = clock.now()
        roots = settings.all_roots
        space = Space(lambda: self.policies.policy.bytes_per_owner)
        self.engine = CurlEngine(roots, engine_options(settings, self._s3_stores), clock, space)
        self.files = LocalFiles(roots)
        self.reader = LocalReader(roots)
        self.audit: Audit = NoAudit()
        if settings.audit_log is not None:
            self.audit = AuditLog(settings.audit_log, clock.now)
        self.policies = PolicyKeeper(store, settings.policy)
        self.pace = Pace(self.engine, self.policies, clock)
        self.policies.on_change(self._apply)
        self._statistics = Statistics()
        board = ProgressBoard(clock, lambda: self.policies.policy.inactivity_timeout)
        costs = CostGate(lambda: self.policies.policy.network_cost)
        self._sealer = open_sealer(settings.state_dir, settings.secrets_key_file)
        self.secrets = JobSecrets(self._sealer)
        poster = CurlPoster(engine_options(settings, self._s3_stores), _any_address)
        self.dispatcher = Dispatcher(store, poster, self._sealer, clock, random.random)
        self.runs = Runs(
            RunTools(
                store,
                self.engine,
                board,
                self._statistics,
                clock,
                random.random,
                settings.files_in_parallel,
                self.secrets.open_for_run,
                space,
            )
        )
        self.scheduler = Scheduler(
            store,
            self.runs,
            board,
            costs,
            clock,
            rules=settings.rules,
            new_id=lambda: secrets.token_hex(8),
        )
        self.completion = Completion(
            store,
            self.files,
            self.runs,
            clock,
            policies=self.policies,
            on_change=self._job_ended,
            on_end=self._audit_end,
        )
        self.timekeeper = Timekeeper(
            store=store,
            runs=self.runs,
            completion=self.completion,
            costs=costs,
            policies=self.policies,
            clock=clock,
            on_queued=self.scheduler.wake,
        )
        self.runs.on_begun(self.timekeeper.expect)
        self.runs.on_ended(self._ended)
        self._quotas = Quotas(self.policies, lambda: self.scheduler.draining)
        self._uses = TokenUses(store, clock)
        directories = {name: str(path.resolve()) for name, path in roots.items()}
        self._roots = Roots(directories, HOST_ROOT)
        self.feed = ChangeFeed(store, board, clock, self._quotas)
        self.runs.on_files(self.feed.tell_files)
        self.housekeeping = Housekeeping(
            store,
            clock,
            Sweeper(store, self.files, clock),
            self._uses,
            history=settings.history,
            backup=store.backup if settings.daily_backup else None,
            last_backup=store.last_backup,
        )
        self._entitled = settings.entitled
        self._tls = _tls_files(settings)
        self.activity = Activity(clock.monotonic)
        self.server = self._server(board, costs)

    def _server(self, board: ProgressBoard, costs: CostGate) -> RpcServer:
        settings = self._settings
        configured = Configured(
            settings.client_certificates,
            settings.ca_bundles,
            [one for one in AuthScheme if speaks(one)],
            settings.schemes,
            spoken(),
            lambda bucket: store_of(self._s3_stores, bucket) is not None,
            settings.addresses,
        )
        manager = BackgroundCopyManager(
            store=self._store,
            runs=self.runs,
            completion=self.completion,
            board=board,
            clock=self._clock,
            ids=Ids(RandomIds().draw, lambda: f"{random.getrandbits(32):08x}"),
            quotas=self._quotas,
            configured=configured,
            secrets=self.secrets,
            on_change=self._changed,
        )
        editor = JobEditor(
            store=self._store,
            runs=self.runs,
            completion=self.completion,
            files=self.files,
            board=board,
            clock=self._clock,
            configured=configured,
            costs=costs,
            secrets=self.secrets,
            on_change=self._changed,
        )
        ownership = Ownership(
            store=self._store,
            runs=self.runs,
            board=board,
            clock=self._clock,
            configured=configured,
            secrets=self.secrets,
            on_change=self._changed,
        )
        looker = Looker(self._store, self.reader, self.engine, configured, self._clock)
        webhooks = Webhooks(
            store=self._store,
            dispatcher=self.dispatcher,
            sealer=self._sealer,
            clock=self._clock,
            new_id=lambda: secrets.token_hex(8),
            new_key=secrets.token_bytes,
        )
        servicer = BackgroundCopyServicer(
            manager,
            self.feed,
            self._roots,
            About(__version__, self._start_time, lambda: self.policies.policy, configured),
        )
        identities = Identities(
            self._token if self._entitled else self._store.token,
            self._uses.note,
            self._clock,
            certificates=self._certificates(),
        )
        auditor = Auditor(self.audit, self._clock.monotonic)
        calls = Calls(identities, self.activity, auditor)
        servicers = {
            "BackgroundCopyManager": (
                servicer,
                EditingServicer(editor),
                LookingServicer(looker),
                OwnershipServicer(ownership),
                WebhookServicer(webhooks, self._clock),
            ),
            "AdminService": (AdminServicer(self._administration(board)),),
        }
        listen = [str(listener) for listener in settings.listen]
        return RpcServer(calls, servicers, listen, self._tls)

    async def _token(self, digest: bytes) -> Token | None:
        """A stored token, with no more rights than its principal has."""
        token = await self._store.token(digest)
        bound = None if token is None else self._entitled.get(token.principal.id)
        return token if token is None or bound is None else bounded(token, bound)

    def _principal(self, owner: str) -> Principal:
        return self._entitled.get(owner) or Principal(owner)

    def _certificates(self) -> ShownCertificates | None:
        if self._tls is None:
            return None
        return ShownCertificates(
            self._tls, self._settings.tls_identity, self._principal, self._clock
        )

    def reload(self) -> None:
        """Reads again what may change without a restart; it is also seen where nobody says so."""
        logger.info("asked to read the certificates again")
        if self._tls is not None:
            self._tls.latest()

    def _administration(self, board: ProgressBoard) -> Administration:
        state_dir = self._settings.state_dir
        return Administration(
            Parts(
                store=self._store,
                policies=self.policies,
                scheduler=self.scheduler,
                runs=self.runs,
                feed=self.feed,
                board=board,
                pace=self.pace,
                statistics=self._statistics,
                roots=self._roots,
                uses=self._uses,
                clock=self._clock,
                start_time=self._start_time,
                footprint=lambda: Footprint(platform.resident_memory(), size_on_disk(state_dir)),
            )
        )

    def _apply(self, before: Policy, policy: Policy) -> None:
        """Tells those who keep a limit; the others read the policy at each call."""
        self.timekeeper.wake()
        if policy.background_jobs != before.background_jobs:
            self.scheduler.allow(policy.background_jobs)
        self.pace.follow()

    def _ended(self, _job_id: str, ended: Ended | None) -> None:
        """A run is over: its job waits, completes by itself, or makes room for another."""
        if ended is not None:
            self.timekeeper.expect(ended.job)
            if ended.job.auto_complete:
                self.completion.begin(ended.job)
        self.scheduler.wake()

    def _changed(self, job: Job) -> None:
        """A job may run, or waits for another moment."""
        self.timekeeper.expect(job)
        self.scheduler.wake()

    def _audit_end(self, job: Job) -> None:
        self.audit.record(
            JOB_ENDED.event,
            DAEMON,
            "",
            OK,
            job_id=job.job_id,
            owner=job.owner,
            state=job.state.name,
            error=None if job.error is None else job.error.reason.name,
        )

    def _job_ended(self) -> None:
        self.timekeeper.wake()
        self.scheduler.wake()

    async def idle(self) -> bool:
        """Whether no client is there and no job could run."""
        if self.activity.open or len(self.runs):
            return False
        return not await self._store.transact(
            lambda tx: tx.jobs_in(RUNNABLE, limit=1), durable=False
        )

    async def close(self) -> None:
        """Ends in the order in which nothing is lost: health, watches, calls, work, store."""
        deadline = self._clock.monotonic() + self._settings.shutdown_grace

        def left() -> float:
            return max(0.1, deadline - self._clock.monotonic())

        await self.server.refuse_new()
        self.feed.close()
        await self.server.stop(left() / 2)
        await self.runs.close(left())
        await self.completion.close(left())
        await self.dispatcher.close()
        with contextlib.suppress(StoreUnavailable):
            await self.timekeeper.mark()
            await self._uses.write()
        await self.engine.close()
        self.audit.record(STOPPED.event, DAEMON, "", OK)
        await asyncio.to_thread(self.audit.close)


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
    loop.add_signal_handler(signal.SIGHUP, daemon.reload)
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


def _tls_files(settings: Settings) -> TlsFileSet | None:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    kinds = {listener.kind for listener in settings.listen if isinstance(listener, TcpListener)}
    if certificate is None or key is None or kinds <= {"tcp"}:
        return None
    return TlsFileSet(certificate, key, settings.tls_client_ca_file)


def _any_address(_address: str) -> str:
    return ""
