"""Which request comes next, from what is known of the file and of the answers so far. Pure."""

from __future__ import annotations

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.transfer.verdict import Accept, Ask, Descend, Rung, strong_etag

OVERLAP_BYTES = 64 << 10


class Ladder:
    """What one attempt knows of the remote file, and the rung it stands on.

    Attributes:
        have: bytes from the start that are on disk under `validators`.
        size: the file's size, once known.
        restarts: how often the remote file was another than before.
        proof: how sure the bytes are, were the file finished now.
    """

    def __init__(self, have: int, size: int | None, validators: Validators) -> None:
        self.have = have
        self.size = size
        self.validators = validators
        self.restarts = 0
        self.proof = Verification.VALIDATOR
        self._rung: Rung | None = None
        self._rejected = False

    def ask(self) -> Ask:
        """The next request."""
        rung = self._rung if self._rung is not None else self._natural_rung()
        if not self.have:
            rung = Rung.WHOLE
        overlap = OVERLAP_BYTES if rung is Rung.OVERLAP else 0
        offset = max(self.have - overlap, 0) if rung is not Rung.WHOLE else 0
        return Ask(rung, self.have, offset, self.size, self.validators)

    def _natural_rung(self) -> Rung:
        if self.have == self.size:
            return Rung.OVERLAP
        known = self.validators
        strong = strong_etag(known) or known.last_modified_strong
        return Rung.IF_RANGE if strong else Rung.OVERLAP

    def descend(self, verdict: Descend) -> bool:
        """Goes to another rung; False where that would lead back up."""
        order = [Rung.IF_RANGE, Rung.PLAIN, Rung.OVERLAP, Rung.WHOLE]
        if self._rung is not None and order.index(verdict.rung) <= order.index(self._rung):
            return False
        self._rung = verdict.rung
        if verdict.size is not None:
            self.size = verdict.size
        return True

    def reject(self) -> bool:
        """Notes an answer that contradicts itself; False where the whole file was the last hope."""
        whole = self.ask().rung is Rung.WHOLE
        if not self._rejected:
            self._rejected = True
            return True
        self._rejected = False
        self._rung = Rung.WHOLE
        return not whole

    def restart(self) -> None:
        """Forgets the file: it is another one now."""
        self.restarts += 1
        self.forget()

    def forget(self) -> None:
        """Forgets the file, to fetch it anew."""
        self.have, self.size, self.validators = 0, None, Validators()
        self.proof = Verification.VALIDATOR
        self._rung = None

    def accept(self, verdict: Accept) -> None:
        """Takes over what an accepted answer says."""
        if verdict.fresh:
            if verdict.changed:
                self.restarts += 1
            self.have, self.proof = 0, Verification.VALIDATOR
        self.size = verdict.size
        self.validators = verdict.validators
        self.proof = min(self.proof, verdict.proof)
        self._rejected = False

    def advance(self, have: int) -> None:
        """Notes that a part arrived whole and more is to be asked for."""
        self.have = have
        self._rung = None
