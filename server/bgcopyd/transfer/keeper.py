"""What one transfer has on disk: opened, claimed once it is synced, hashed, settled at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from bgcopyd.jobs.file import Validators
from bgcopyd.queue.transfers import Claimed, Transfer
from bgcopyd.transfer.intake import Hashing
from bgcopyd.transfer.partial import CannotNote, PartialFile
from bgcopyd.transfer.verdict import Accept

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_HASH_STEP = 8 << 20


class Kept(NamedTuple):
    """What the store may believe: so many bytes on disk, of a file of this size and version."""

    claimed: int
    size: int | None
    validators: Validators


@dataclass(frozen=True, slots=True)
class Settled:
    """How the last work on a partial file went; `agreed` is False where a digest differs."""

    claimed: int
    agreed: bool = True
    error: BaseException | None = None


class Keeper:
    """Lives on its volume's thread; fdatasync and hashing run on the volume's disk threads.

    Attributes:
        kept: the newest claim; never more than what is synced.
        identity: device and inode of the partial file, once it has been opened.
    """

    def __init__(
        self, transfer: Transfer, volume: Volume, on_error: Callable[[BaseException], None]
    ) -> None:
        self.kept = Kept(transfer.claimed, transfer.size, transfer.validators)
        self._transfer = transfer
        self._volume = volume
        self._on_error = on_error
        self._partial: PartialFile | None = None
        self._hashing = Hashing(transfer.digests) if transfer.digests else None
        self._hash_busy = False
        self._busy = 0
        self._when_quiet: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._settling = False
        self._store_may_claim = transfer.claimed > 0
        self.identity = (0, 0)
        self._claim_time = volume.now()

    @property
    def file(self) -> PartialFile:
        """The open partial file."""
        assert self._partial is not None
        return self._partial

    @property
    def has_digests(self) -> bool:
        """Whether digests will be compared."""
        return self._hashing is not None

    def resume(self, have: int) -> int:
        """Opens the file, where it is not open, and says how much of `have` it bears out.

        Raises:
            DestinationInvalid, OSError: it cannot be opened.
        """
        if self._partial is not None:
            return have
        self._open()
        proven = self.file.proven(self.kept.claimed, self.kept.validators)
        self.kept = self.kept._replace(claimed=proven)
        return proven

    def begin(self, accepted: Accept, have: int) -> None:
        """Makes the file ready for an accepted answer.

        Raises:
            CannotNote: the file is empty now, and the store has to know it before it is filled.
            DestinationInvalid, OSError: it cannot be opened, or has no room.
        """
        claimed = self.kept.claimed
        if self._partial is None:
            self._open()
        if accepted.fresh:
            self.kept = Kept(0, accepted.size, accepted.validators)
            if self._hashing is not None:
                self._hashing.reset()
            if claimed:
                self._emit()
            self.file.begin_anew(claimed=self._store_may_claim)
        else:
            self.kept = Kept(claimed, accepted.size, accepted.validators)
        if accepted.size is not None and accepted.size >= self._volume.options.allocate_from:
            self.file.reserve(have, accepted.size)

    def _open(self) -> None:
        transfer = self._transfer
        directory, name = self._volume.directories.parent_of(
            transfer.job_id, transfer.root, transfer.path
        )
        self._partial = PartialFile.open(directory, transfer.partial_name, name)
        self.identity = (self._partial.device, self._partial.inode)

    def _emit(self) -> None:
        transfer = self._transfer
        self._store_may_claim = True
        self._volume.emit(Claimed(transfer.job_id, transfer.claim_id, transfer.index, *self.kept))

    def wrote(self, position: int, now: float) -> None:
        """Claims and hashes behind the writer, where enough is new."""
        options = self._volume.options
        if (
            now - self._claim_time >= options.claim_interval
            and position - self.kept.claimed >= options.claim_bytes
        ):
            self._claim_time = now
            self._claim(position)
        hashing = self._hashing
        if hashing is not None and not self._hash_busy and position - hashing.done >= _HASH_STEP:
            self._hash_busy = True
            file = self.file
            self._disk(lambda: hashing.advance(file, position), self._hashed)

    def _claim(self, position: int) -> None:
        kept, file = self.kept._replace(claimed=position), self.file

        def sync() -> None:
            file.sync()
            file.note(kept.claimed, kept.validators)

        def synced(_: object) -> None:
            self._claim_time = self._volume.now()
            self.kept = kept
            self._emit()

        # Not before the next interval after this one has returned.
        self._claim_time = float("inf")
        self._disk(sync, synced)

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

    def settle(
        self, position: int | None, size: int | None, then: Callable[[Settled], None]
    ) -> None:
        """Syncs up to `position` (None: nothing is new) and closes the file.

        With `size` the file is complete: digests are compared first, and a file whose digest
        differs stays open, to be fetched anew.
        """
        if self._partial is None:
            then(Settled(self.kept.claimed))
            return
        file = self._partial
        hashing = self._hashing if size is not None else None

        def begin() -> None:
            # A claim may have come meanwhile; what stands now is what the last work builds on.
            if self._error is not None:
                work = partial(_give_up, file, self.kept.claimed, self._error)
            else:
                work = partial(_settle, file, self.kept, position, size, hashing)
            self._disk(work, done)

        def done(settled: Settled) -> None:
            self._settling = False
            if settled.agreed:
                self._partial = None
            self.kept = self.kept._replace(claimed=settled.claimed)
            then(settled)

        self._settling = True
        self.when_quiet(begin)

    def drop(self) -> None:
        """Forgets all content before a new request: its digest differs."""
        self.kept = Kept(0, None, Validators())
        self._emit()


def _give_up(file: PartialFile, claimed: int, error: BaseException) -> Settled:
    file.close()
    return Settled(claimed, error=error)


def _settle(
    file: PartialFile, kept: Kept, position: int | None, size: int | None, hashing: Hashing | None
) -> Settled:
    """Runs on a disk thread."""
    claimed = kept.claimed
    try:
        if hashing is not None and size is not None:
            hashing.advance(file, size)
            if not hashing.agrees():
                return Settled(claimed, agreed=False)
        if size is not None:
            file.trim(size)
        if position is not None:
            file.sync()
            claimed = position
        file.note(claimed, kept.validators)
    except CannotNote:
        claimed = 0
    except OSError as error:
        file.close()
        return Settled(kept.claimed, error=error)
    file.close()
    return Settled(claimed)
