"""Jobs, files and requests for tests of the store."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bgcopyd.jobs.attempt import Attempt, AttemptOutcome
from bgcopyd.jobs.file import (
    Digest,
    DigestAlgorithm,
    File,
    FileRange,
    FileReport,
    FileSpec,
    SourceBytes,
    Validators,
    Verification,
)
from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
    ProxySettings,
    ProxyUsage,
    RedirectPolicy,
    TlsFlag,
)
from bgcopyd.jobs.job import ErrorContext, Job, JobState, Priority, Progress, TransferError
from bgcopyd.jobs.options import (
    CostState,
    JobOptions,
    Notifications,
    NotifyFlag,
    OverwritePolicy,
    PeerCachingFlag,
)
from bgcopyd.jobs.principal import ALL_SCOPES, Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.upload import Source, Upload, UploadProtocol
from bgcopyd.queue.storage import FileUpdate, Request, Store, Token, Tx

STEADY = 1000.5
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ANNA = "user:anna"
BERT = "user:bert"

ERROR = TransferError(
    Reason.HTTP_STATUS, ErrorContext.REMOTE_FILE, "the server said 404", NOW, False, 3, 404
)


def new_id(number: int | None = None) -> str:
    return str(uuid.uuid4() if number is None else uuid.UUID(int=number << 96 | number))


def new_job(owner: str = ANNA, **fields: Any) -> Job:
    fields.setdefault("job_id", new_id())
    fields.setdefault("creator", owner)
    fields.setdefault("display_name", "a job")
    return Job(owner=owner, create_time=NOW, modification_time=NOW, etag="e1", **fields)


def full_job(owner: str = ANNA) -> Job:
    """A job in which no field has its default."""
    return new_job(
        owner,
        creator=BERT,
        display_name="Nächtliche Spiegelung ✓",
        description="line one\nline two",
        state=JobState.QUEUED,
        priority=Priority.HIGH,
        labels={"team": "x", "a/b": "ü"},
        minimum_retry_delay=7.25,
        no_progress_timeout=0.0,
        max_bytes_per_second=1 << 40,
        auto_complete=True,
        error=ERROR,
        error_count=4,
        transferred_time=NOW + timedelta(seconds=1),
        expire_time=NOW + timedelta(days=7),
        next_attempt_time=NOW + timedelta(microseconds=1),
        progress=Progress(10, 20, 3, 1),
        claim_id="c0ffee",
        completing=True,
        cleanup=True,
        retries=9,
        stalled=1.5,
        due=2000.25,
        not_before_due=1500.0,
        deadline_due=3000.0,
        active=STEADY,
        active_time=NOW,
        download_time=7.5,
        options=full_options(),
    )


def full_options() -> JobOptions:
    """Options of which none has its default; the secret header has no value in a store."""
    http = HttpOptions(
        method="POST",
        headers=(HttpHeader("X-Plain", "ä"), HttpHeader("X-Secret", "", True)),
        redirect_policy=RedirectPolicy.DISALLOW,
        allow_https_to_http=True,
        announced_mirrors=True,
        tls_flags=(TlsFlag.IGNORE_UNKNOWN_CA,),
        client_certificate="partner",
        ca_bundle="office",
        proxy=ProxySettings(ProxyUsage.OVERRIDE, ("http://p:1",), ("<local>",)),
    )
    return JobOptions(
        maximum_download_time=60.5,
        max_download_size=1 << 50,
        cost_policy=(CostState.UNRESTRICTED, CostState.ROAMING),
        dynamic_content=True,
        high_performance=True,
        on_demand_mode=True,
        http=http,
        peer_caching=(PeerCachingFlag.DISABLE_BRANCH_CACHE,),
        notifications=Notifications((NotifyFlag.DISABLE,), 2.5),
        not_before=NOW,
        deadline=NOW + timedelta(days=1),
        overwrite_policy=OverwritePolicy.RENAME,
        retention=0.0,
        continue_on_file_error=True,
        credentials=(CredentialsKey(AuthTarget.PROXY, AuthScheme.DIGEST),),
    )


def new_attempt(index: int = 0, **fields: Any) -> Attempt:
    """An attempt that went well."""
    fields.setdefault("outcome", AttemptOutcome.FINISHED)
    return Attempt(index, NOW, NOW + timedelta(seconds=1), **fields)


def new_file(job: Job, index: int = 0, destination: str = "", **fields: Any) -> File:
    path = destination or f"{job.job_id}/{index}"
    spec = FileSpec(f"http://example.org/{index}", "default", path, f"/srv/{path}")
    return File(job.job_id, index, spec, **fields)


def full_file(job: Job, index: int = 0) -> File:
    """A file in which no field has its default."""
    digests = (Digest(DigestAlgorithm.SHA256, bytes(range(32))),)
    file = new_file(
        job,
        index,
        partial_name=".bgcopy-1",
        claimed=1 << 45,
        size=1 << 46,
        validators=Validators('W/"x"', "Sun, 01 Mar 2026 12:00:00 GMT", True),
        transferred=True,
        completed=True,
        verification=Verification.DIGEST,
        device=65024,
        inode=(1 << 63) - 1,
        error=ERROR,
        report=FileReport(
            (HttpHeader("Server", "ü"),), "http://b.example/x", (SourceBytes("http://a/", 7),)
        ),
        filled=(FileRange(1 << 45, 5),),
        requested=(FileRange(3, 4), FileRange(9)),
        validation_state=False,
        upload=Upload(
            Source(1, (1 << 63) - 1, 1 << 46, -5),
            "http://u/",
            UploadProtocol.TUS,
            "r",
            9,
            ("ab", "c"),
        ),
    )
    spec = replace(
        file.spec,
        digests=digests,
        ranges=(FileRange(0, 5), FileRange(7)),
        mirrors=("http://m.example/1", "http://m.example/2"),
        size=0,
    )
    return replace(file, spec=spec)


def update_of(file: File, **fields: Any) -> FileUpdate:
    values = {
        name: getattr(file, name) for name in FileUpdate.__slots__ if name not in fields
    } | fields
    return FileUpdate(**values)


def new_request(job: Job, request_id: str = "r1", **fields: Any) -> Request:
    return Request(job.creator, request_id, b"\x01" * 32, job.job_id, 0, **fields)


def new_token(number: int = 1, **fields: Any) -> Token:
    return Token(f"t{number}", bytes([number]) * 32, Principal(ANNA, ALL_SCOPES), NOW, **fields)


def creating(job: Job, *files: File) -> Callable[[Tx], Job]:
    """The transaction that adds a job and its files."""

    def create(tx: Tx) -> Job:
        added = tx.insert_job(job)
        tx.insert_files(job.job_id, files)
        return added

    return create


async def add(store: Store, job: Job, *files: File) -> Job:
    return await store.transact(creating(job, *files))


async def change(store: Store, job_id: str, *, requeue: bool = False, **fields: Any) -> Job:
    """Reads a job, changes fields and writes it back."""

    def update(tx: Tx) -> Job:
        job = tx.job(job_id)
        assert job is not None
        return tx.update_job(replace(job, **fields), requeue=requeue)

    return await store.transact(update)
