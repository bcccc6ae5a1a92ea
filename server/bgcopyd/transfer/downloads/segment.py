"""One request for a stretch of a file that others fetch at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bgcopyd.jobs.file import Validators
from bgcopyd.transfer.disk.intake import Intake, Taken
from bgcopyd.transfer.downloads.stretches import Work
from bgcopyd.transfer.judging.headers import content_range
from bgcopyd.transfer.judging.verdict import Accept, Ask, Reject, Restart, Rung, judge
from bgcopyd.transfer.network.admission import Lane
from bgcopyd.transfer.network.buckets import Payer
from bgcopyd.transfer.network.pacer import Pacer
from bgcopyd.transfer.wire.receiving import Receiving
from bgcopyd.transfer.wire.requests import Requests

if TYPE_CHECKING:
    from bgcopyd.transfer.downloads.crew import Crew
    from bgcopyd.transfer.wire.exchange import Exchange

_DISCARD = 64 << 10


@dataclass(slots=True)
class Source:
    """From where stretches come, and the version of the file that it has.

    Attributes:
        apart: whether each request needs a connection of its own to gain anything.
        proven: whether bytes of a stretch have come from it.
        foreign: whether it is a mirror of whom the lead asks.
        compares: whether it is asked for bytes that are here before any others.
        compared: whether it had them.
        failures: how often in a row it brought next to nothing.
        off: whether it is asked no more.
    """

    url: str
    requests: Requests
    lane: Lane
    size: int
    validators: Validators
    apart: bool = False
    proven: bool = False
    foreign: bool = False
    compares: bool = False
    compared: bool = False
    failures: int = 0
    off: bool = False


class Segment(Receiving):
    """Takes in what it asked for, and nothing of any other version; lives while its request does.

    Attributes:
        start: the stretch's offset.
        compares: whether the stretch is here already, and only compared.
        victim: who fetches the stretch until this request is answered.
        replaces: whether the victim is given up then.
        intake: where the body goes, where the answer was accepted.
    """

    def __init__(
        self,
        crew: Crew,
        source: Source,
        work: Work,
        *,
        victim: Exchange | Segment | None,
        pacer: Pacer,
        payer: Payer,
    ) -> None:
        owner = crew.owner
        super().__init__(owner)
        self.source = source
        self.compares = source.compares
        self.start = work.end if self.compares else work.start
        self.victim = victim
        self.replaces = work.whole
        self.intake: Intake | None = None
        self._end = work.end
        self._crew = crew
        self._ask = Ask(
            Rung.OVERLAP if self.compares else Rung.PLAIN,
            self.start,
            work.start,
            source.size,
            source.validators,
            floor=work.start,
            end=work.end,
            part=True,
            streams=False,
            held=True,
            foreign=source.foreign and not source.compared,
        )
        self.pacer = pacer
        request = source.requests.make(self._ask.fields(), apart=source.apart)
        self.handle = owner.volume.launch(self, request, payer)
        self.pacer.begin(self.handle)

    @property
    def written(self) -> int:
        """Up to where its stretch is in the file."""
        return self.start if self.intake is None else self.intake.written

    @property
    def end(self) -> int:
        """Where its stretch ends."""
        return self._end if self.intake is None or self.intake.end is None else self.intake.end

    @property
    def redundant(self) -> bool:
        """Whether its stretch had come from elsewhere before it was answered."""
        return self.intake is None and isinstance(self.verdict, Accept)

    @property
    def whole(self) -> bool:
        """Whether all that the answer promised has come."""
        return self.intake is not None and self.intake.whole

    # Inside libcurl's callback.

    def _decide(self, *, empty: bool) -> None:
        assert self.handle is not None
        self.answer = self.handle.answer(self._owner.volume.wall())
        if self.answer is None:
            self.verdict = Reject("no readable answer")
            return
        self.verdict = judge(self._ask, self.answer, empty=empty)
        found = content_range(self.answer) if self.answer.status == 206 else None
        if found is not None and found.total not in {None, self.source.size}:
            self.verdict = Restart()
        if self.source.foreign:
            self.source.apart = not self.answer.version.startswith("1")
        if isinstance(self.verdict, Accept) and (self.compares or self._crew.takes(self)):
            self.intake = Intake(self._owner.keeper.file, self.verdict, self.start)

    def _take(self, data: bytes) -> int | None:
        if self.intake is None:
            # A short body of no interest is read to its end, which keeps the connection.
            self._discarded += len(data)
            return None if self._discarded <= _DISCARD else 0
        if not self._unwritten:
            self._unwritten = True
            self._owner.volume.to_flush.append(self)
        taken = self.intake.take(data)
        if taken is Taken.MISMATCH:
            self.verdict = Restart()
        self.pacer.received(len(data))
        return None if taken is Taken.MORE else 0

    # Outside of it.

    def late(self, now: float) -> bool:
        """Whether it takes longer than any request may."""
        if self.intake is not None:
            active, position = now - self.pacer.rested(now), self.intake.position
            return self.patience.within_body(active, position, "") is not None
        sent_after = 0.0 if self.handle is None else self.handle.sent_after()
        return self.patience.before_answer(now, sent_after, "") is not None

    def flush(self, now: float) -> None:
        """Writes what this turn has brought."""
        self._unwritten = False
        if self.intake is not None and self.broken is None:
            self._crew.flush(self, self.intake, now)

    def on_done(self, code: int, detail: str) -> None:  # noqa: ARG002 - what came tells enough
        """The request has ended with a CURLcode."""
        if self.verdict is None and not code:
            self.on_body(b"")
        self._crew.ended(self)

    def tick(self, now: float) -> None:
        """Some time has passed."""
        self._owner.tick(now)
