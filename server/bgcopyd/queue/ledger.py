"""What events of the engine mean for a file and for its job's sums."""

from __future__ import annotations

import dataclasses

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Progress
from bgcopyd.jobs.roots import PARTIAL_PREFIX
from bgcopyd.queue.storage import FileTotals, FileUpdate
from bgcopyd.queue.transfers import Claimed, Connected, Failed, Finished, Received, Stopped


def partial_name(file: File) -> str:
    """The hidden name beside the target that holds a file's bytes until it is completed."""
    return file.partial_name or f"{PARTIAL_PREFIX}{file.job_id}-{file.index}"


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
    )


def file_after(
    file: File, event: Connected | Received | Claimed | Finished | Failed | Stopped
) -> File:
    """The file after an event of its transfer; nothing but synced bytes is ever claimed."""
    if isinstance(event, Received):
        return file
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
            error=None,
        )
    return dataclasses.replace(
        file,
        claimed=event.claimed,
        size=event.size,
        validators=event.validators,
        error=event.error if isinstance(event, Failed) else None,
    )


def totals_after(totals: FileTotals, before: File, after: File) -> FileTotals:
    """The job's sums after one of its files has changed."""
    return FileTotals(
        files=totals.files,
        transferred=totals.transferred + after.transferred - before.transferred,
        claimed_bytes=totals.claimed_bytes + after.claimed - before.claimed,
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
