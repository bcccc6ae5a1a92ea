"""Which request comes next, from what is known of the file and of the answers so far. Pure."""

from __future__ import annotations

from dataclasses import replace

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.transfer.judging.plan import Plan, Window
from bgcopyd.transfer.judging.spans import Spans
from bgcopyd.transfer.judging.verdict import Accept, Ask, Descend, Rung, strong_etag, weakened

OVERLAP_BYTES = 64 << 10


class Ladder:
    """What one attempt knows of the remote file, and the rung it stands on.

    Attributes:
        plan: what is on disk, under `validators`, and what is missing.
        window: the stretch that the last request was for.
        restarts: how often the remote file was another than before.
        proof: how sure the bytes are, were the file finished now.
        source: the name of whom is asked.
        origin: the name of whom what is on disk came from.
        unconditional: whether whom is asked ignores If-Range; a plain Range then tells as much.
        unplaced: whether no answer says where its bytes belong; then a comparison has to tell.
    """

    def __init__(self, plan: Plan, validators: Validators) -> None:
        self.plan = plan
        self.window = plan.window()
        self.validators = validators
        self.restarts = 0
        self.proof = Verification.VALIDATOR
        self.source = self.origin = ""
        self.unconditional = self.unplaced = False
        self._vouched = False
        self._joined = False
        self._compared = False
        self._accepted: Accept | None = None
        self._rung: Rung | None = None
        self._rejected = False

    @property
    def foreign(self) -> bool:
        """Whether what is on disk came from another source than the one that is asked."""
        return self.origin != self.source and bool(self.plan.here)

    def ask(self) -> Ask:
        """The next request."""
        window = self.plan.window()
        rung = self._rung if self._rung is not None else self._natural_rung(window)
        if rung is Rung.WHOLE or not self.plan.here:
            return self._beginning()
        if rung is Rung.OVERLAP and window.floor == window.start:
            # Nothing before it can be compared; something else that is here can.
            window = self.plan.sample(OVERLAP_BYTES)
        self.window = window
        overlap = OVERLAP_BYTES if rung is Rung.OVERLAP else 0
        offset = max(window.start - overlap, window.floor)
        return self._ask(rung, window, offset)

    def _beginning(self) -> Ask:
        window = self.window = self.plan.opening()
        if self._rung is Rung.WHOLE or not self.plan.partial:
            return self._ask(Rung.WHOLE, Window(0, None, 0, 0), 0)
        return self._ask(Rung.OPENING, window, window.start)

    def _ask(self, rung: Rung, window: Window, offset: int) -> Ask:
        plan, shift = self.plan, window.shift
        return Ask(
            rung,
            window.start + shift,
            offset + shift,
            plan.total,
            self.validators,
            floor=window.floor + shift,
            end=None if window.end is None else window.end + shift,
            part=window.end is not None or plan.partial,
            streams=plan.streams,
            held=bool(plan.here),
            foreign=self.foreign,
            vouched=self._vouched and window.floor == window.start,
        )

    def _natural_rung(self, window: Window) -> Rung:
        if self.plan.complete or self.foreign:
            return Rung.OVERLAP
        if self._vouched and window.floor == window.start:
            return Rung.PLAIN
        known = self.validators
        if self.unplaced or not (strong_etag(known) or known.last_modified_strong):
            return Rung.OVERLAP
        return Rung.PLAIN if self.unconditional else Rung.IF_RANGE

    def arrived(self, position: int) -> int:
        """How many bytes of the local file are here with the window filled up to the position."""
        return self.plan.count + max(position - self.window.start, 0)

    def covering(self, position: int) -> Spans:
        """What is here with the window filled up to the position."""
        return self.plan.covering(self.window, position)

    def version(self, position: int) -> tuple[Validators, str]:
        """Under which validators, and from whom, all is that is here up to the position."""
        accepted = self._accepted
        known, source = self.validators, self.origin
        if accepted is not None and position > self.window.start:
            # What is behind the window's start came after all before it was compared.
            known, source = accepted.validators, self.source
        return (weakened(known) if self._joined else known), source

    def join(self) -> None:
        """Bytes come in whose source was only compared with what is here."""
        self._joined = True
        self.proof = min(self.proof, Verification.OVERLAP)

    def descend(self, verdict: Descend) -> bool:
        """Goes to another rung; False where that would lead back up."""
        order = [Rung.IF_RANGE, Rung.PLAIN, Rung.OVERLAP, Rung.WHOLE]
        if self._rung is not None and order.index(verdict.rung) <= order.index(self._rung):
            return False
        self._rung = verdict.rung
        if verdict.size is not None:
            self.plan.learn(verdict.size)
        return True

    def reject(self) -> bool:
        """Notes an answer that contradicts itself; False where the whole file was the last hope.

        Where it would not do there is no other hope than the answer after this one.
        """
        hopeless = self.ask().rung is Rung.WHOLE or not self.plan.streams
        if not self._rejected:
            self._rejected = True
            return True
        self._rejected = False
        self._rung = Rung.WHOLE
        return not hopeless

    def restart(self) -> None:
        """Forgets the file: it is another one now."""
        self.restarts += 1
        self.forget()

    def forget(self) -> None:
        """Forgets the file, to fetch it anew."""
        self.plan.forget()
        self.window = self.plan.window()
        self.validators = Validators()
        self.proof = Verification.VALIDATOR
        self._vouched = self._joined = False
        self._accepted = self._rung = None

    def other_source(self) -> None:
        """Goes on with another source; what is here is held against what that one has."""
        self.restarts = 0
        self._vouched = self._rejected = False
        self._accepted = self._rung = None

    def accept(self, verdict: Accept) -> Accept:
        """Takes over what an accepted answer says; the same in offsets of the local file.

        Raises:
            RangeOutside: what is wanted does not lie in the remote file.
        """
        if verdict.fresh or verdict.size is not None:
            self.plan.learn(verdict.size)
        if verdict.fresh:
            self.restarts += verdict.changed
            self.plan.keep(Spans())
            self.window = self.plan.opening()
            self.proof = Verification.VALIDATOR
            self._joined = False
        self._compared = not verdict.fresh and verdict.start < self.window.start + self.window.shift
        self._accepted = verdict
        self._rejected = False
        if verdict.fresh or verdict.proof is Verification.VALIDATOR:
            self._adopt()
        return self._in_local_file(verdict)

    def _in_local_file(self, verdict: Accept) -> Accept:
        plan, shift = self.plan, self.window.shift
        if plan.layout.whole:
            return verdict
        if verdict.stream:
            return replace(verdict, end=plan.size, size=plan.size)
        end = None if verdict.end is None else verdict.end - shift
        return replace(verdict, start=verdict.start - shift, end=end, size=plan.size)

    def _adopt(self) -> None:
        """What is on disk is of this version and source now."""
        if self._accepted is not None:
            self.validators = self._accepted.validators
            sure = not self.unplaced or self._compared or self._vouched or not self._accepted.start
            self.proof = min(self.proof, self._accepted.proof if sure else Verification.NONE)
            self.origin = self.source

    def advance(self, position: int, *, whole: bool = True) -> None:
        """Notes how much of the window is here; `whole` says that the answer came to its end."""
        accepted, window = self._accepted, self.window
        if accepted is not None and (whole or position > window.start):
            self._adopt()
            self._vouched = self._vouched or self._compared
        self.plan.cover(window, position)
        self.window = self.plan.window()
        self._rung = None
