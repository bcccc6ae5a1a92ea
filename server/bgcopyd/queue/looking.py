"""What a caller may look at beyond the job itself: bytes, attempts, and URLs without a job."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from bgcopyd.jobs import spans
from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.file import File
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.authorizer import authorized, require_root
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.commands import ListAttempts, ProbeUrl, ReadFile
from bgcopyd.queue.editing import file_not_found
from bgcopyd.queue.judging import Configured, judge_urls, judge_values
from bgcopyd.queue.ledger import partial_name
from bgcopyd.queue.storage import Store
from bgcopyd.queue.transfers import FileGone, Probe, Prober, Reader, TransferOptions
from bgcopyd.queue.uploading import judge_rpc

# A probe holds a connection for up to half a minute.
PROBES = 16


class Looker:
    """Answers what changes nothing."""

    def __init__(
        self, store: Store, reader: Reader, prober: Prober, configured: Configured, clock: Clock
    ) -> None:
        self._store = store
        self._reader = reader
        self._prober = prober
        self._configured = configured
        self._clock = clock
        self._probes = asyncio.Semaphore(PROBES)

    async def list_attempts(
        self, principal: Principal, command: ListAttempts
    ) -> tuple[list[Attempt], int | None]:
        """A page of attempts, newest first, and the position of the next page."""
        authorized(principal, await self._store.job(command.job_id), command.job_id)
        if command.refusal is not None:
            raise command.refusal
        found = await self._store.attempts(
            command.job_id,
            file_index=command.index,
            before=command.before,
            limit=command.page_size + 1,
        )
        page = found[: command.page_size]
        return page, page[-1].attempt_id if len(found) > len(page) else None

    async def read_file(
        self, principal: Principal, command: ReadFile
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        """The bytes that are safely on disk from an offset on, piece by piece with their offset."""
        job = authorized(principal, await self._store.job(command.job_id), command.job_id)
        if command.refusal is not None:
            raise command.refusal
        judge_rpc(job, "ReadFile")
        found = await self._store.files(command.job_id, after=command.index - 1, limit=1)
        if not found or found[0].index != command.index:
            raise file_not_found(command.job_id, command.index)
        file = found[0]
        require_root(principal, file.spec.root)
        count = _readable(file, command.offset)
        wanted = min(count, command.length) if command.length else count
        offset = command.offset
        pieces = self._reader.read(
            file.spec.root,
            file.written,
            partial_name(file),
            completed=file.completed,
            offset=offset,
            length=wanted,
            identity=_identity(file),
        )
        try:
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    yield offset, piece
                    offset += len(piece)
        except (FileGone, OSError) as problem:
            raise _gone(file, problem) from None

    async def probe_url(self, principal: Principal, command: ProbeUrl) -> Probe:
        """What a server says of a URL."""
        values = {"ca_bundle": command.http.ca_bundle}
        judge_values(principal, values, self._configured, self._clock.now())
        judge_urls([("remote_url", command.url)], self._configured)
        async with self._probes:
            return await self._prober.probe(
                command.url, TransferOptions(owner=principal.id, foreground=True, http=command.http)
            )


def _identity(file: File) -> tuple[int, int] | None:
    known = file.device is not None and file.inode is not None
    return (file.device, file.inode) if known else None  # type: ignore[return-value] # just looked


def _gone(file: File, problem: Exception) -> Refusal:
    why = problem.strerror if isinstance(problem, OSError) else "it was moved, replaced or cut"
    return Refusal(
        Reason.FILE_NOT_READY,
        f"file {file.index} cannot be read where it was written: {why}",
        metadata={"job_id": file.job_id, "file_index": str(file.index)},
    )


def _readable(file: File, offset: int) -> int:
    """How many bytes from the offset on are safely on disk; of an upload, of the answer to it.

    Raises:
        Refusal: FILE_NOT_READY.
    """
    size = file.size if file.upload is None else file.upload.reply_size
    here = spans.on_disk(file.claimed, file.filled)
    if file.upload is not None:
        here = spans.on_disk(size or 0, ())
    for one in here:
        if one.offset <= offset < spans.end_of(one):
            return spans.end_of(one) - offset
    if file.transferred and offset == size:
        return 0
    raise Refusal(
        Reason.FILE_NOT_READY,
        f"offset: byte {offset} of file {file.index} is not on disk; "
        f"the first {file.claimed} bytes are",
        metadata={"job_id": file.job_id, "file_index": str(file.index)},
    )
