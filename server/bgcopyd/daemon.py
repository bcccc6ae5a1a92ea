"""The composition root: puts the rooms together, and takes them down in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Sequence
from functools import partial

from bgcopyd import __version__, platform
from bgcopyd.audit_log import open_audit
from bgcopyd.config import Settings
from bgcopyd.config.s3 import s3_stores
from bgcopyd.config.types import HOST_ROOT
from bgcopyd.doors import Doors
from bgcopyd.ids import RandomIds
from bgcopyd.jobs.audit import DAEMON, OK, STOPPED
from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.roots import Roots
from bgcopyd.jobs.s3 import S3Store, store_of
from bgcopyd.queue.administration import Administration, Footprint, Parts
from bgcopyd.queue.audit import job_ended
from bgcopyd.queue.change_rate import ChangeRate
from bgcopyd.queue.changes import ChangeFeed
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.completion import Completion
from bgcopyd.queue.costs import CostGate
from bgcopyd.queue.dispatcher import Dispatcher
from bgcopyd.queue.editing import JobEditor
from bgcopyd.queue.farewells import Farewells
from bgcopyd.queue.housekeeping import Housekeeping
from bgcopyd.queue.judging import Configured
from bgcopyd.queue.looking import Looker
from bgcopyd.queue.manager import BackgroundCopyManager, Ids
from bgcopyd.queue.ownership import Ownership
from bgcopyd.queue.pace import Pace
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.quotas import Quotas
from bgcopyd.queue.run import Ended, RunTools
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.scheduler import Scheduler
from bgcopyd.queue.secrets import JobSecrets
from bgcopyd.queue.space import Space
from bgcopyd.queue.statistics import Statistics
from bgcopyd.queue.storage import StoreUnavailable
from bgcopyd.queue.sweeper import Sweeper
from bgcopyd.queue.timekeeper import Timekeeper
from bgcopyd.queue.tokens import TokenUses
from bgcopyd.queue.webhooks import Webhooks
from bgcopyd.rpc.admin_servicer import AdminServicer
from bgcopyd.rpc.auditing import Auditor
from bgcopyd.rpc.calls import Activity, Calls
from bgcopyd.rpc.editing_servicer import EditingServicer
from bgcopyd.rpc.looking_servicer import LookingServicer
from bgcopyd.rpc.ownership_servicer import OwnershipServicer
from bgcopyd.rpc.server import RpcServer
from bgcopyd.rpc.servicer import About, BackgroundCopyServicer
from bgcopyd.rpc.webhook_servicer import WebhookServicer
from bgcopyd.store.directory import size_on_disk
from bgcopyd.store.sealing import open_sealer
from bgcopyd.store.sqlite import SQLiteStore
from bgcopyd.transfer.disk.files import LocalFiles
from bgcopyd.transfer.disk.reading import LocalReader
from bgcopyd.transfer.engine import CurlEngine
from bgcopyd.transfer.options import EngineOptions
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
        options = _engine_options(settings, self._s3_stores)
        self.engine = CurlEngine(roots, options, clock, space)
        self.files = LocalFiles(roots)
        self.reader = LocalReader(roots)
        self.audit = open_audit(settings.audit_log, clock.now)
        self.policies = PolicyKeeper(store, settings.policy)
        self.pace = Pace(self.engine, self.policies, clock)
        self.policies.on_change(self._apply)
        self._statistics = Statistics()
        board = ProgressBoard(clock, lambda: self.policies.policy.inactivity_timeout)
        costs = CostGate(lambda: self.policies.policy.network_cost)
        self._sealer = open_sealer(settings.state_dir, settings.secrets_key_file)
        self.secrets = JobSecrets(self._sealer)
        self.dispatcher = Dispatcher(store, CurlPoster(options), self._sealer, clock, random.random)
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
            on_end=partial(job_ended, self.audit),
        )
        self.farewells = Farewells(store, self.engine, self.secrets, clock)
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
        self._roots = Roots(directories, HOST_ROOT, settings.root_rules)
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
        self.doors = Doors(settings, store, self._uses, clock)
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
            settings.root_rules,
            self._fills_bucket,
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
            addresses=settings.addresses,
        )
        servicer = BackgroundCopyServicer(
            manager,
            self.feed,
            self._roots,
            About(__version__, self._start_time, lambda: self.policies.policy, configured),
        )
        auditor = Auditor(self.audit, self._clock.monotonic)
        rate = ChangeRate(settings.changes_per_second, self._clock.monotonic)
        calls = Calls(self.doors.identities(), self.activity, auditor, rate)
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
        return RpcServer(calls, servicers, listen, self.doors.tls, self.doors.peers)

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

    def _fills_bucket(self, bucket: str) -> bool:
        store = store_of(self._s3_stores, bucket)
        return store is not None and store.uploads

    def _job_ended(self) -> None:
        self.farewells.wake()
        self.timekeeper.wake()
        self.scheduler.wake()

    async def idle(self) -> bool:
        """Whether no client is there and no job could run."""
        if self.activity.open or len(self.runs) or self.dispatcher.busy:
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


def _engine_options(settings: Settings, stores: Sequence[S3Store]) -> EngineOptions:
    return EngineOptions(
        connections_per_host=settings.connections_per_host,
        connections_per_owner=settings.connections_per_owner,
        segments_per_file=settings.segments_per_file,
        connect_timeout=settings.connect_timeout,
        header_timeout=settings.header_timeout,
        idle_timeout=settings.idle_timeout,
        low_speed_limit=settings.low_speed_limit,
        low_speed_time=settings.low_speed_time,
        schemes=settings.schemes,
        addresses=settings.addresses,
        free_space_floor=settings.free_space_floor,
        root_styles=settings.root_styles,
        known_hosts=settings.known_hosts,
        s3_stores=stores,
        http3=settings.http3,
        ca_file=settings.ca_file,
        ca_bundles=settings.ca_bundles,
        client_certificates=settings.client_certificates,
        proxy=settings.proxy_settings,
    )
