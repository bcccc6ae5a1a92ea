"""What one transfer has on disk: opened, claimed once it is synced, hashed, settled at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from bgcopyd.jobs.file import Digest, FileRange, Validators, Verification
from bgcopyd.queue.transfers import PLAIN, Claimed, Transfer
from bgcopyd.transfer.disk.hashing import Hashing, Mismatch, agrees
from bgcopyd.transfer.disk.partial import CannotNote, PartialFile
from bgcopyd.transfer.judging.ladder import Ladder
from bgcopyd.transfer.judging.plan import resumes
from bgcopyd.transfer.judging.spans import Spans, spans_of
from bgcopyd.transfer.judging.verdict import Accept

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_HASH_STEP = 8 << 20
# Whoever waits for the disk threads does not wait for more than so many bytes at once.
_HASH_MOST = 64 << 20


class Kept(NamedTuple):
    """What the store may believe: so many bytes on disk, of a file of this size and version."""

    claimed: int
    size: int | None
    validators: Validators
    filled: tuple[FileRange, ...] = ()

    @property
    def spans(self) -> Spans:
        """The claimed bytes as parts of the file."""
        return spans_of((FileRange(0, self.claimed), *self.filled), self.size)


@dataclass(frozen=True, slots=True)
class Settled:
    """How the last work on a partial file went; `mismatch` says which digest differs."""

    kept: Kept
    mismatch: Mismatch | None = None
    error: BaseException | None = None


class Keeper:
    """Lives on its volume's thread; fdatasync and hashing run on the volume's disk threads.

    Attributes:
        kept: the newest claim; never more than what is synced.
        identity: device and inode of the partial file, once it has been opened.
    """

    def __init__(
        self,
        transfer: Transfer,
        ladder: Ladder,
        volume: Volume,
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.kept = Kept(transfer.claimed, transfer.size, transfer.validators, transfer.filled)
        self._claimed = ladder.plan.count
        self._noted = ("", self.kept.validators)
        self._transfer = transfer
        self._ladder = ladder
        self._volume = volume
        self._on_error = on_error
        self._room = volume.room_of((transfer.job_id, transfer.index))
        self._partial: PartialFile | None = None
        self._hashing = Hashing(transfer.digests)
        self._hash_busy = False
        self._busy = 0
        self._when_quiet: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._settling = False
        self._store_may_claim = transfer.claimed > 0 or bool(transfer.filled)
        self._keeps = resumes(transfer.options)
        self.identity = (0, 0)
        self._may_claim = self._keeps and not transfer.options.lazy
        self._claim_time = volume.now()

    @property
    def file(self) -> PartialFile:
        """The open partial file."""
        assert self._partial is not None
        return self._partial

    @property
    def has_proof(self) -> bool:
        """Whether a digest will be compared that proves the bytes."""
        return self._hashing.proves

    def resume(self) -> None:
        """Opens the file, where it is not open, and keeps in the plan what it bears out.

        Raises:
            DestinationInvalid, OSError: it cannot be opened.
        """
        if self._partial is not None:
            return
        self._open()
        plan = self._ladder.plan
        plan.keep(self.file.proven(plan.here, self.kept.validators))
        self.kept = self.kept._replace(claimed=plan.here.prefix, filled=plan.here.beyond)
        self._claimed = plan.count
        self._noted = (self.file.source(self.kept.validators), self.kept.validators)
        self._ladder.origin = self._noted[0] or self._ladder.source

    def begin(self, accepted: Accept) -> None:
        """Makes the file ready for an accepted answer.

        Raises:
            CannotNote: the file is empty now, and the store has to know it before it is filled.
            DestinationInvalid, OSError: it cannot be opened, or has no room.
        """
        if self._partial is None:
            self._open()
        if accepted.fresh:
            self._begin_anew(accepted)
        elif accepted.proof is Verification.VALIDATOR:
            self.kept = self.kept._replace(size=accepted.size, validators=accepted.validators)
        size, sparse = accepted.size, self._ladder.plan.sparse
        if size is not None and not sparse:
            self._room.promise(size)
        if not sparse and size is not None and size >= self._volume.options.allocate_from:
            self.file.reserve(self._ladder.window.start, size)

    def _begin_anew(self, accepted: Accept) -> None:
        claimed = self.kept.claimed or self.kept.filled
        self.kept, self._claimed = Kept(0, accepted.size, accepted.validators), 0
        self._hashing = self._hashing.anew()
        if claimed:
            self._emit()
        self.file.begin_anew(claimed=self._store_may_claim)
        if self._store_may_claim and self._ladder.plan.sparse:
            # A note names a limited number of parts.
            raise CannotNote

    def announce(self, digest: Digest | None) -> None:
        """The server sends the digest of the whole file with an accepted answer, or none."""
        if digest is not None and digest != self._hashing.announced:
            self._hashing = self._hashing.anew(digest)

    def require(self, digest: Digest | None) -> None:
        """Whoever the bytes come from, the file must have this digest too; None takes it back."""
        if digest != self._hashing.required:
            self._hashing = self._hashing.requiring(digest)

    def check(self, start: int, digest: Digest, length: int, then: Callable[[bool], None]) -> None:
        """Holds a part of the file against the digest that came with it."""
        self._disk(partial(agrees, self.file, start, start + length, digest), then)

    def _open(self) -> None:
        transfer = self._transfer
        directory, name = self._volume.directories.parent_of(
            transfer.job_id, transfer.root, transfer.path
        )
        style = self._volume.options.root_styles.get(transfer.root, PLAIN)
        self._partial = PartialFile.open(directory, transfer.partial_name, name, self._room, style)
        self.identity = (self._partial.device, self._partial.inode)

    def _emit(self) -> None:
        transfer = self._transfer
        self._store_may_claim = True
        self._volume.emit(Claimed(transfer.job_id, transfer.claim_id, transfer.index, *self.kept))

    def wrote(self, position: int, now: float) -> None:
        """Claims and hashes behind the writer, where enough is new."""
        ladder = self._ladder
        # Stretches that came twice count once.
        self._room.holds(ladder.arrived(position))
        if self._may_claim and self._claim_due(ladder.arrived(position) - self._claimed, now):
            self._claim(position, now)
        hashing = self._hashing
        due = not hashing.idle and ladder.arrived(position) - hashing.done >= _HASH_STEP
        if due and not self._hash_busy:
            end = min(ladder.covering(position).prefix, hashing.done + _HASH_MOST)
            if end - hashing.done >= _HASH_STEP:
                self._hash_busy = True
                file = self.file
                self._disk(lambda: hashing.advance(file, end), self._hashed)

    def _claim_due(self, new: int, now: float) -> bool:
        options = self._volume.options
        late = now - self._claim_time >= options.claim_interval
        return new >= (options.claim_bytes if late else options.claim_most)

    def _at(self, position: int) -> Kept:
        """The claim that holds once all up to the position is synced."""
        ladder = self._ladder
        here, validators = ladder.covering(position), ladder.version(position)[0]
        return Kept(here.prefix, ladder.plan.size, validators, here.beyond)

    def _claim(self, position: int, now: float) -> None:
        kept, arrived = self._at(position), self._ladder.arrived(position)
        sync = partial(_sync, self.file, kept, self._source_to_note(position))

        def synced(_: object) -> None:
            self._may_claim = True
            self.kept, self._claimed = kept, arrived
            self._emit()

        # One at a time; what comes while it is written is the next one's.
        self._may_claim, self._claim_time = False, now
        self._disk(sync, synced)

    def _source_to_note(self, position: int) -> str:
        """The name of whom all up to the position is from, where the file does not tell it yet."""
        validators, source = self._ladder.version(position)
        noted, self._noted = self._noted, (source, validators)
        return "" if noted == self._noted else source

    def _hashed(self, _: object) -> None:
        self._hash_busy = False

    def _disk(self, task: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._busy += 1

        def done(result: Any, error: BaseException | None) -> None:
            self._busy -= 1
            if error is None:
                then(result)
            else:
                # A failed fdatasync may have dropped pages: a later one that succeeds says nothing.
                self._error = error
                if not (self._settling and self._when_quiet):
                    self._on_error(error)
            if not self._busy and self._when_quiet is not None:
                quiet, self._when_quiet = self._when_quiet, None
                quiet()

        self._volume.disk(task, done)

    def when_quiet(self, then: Callable[[], None]) -> None:
        """Goes on once no disk thread works on the file; at most one waits, the last."""
        if self._busy:
            self._when_quiet = then
        else:
            then()

    def settle(self, position: int, size: int | None, then: Callable[[Settled], None]) -> None:
        """Syncs up to `position`, where something is new, and closes the file.

        With `size` the file is complete: digests are compared first, and a file whose digest
        differs stays open, to be fetched anew.
        """
        if self._partial is None:
            then(Settled(self.kept))
            return
        file = self._partial

        def begin() -> None:
            # A claim may have come meanwhile; what stands now is what the last work builds on.
            if self._error is not None:
                work = partial(_give_up, file, self.kept, self._error)
            elif size is not None:
                ladder = self._ladder
                whole = Kept(size, ladder.plan.size, ladder.validators)
                noted = bool(self._noted[0])
                work = partial(_finish, file, self.kept, whole, self._hashing, noted=noted)
            else:
                new = self._keeps and self._ladder.arrived(position) > self._claimed
                kept = self._at(position) if new else self.kept
                source = self._source_to_note(position) if new else ""
                work = partial(_settle, file, self.kept, kept, source)
            self._disk(work, done)

        def done(settled: Settled) -> None:
            self._settling = False
            if settled.mismatch is None:
                self._partial = None
            self.kept = settled.kept
            then(settled)

        self._settling = True
        self.when_quiet(begin)

    def drop(self) -> None:
        """Forgets all content before a new request: its digest differs."""
        self.kept = Kept(0, None, Validators())
        self._claimed = 0
        self._emit()


def _give_up(file: PartialFile, kept: Kept, error: BaseException) -> Settled:
    file.close()
    return Settled(kept, error=error)


# What follows runs on disk threads.


def _sync(file: PartialFile, kept: Kept, source: str) -> None:
    file.sync()
    if source:
        file.note_source(source, kept.validators)
    file.note(kept.spans, kept.validators)


def _settle(file: PartialFile, before: Kept, kept: Kept, source: str) -> Settled:
    try:
        if kept is before:
            file.note(kept.spans, kept.validators)
        else:
            _sync(file, kept, source)
    except CannotNote:
        kept = kept._replace(claimed=0, filled=())
    except OSError as error:
        return _give_up(file, before, error)
    file.close()
    return Settled(kept)


def _finish(
    file: PartialFile, before: Kept, whole: Kept, hashing: Hashing, *, noted: bool
) -> Settled:
    try:
        hashing.advance(file, whole.claimed)
        mismatch = hashing.mismatch()
        if mismatch is not None:
            return Settled(before, mismatch)
        file.trim(whole.claimed)
        if noted:
            file.forget_source()
        _sync(file, whole, "")
    except CannotNote:
        whole = whole._replace(claimed=0)
    except OSError as error:
        return _give_up(file, before, error)
    file.close()
    return Settled(whole)
