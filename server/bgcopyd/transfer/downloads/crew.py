"""The connections that help with one file: hired while they bring something, bound by one version.

The first request, the lead, decides with its ladder what the file is. What others fetch is taken
only as the same version under a strong validator; nothing that they are answered begins the file
anew. Where the lead's own server contradicts it, all stop and the lead asks again, alone; a mirror
that does so is dropped.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bgcopyd.transfer.disk.intake import Intake
from bgcopyd.transfer.downloads.mirrors import Mirrors, strong
from bgcopyd.transfer.downloads.segment import Segment, Source
from bgcopyd.transfer.downloads.stretches import Pulse, Under, Work, next_work
from bgcopyd.transfer.downloads.tempo import Tempo
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.judging.plan import resumes
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.judging.verdict import (
    Accept,
    Rangeless,
    Restart,
    Status,
    Verdict,
)
from bgcopyd.transfer.network.buckets import Payer
from bgcopyd.transfer.network.facts import Fact
from bgcopyd.transfer.network.pacer import Pacer
from bgcopyd.transfer.phase import Phase
from bgcopyd.transfer.wire.exchange import Exchange

if TYPE_CHECKING:
    from bgcopyd.transfer.downloads.download import Download

# What a host says to one connection too many.
_TOO_MANY = frozenset({403, 429, 503})
# Of what is left to a single connection this part is left to each of several.
_MOMENTS = 8
# So often in a row a helper may bring next to nothing.
_FAILURES = 3


class Crew:
    """The helpers of one download; on its volume's thread.

    Attributes:
        owner: the download.
        segments: what the helpers fetch.
    """

    def __init__(self, owner: Download) -> None:
        self.owner = owner
        self.segments: list[Segment] = []
        self._sources: list[Source] = []
        self._lead: Exchange | None = None
        self._off = owner.volume.options.segments_per_file < 2 or not _parallel(owner)
        self._pulses: dict[Exchange | Segment, Pulse] = {}
        # What one connection has brought at its best, in bytes per second.
        self._best = 0.0

    # A small file is over before it needs these.

    @cached_property
    def _tempo(self) -> Tempo:
        options = self.owner.volume.options
        return Tempo(window=options.segment_window, gain=options.segment_gain)

    @cached_property
    def _mirrors(self) -> Mirrors:
        return Mirrors(self.owner)

    @property
    def busy(self) -> bool:
        """Whether anybody helps."""
        return bool(self.segments)

    @property
    def arrived(self) -> int:
        """How many bytes of the file are here, in it or not yet."""
        ladder, lead = self.owner.ladder, self.owner.lead
        position = ladder.window.start
        if lead is not None and lead.intake is not None:
            position = lead.intake.position
        intakes = (one.intake for one in self.segments if one.intake is not None)
        unwritten = sum(intake.position - intake.written for intake in intakes)
        return ladder.arrived(position) + unwritten

    def _now(self) -> float:
        return self.owner.volume.now()

    # Who helps.

    def tick(self, now: float) -> None:
        """Some time has passed: measures, hires and dismisses."""
        if self._off and not self.segments:
            return
        self._feel(now)
        lead, ladder = self.owner.lead, self.owner.ladder
        if lead is not None and lead is not self._lead and self.arrived > ladder.plan.count:
            self._lead, home = lead, self._source_of(lead)
            self._sources = [] if home is None else [home, *self._mirrors.beside(home)]
        if not self._sources:
            return
        self._tempo.tick(now, self.arrived, self._running, self._most())
        wanted = self.owner.volume.admission.wanted
        # A whole file that waits comes first.
        spare = next((one for one in reversed(self.segments) if wanted(one.source.lane)), None)
        if spare is not None:
            self._release(spare)
        while self.segments and self._running > self._tempo.target:
            self._release(self.segments[-1])
        self.carry_on()
        self._tempo.now_run(now, self.arrived, self._running)

    def _feel(self, now: float) -> None:
        """Takes the pulse of each, and replaces those that bring nothing while others do."""
        pulses, self._pulses = self._pulses, {}
        for runner in self._runners():
            if runner.intake is not None:
                pacer = runner.pacer if isinstance(runner, Segment) else self.owner.pacer
                pulse = pulses.get(runner) or Pulse(now, runner.intake.position)
                pulse.feel(now, runner.intake.position, paused=pacer.paused)
                self._pulses[runner] = pulse
        patience = self.owner.volume.options.segment_patience
        lately = max((one.moved for one in self._pulses.values()), default=0.0)
        alive = lately > now - patience / 2
        for segment in list(self.segments):
            silent = segment in self._pulses and now - self._pulses[segment].moved > patience
            if segment.late(now) or (alive and silent) or self._lags(segment):
                self._failed(segment)
        lead = self.owner.lead
        if lead in self._pulses:
            silent = now - self._pulses[lead].moved > patience
            if (alive and silent) or self._lags(lead):
                self.take_over()

    def _lags(self, runner: Exchange | Segment) -> bool:
        """Whether one has become a trickle, and another connection may do better.

        Each that is given up lessens what is expected of the next: all may have become slow.
        """
        pulse = self._pulses.get(runner)
        if pulse is None or pulse.rate is None:
            return False
        self._best = max(self._best, pulse.rate)
        able = any(source.proven and not source.off for source in self._sources)
        patience = self.owner.volume.options.segment_patience
        if not able or not self._under(runner).lags(self._best, patience):
            return False
        self._best /= 2
        return True

    @property
    def _running(self) -> int:
        return len(self.segments) + (self.owner.lead is not None)

    def _source_of(self, lead: Exchange) -> Source | None:
        """Where the lead's bytes come from, where others may fetch there as well."""
        owner, answer = self.owner, lead.answer
        known, size = owner.ladder.validators, owner.ladder.plan.size
        lane = owner.slot.lane
        if size is None or owner.ladder.foreign or answer is None or lane is None:
            return None
        if not strong(known):
            return None
        web = lead.handle is not None and lead.handle.policy.dialect.web
        if not web or answer.value("accept-ranges").lower() == "none":
            return None
        apart = not answer.version.startswith("1")
        return Source(lead.url, owner.requests, lane, size, known, apart)

    def _most(self) -> int:
        """How many connections the file may have now."""
        options = self.owner.volume.options
        left = self._sources[0].size - self.arrived
        soon = left < options.segment_worth * self._tempo.rate
        if self._off or (soon and not self.segments):
            return 1
        home, *mirrors = self._sources
        room = self._room(home) + sum(
            max(self._room(one), 0) for one in mirrors if one.lane != home.lane
        )
        return max(1, min(options.segments_per_file, self._running + room))

    def _room(self, source: Source) -> int:
        """How many more connections a source may have; less than none where it has too many."""
        volume, origin = self.owner.volume, source.lane.origin
        most = volume.options.segments_per_file
        limit = volume.known(origin, Fact.CONNECTIONS) or most
        room = min(most, limit) - volume.admission.held(origin)
        if source.off or source.proven:
            return min(room, 0) if source.off else room
        # The first that helps shows whether the server has parts at all.
        return min(room, 1 - self._helping(source))

    def _helping(self, source: Source) -> int:
        return sum(segment.source is source for segment in self.segments)

    def carry_on(self) -> None:
        """Gives work to as many as shall help; ends, or leaves it to the lead, where none is."""
        owner = self.owner
        if owner.phase not in {Phase.ASKING, Phase.SHARED}:
            return
        if owner.phase is Phase.SHARED and owner.ladder.plan.complete:
            self.dismiss()
            owner.finish(owner.ladder.plan.here.prefix)
            return
        while not self._off and self._running < self._tempo.target:
            if not any(self._hire(source) for source in self._to_ask()):
                break
        if owner.phase is Phase.SHARED and not self.segments:
            owner.start()

    def _to_ask(self) -> list[Source]:
        """Those that may have one more connection, who has fewest first."""
        able = [one for one in self._sources if not one.off and self._room(one) > 0]
        leads = self.owner.lead is not None
        return sorted(able, key=lambda one: self._helping(one) + (leads and not one.foreign))

    def _hire(self, source: Source) -> bool:
        runners = self._runners()
        if source.compares:
            work = self._mirrors.sample()
        else:
            work = self._work(source, [self._under(one) for one in runners])
        owner = self.owner
        payer = Payer(owner.transfer.job_id, owner.transfer.options.owner, source.lane.origin)
        pacer = Pacer(owner.volume)
        if work is None or pacer.before(payer) > 0:
            return False
        if not owner.volume.admission.take(source.lane):
            return False
        victim = None if work.victim is None else runners[work.victim]
        self.segments.append(Segment(self, source, work, victim=victim, pacer=pacer, payer=payer))
        return True

    def _work(self, source: Source, under: list[Under]) -> Work | None:
        options = self.owner.volume.options
        # What is over in a moment is not worth a request, which may bring twice what is on its way.
        moment = int(self._tempo.each * options.segment_worth / _MOMENTS)
        return next_work(
            self.owner.ladder.plan.here,
            source.size,
            under,
            least=max(options.segment_bytes, moment),
            typical=self._tempo.each,
            patience=options.segment_patience,
        )

    def _runners(self) -> list[Exchange | Segment]:
        lead = self.owner.lead
        return [*([] if lead is None else [lead]), *self.segments]

    def _under(self, runner: Exchange | Segment) -> Under:
        intake = runner.intake
        if (
            intake is None
            or intake.end is None
            or (isinstance(runner, Segment) and runner.compares)
        ):
            assert isinstance(runner, Segment)
            return Under(runner.start, runner.start, runner.end, None, open=False)
        start = runner.start if isinstance(runner, Segment) else self.owner.ladder.window.start
        promised = [one.start for one in self.segments if one.victim is runner]
        pulse = self._pulses.get(runner)
        rate = None if pulse is None else pulse.rate
        return Under(start, intake.position, min([intake.end, *promised]), rate)

    def takes(self, segment: Segment) -> bool:
        """Whether a helper's stretch is still to be had, now that it is answered.

        Only now whoever had it before leaves it: a refusal costs nothing.
        """
        here, victim = self.owner.ladder.plan.here, segment.victim
        segment.victim = None
        if victim is None or victim not in self._runners() or victim.intake is None:
            return here.first_gap(segment.start, segment.end) == (segment.start, segment.end)
        if victim.intake.position > segment.start and not segment.replaces:
            return False
        # Another helper, hired later but answered sooner, may have cut it shorter already.
        cut = max(victim.intake.position, segment.start)
        if victim.intake.end is None or cut < victim.intake.end:
            victim.intake.cut(cut)
        return True

    # What they bring.

    def broke(self, error: BaseException) -> None:
        """Ends the download for a defect of ours."""
        self.owner.broke(error)

    @entry
    def flush(self, segment: Segment, intake: Intake, now: float) -> None:
        """Writes what this turn has brought; outside libcurl."""
        if segment not in self.segments:
            return
        segment.source.proven = True
        try:
            intake.flush()
        except OSError as error:
            segment.broken = self.owner.local_failure(error)
            self.owner.fail(segment.broken)
            return
        if segment.source.compared:
            self.owner.ladder.join()
        plan = self.owner.ladder.plan
        plan.keep(plan.here.with_part(segment.start, intake.written))
        self.owner.progressed()
        self.owner.keeper.wrote(self.owner.position, now)

    @entry
    def ended(self, segment: Segment) -> None:
        """A helper's request has ended."""
        segment.flush(self._now())
        if segment not in self.segments:
            return
        if segment.broken is not None:
            self.owner.fail(segment.broken)
        elif isinstance(segment.verdict, Restart):
            self._contradicted(segment)
        elif segment.verdict is None or isinstance(segment.verdict, Accept):
            if segment.whole or segment.redundant:
                self._release(segment)
                if segment.compares:
                    self._mirrors.agreed(segment.source, segment.answer)
            else:
                self._failed(segment)
            self.carry_on()
        else:
            self._refused(segment, segment.verdict)
            self.carry_on()

    def _failed(self, segment: Segment) -> None:
        """Its stretch is somebody else's; one that fails again and again is no help."""
        brought = segment.written - segment.start
        self._release(segment)
        source, little = segment.source, brought < self.owner.volume.options.segment_bytes
        source.failures = source.failures + 1 if little else 0
        source.off = source.off or source.failures >= _FAILURES

    def _refused(self, segment: Segment, verdict: Verdict) -> None:
        """The server gives no part to one more connection; that is no failure of the download."""
        self._release(segment)
        volume, source, lane = self.owner.volume, segment.source, segment.source.lane
        if source.foreign:
            self._mirrors.refused(source, verdict)
            return
        self._tempo.give_up(self._now(), self._running)
        if isinstance(verdict, Status) and verdict.status in _TOO_MANY:
            self._bears(lane.origin, max(volume.admission.held(lane.origin), 1))
            return
        source.off = True
        if isinstance(verdict, Rangeless):
            self._bears(lane.origin, 1)

    def _bears(self, origin: Origin, count: int) -> None:
        """A host bears so many connections at once."""
        self.owner.volume.facts.learn(origin, Fact.CONNECTIONS, count, self._now())

    def _contradicted(self, segment: Segment) -> None:
        """The server has another version, or one for each of its nodes."""
        source = segment.source
        if source.foreign:
            self._release(segment)
            self._mirrors.contradicted(source, segment.answer, compared=segment.compares)
            self.carry_on()
            return
        self._off = True
        self._bears(source.lane.origin, 1)
        if source.proven:
            self.owner.restart()
        else:
            # All that is here came from the lead.
            self._release(segment)
            self.carry_on()

    def _release(self, segment: Segment) -> None:
        """Lets a helper go; a stretch that was not begun goes back to the one before it."""
        self.segments.remove(segment)
        handle, segment.handle = segment.handle, None
        segment.pacer.end()
        if handle is not None:
            self.owner.report.helped(
                segment.source.url, handle, accepted=segment.intake is not None
            )
            self.owner.volume.release(handle)
        self.owner.volume.admission.release(segment.source.lane)
        if segment.intake is not None and segment.written == segment.start:
            self._give_back(segment.start, segment.end)

    def _give_back(self, start: int, end: int) -> None:
        for one in self._runners():
            intake = one.intake
            # One that is at its end is being broken off already.
            if intake is not None and intake.position < start == intake.end and intake.reaches(end):
                intake.cut(end)

    def take_over(self) -> None:
        """Leaves what is missing to the helpers; whatever the lead has met is over."""
        self.owner.break_off()
        self.owner.slot.release()
        self.owner.phase = Phase.SHARED
        self.carry_on()

    def retire(self) -> None:
        """Lets all of them go, for good."""
        self._off = True
        self.dismiss()

    def dismiss(self) -> None:
        """Lets all of them go."""
        while self.segments:
            self._release(self.segments[-1])


def _parallel(owner: Download) -> bool:
    """Whether the file's parts may be fetched in any order."""
    transfer = owner.transfer
    return resumes(transfer.options) and not transfer.ranges and transfer.requested is None
