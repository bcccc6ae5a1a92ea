"""What events of the engine mean for a file and for its job's sums."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from bgcopyd.jobs import spans
from bgcopyd.jobs.attempt import Attempt, AttemptOutcome
from bgcopyd.jobs.file import NO_REPORT, File, FileRange, FileReport, SourceBytes
from bgcopyd.jobs.http_options import Credentials, HttpOptions
from bgcopyd.jobs.job import Job, Priority, Progress
from bgcopyd.jobs.roots import PARTIAL_PREFIX
from bgcopyd.queue.storage import Directory, FileTotals, FileUpdate, Tx
from bgcopyd.queue.transfers import (
    Claimed,
    Connected,
    Failed,
    Finished,
    Noted,
    Partial,
    Received,
    Stopped,
    TransferOptions,
)


def partial_name(file: File) -> str:
    """The hidden name beside the target that holds a file's bytes until it is completed."""
    if not file.written:
        return ""
    return file.partial_name or f"{PARTIAL_PREFIX}{file.job_id}-{file.index}"


def partial_of(file: File) -> Partial:
    """The file that holds them."""
    return Partial(file.spec.root, file.written, partial_name(file))


def directory_of(file: File) -> Directory:
    """The directory that it lies in."""
    return file.spec.root, file.written.rpartition("/")[0]


def transfer_options(
    job: Job, http: HttpOptions, credentials: tuple[Credentials, ...]
) -> TransferOptions:
    """What the transfers of a job have in common; `http` and `credentials` with their secrets."""
    return TransferOptions(
        owner=job.owner,
        foreground=job.priority is Priority.FOREGROUND,
        http=http,
        credentials=credentials,
        dynamic=job.options.dynamic_content,
        lazy=job.options.high_performance,
        max_size=job.options.max_download_size,
    )


def update_of(file: File) -> FileUpdate:
    """The stored part of a file's transfer."""
    return FileUpdate(
        index=file.index,
        partial_name=partial_name(file),
        claimed=file.claimed,
        size=file.size,
        validators=file.validators,
        transferred=file.transferred,
        completed=file.completed,
        verification=file.verification,
        device=file.device,
        inode=file.inode,
        error=file.error,
        report=file.report,
        filled=file.filled,
        validation_state=file.validation_state,
        upload=file.upload,
    )


def requested_after(file: File, asked: Sequence[FileRange]) -> tuple[FileRange, ...]:
    """What is still to come of all that was asked for of a file."""
    wanted = spans.within(spans.merged(asked), file.size)
    return spans.without(wanted, spans.on_disk(file.claimed, file.filled))


def file_after(
    file: File, event: Connected | Received | Claimed | Noted | Finished | Failed | Stopped
) -> File:
    """The file after an event of its transfer; nothing but synced bytes is ever claimed."""
    if isinstance(event, Received):
        return file
    if isinstance(event, Noted):
        return dataclasses.replace(file, upload=event.upload)
    if isinstance(event, Connected):
        # Not the validators: those on record vouch for the claimed bytes until the next claim.
        return dataclasses.replace(file, size=event.size, error=None)
    if isinstance(event, Finished):
        return dataclasses.replace(
            file,
            claimed=event.size,
            size=event.size,
            validators=event.validators,
            transferred=True,
            verification=event.verification,
            device=event.device,
            inode=event.inode,
            upload=event.upload or file.upload,
            error=None,
            report=_report_after(file.report, event.attempt.file),
            filled=(),
            validation_state=None,
        )
    after = dataclasses.replace(
        file,
        claimed=event.claimed,
        size=event.size,
        validators=event.validators,
        error=event.error if isinstance(event, Failed) else None,
        filled=event.filled,
    )
    if isinstance(event, Claimed):
        return after
    return dataclasses.replace(after, report=_report_after(file.report, event.attempt.file))


def live_file(file: File, moving: File | None, received: int) -> File:
    """A stored file as it is by now; `moving` is what its run knows of it, if it moves."""
    if moving is None:
        return file
    return dataclasses.replace(file, size=moving.size, received=max(moving.present, received))


def _report_after(before: FileReport, news: FileReport) -> FileReport:
    """What is known of a file after one more attempt: bytes by source add up."""
    if news is NO_REPORT:
        return before
    received = {source.url: source.bytes for source in before.sources}
    for source in news.sources:
        received[source.url] = received.get(source.url, 0) + source.bytes
    return FileReport(
        news.response_headers or before.response_headers,
        news.final_url or before.final_url,
        tuple(SourceBytes(url, count) for url, count in received.items()),
    )


_OUTCOMES = {
    Finished: AttemptOutcome.FINISHED,
    Failed: AttemptOutcome.FAILED,
    Stopped: AttemptOutcome.STOPPED,
}


def attempt_of(event: Finished | Failed | Stopped, start: datetime, end: datetime) -> Attempt:
    """An attempt at a file, out of its last event."""
    told = event.attempt
    return Attempt(
        file_index=event.index,
        start_time=start,
        end_time=end,
        outcome=_OUTCOMES[type(event)],
        url=told.url,
        address=told.address,
        protocol=told.protocol,
        http_status=told.http_status,
        received=told.received,
        error=event.error if isinstance(event, Failed) else None,
    )


def totals_after(totals: FileTotals, before: File, after: File) -> FileTotals:
    """The job's sums after one of its files has changed."""
    return FileTotals(
        files=totals.files,
        transferred=totals.transferred + after.transferred - before.transferred,
        claimed_bytes=totals.claimed_bytes + after.present - before.present,
        known_bytes=totals.known_bytes + (after.size or 0) - (before.size or 0),
        unknown_sizes=totals.unknown_sizes + (after.size is None) - (before.size is None),
    )


def progress_of(totals: FileTotals, ahead: int = 0) -> Progress:
    """The sums as progress; `ahead` bytes have arrived and are not claimed yet."""
    return Progress(
        bytes_transferred=totals.claimed_bytes + ahead,
        bytes_total=totals.known_bytes if totals.unknown_sizes == 0 else None,
        files_total=totals.files,
        files_transferred=totals.transferred,
    )


def written(tx: Tx, file: File, *, drop: bool) -> FileUpdate:
    """What is written of a file: more may have been requested than its transfer was told of."""
    update = update_of(file)
    if not file.requested:
        return update
    if drop:
        return dataclasses.replace(update, requested=())
    (now,) = tx.files(file.job_id, after=file.index - 1, limit=1)
    return dataclasses.replace(update, requested=requested_after(file, now.requested))


def is_news(file: File) -> bool:
    """Whether those who watch files are told of it: it is whole, or has come to a stop."""
    return file.transferred or file.error is not None or bool(file.filled and not file.requested)
