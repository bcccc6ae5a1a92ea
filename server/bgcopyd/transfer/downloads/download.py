"""One transfer from its first request to its one terminal event."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.jobs.file import Verification
from bgcopyd.queue.transfers import AttemptReport, Failed, Finished, Stopped, Transfer
from bgcopyd.transfer import failures
from bgcopyd.transfer.disk.destination import DestinationInvalid
from bgcopyd.transfer.disk.hashing import Mismatch
from bgcopyd.transfer.disk.intake import Intake
from bgcopyd.transfer.disk.keeper import Keeper, Settled
from bgcopyd.transfer.downloads.crew import Crew
from bgcopyd.transfer.downloads.ending import Terminal, local_failure, mismatched, refused
from bgcopyd.transfer.downloads.watch import Watch
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging import redirects
from bgcopyd.transfer.judging.headers import retry_after
from bgcopyd.transfer.judging.ladder import Ladder
from bgcopyd.transfer.judging.plan import Plan, gets, resumes
from bgcopyd.transfer.judging.sources import Next, Sources
from bgcopyd.transfer.judging.verdict import (
    Accept,
    Descend,
    Outside,
    Rangeless,
    Redirect,
    Refuse,
    Reject,
    Restart,
    Status,
    Unexpected,
    Verdict,
)
from bgcopyd.transfer.network.buckets import Payer
from bgcopyd.transfer.network.facts import Fact
from bgcopyd.transfer.network.pacer import Pacer
from bgcopyd.transfer.network.slots import Slot
from bgcopyd.transfer.phase import Phase
from bgcopyd.transfer.report import Report
from bgcopyd.transfer.wire.exchange import Exchange
from bgcopyd.transfer.wire.requests import Requests, Unusable

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)


class Download:
    """The coordinator of one transfer; lives on its volume's thread."""

    def __init__(self, transfer: Transfer, volume: Volume) -> None:
        self.transfer = transfer
        self.name = (transfer.job_id, transfer.claim_id, transfer.index)
        self.volume = volume
        self.sources = Sources(transfer)
        self.ladder = Ladder(Plan.of(transfer), transfer.validators)
        self.keeper = Keeper(transfer, self.ladder, volume, self._disk_failed)
        self.pacer = Pacer(volume)
        self.slot = Slot(self)
        self.requests = Requests(transfer.url, transfer.options, volume.options)
        self.report = Report(transfer.url)
        self._terminal = Terminal(transfer, self.keeper, volume, self._attempt)
        self.crew = Crew(self)
        self._watch = Watch(self)
        self.phase = Phase.WAITING
        self._url = transfer.url
        self._visited = {transfer.url}
        self.exchange: Exchange | None = None
        self._stopping = False
        # What may have changed something is not repeated unasked.
        self._once = not gets(transfer.options.http)
        self._looked_again = False
        self._mismatched = False
        self._progressed = False
        self._expected: int | None = None

    @property
    def host(self) -> str:
        """What messages call the server."""
        return str(self.requests.origin)

    @property
    def lead(self) -> Exchange | None:
        """The request of this download itself, while its answer's body comes in."""
        exchange = self.exchange
        return None if exchange is None or exchange.accepted is None else exchange

    @property
    def position(self) -> int:
        """How far the window is filled."""
        lead = None if self.lead is None else self.lead.intake
        return self.ladder.window.start if lead is None else lead.written

    # Requests.

    @entry
    def start(self) -> None:
        """Asks for a slot at the URL's host."""
        try:
            origin = self.requests.aim(self._url)
        except Unusable as error:
            self.fail(error.failure)
            return
        self.phase = Phase.WAITING
        self.slot.ask(origin)

    def request(self) -> None:
        """Sends the ladder's next request, once no disk thread works on the file."""
        self.phase = Phase.RESTING
        self.keeper.when_quiet(self._send)

    @entry
    def _send(self) -> None:
        if self.phase is not Phase.RESTING:
            return
        payer = Payer(self.transfer.job_id, self.transfer.options.owner, self.requests.origin)
        wait = self.pacer.before(payer)
        if wait > 0:
            self.pacer.later(wait, self._send)
            return
        plan = self.ladder.plan
        self.ladder.source = self.sources.name
        origin = self.requests.origin
        self.ladder.unconditional = bool(self.volume.known(origin, Fact.IF_RANGE_IGNORED))
        self.ladder.unplaced = self.requests.unplaced
        try:
            if plan.here:
                self.keeper.resume()
        except (OSError, DestinationInvalid) as error:
            self.fail(self.local_failure(error))
            return
        if plan.satisfied and not plan.complete:
            self._satisfied()
            return
        self.phase = Phase.ASKING
        exchange = self.exchange = Exchange(self, self._url)
        request = self.requests.make(self.ladder.ask().fields())
        exchange.handle = self.volume.launch(exchange, request, payer)
        self.pacer.begin(exchange.handle)

    @entry
    def flush(self, exchange: Exchange, intake: Intake, now: float) -> None:
        """Writes what this turn has brought; outside libcurl."""
        if exchange is not self.exchange or self.phase is not Phase.ASKING:
            return
        try:
            intake.flush()
        except OSError as error:
            exchange.broken = self.local_failure(error)
            if exchange.handle is not None:
                self.fail(exchange.broken)
            return
        if intake.written > self.ladder.window.start:
            self.progressed()
        self.keeper.wrote(intake.written, now)

    def progressed(self) -> None:
        """New bytes are in the file."""
        self._progressed, self._looked_again = True, False

    # The end of a request, outside libcurl.

    @entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        exchange = self.exchange
        assert exchange is not None
        exchange.ended(code)
        self._release_handle(exchange)
        exchange.flush(self.volume.now())
        verdict = exchange.verdict
        if exchange.broken is not None:
            self.fail(exchange.broken)
        elif verdict is None:
            self._curl_failed(code, detail)
        elif isinstance(verdict, Accept):
            self._body_ended(exchange, code, detail)
        else:
            self._act(exchange, verdict)

    def _release_handle(self, exchange: Exchange) -> None:
        handle, exchange.handle = exchange.handle, None
        self.pacer.end()
        if handle is not None:
            accepted = isinstance(exchange.verdict, Accept)
            self.report.ended(self._url, handle, exchange.answer, accepted=accepted)
            self.volume.release(handle)

    def _curl_failed(self, code: int, detail: str) -> None:
        assert self.exchange is not None
        answer, verdict = self.exchange.answer, self.exchange.verdict
        if failures.is_stream_error(code, "" if answer is None else answer.version):
            self._learn(Fact.STREAM_ERRORS)
        if verdict is None and self.requests.another_way(code, self.report.ending):
            self.request()
        else:
            self.fail(self.requests.failure(code, detail, self.report.ending))

    def _learn(self, fact: Fact) -> None:
        self.volume.facts.add(self.requests.origin, fact, self.volume.now())

    def _body_ended(self, exchange: Exchange, code: int, detail: str) -> None:
        intake = exchange.intake
        assert intake is not None
        if intake.whole and exchange.digest is not None and not intake.shortened:
            self.phase = Phase.RESTING
            self.keeper.check(*exchange.digest, partial(self._checked, exchange, intake.position))
        elif intake.whole:
            self._filled(exchange, intake.position)
        elif code == pycurl.E_OK and intake.open_ended:
            self._open_ended(intake.position)
        elif self.crew.busy:
            self.crew.take_over()
        elif code == pycurl.E_OK:
            lacking = exchange.lacking
            fail = failures.range_outside if lacking else failures.closed_early
            self.fail(fail(self.host))
        else:
            self._curl_failed(code, detail)

    @entry
    def _checked(self, exchange: Exchange, position: int, agrees: bool) -> None:  # noqa: FBT001 - a callback
        if self.phase is not Phase.RESTING or exchange is not self.exchange:
            return
        if agrees:
            self._filled(exchange, position)
        else:
            self._differs(Mismatch.ANNOUNCED)

    def _filled(self, exchange: Exchange, position: int) -> None:
        plan = self.ladder.plan
        self.ladder.advance(position)
        # Its offsets mean nothing in the next window.
        exchange.intake = None
        if self.crew.busy:
            self.crew.take_over()
        elif plan.complete and plan.size is not None:
            self.finish(plan.size)
        else:
            # A shorter range than asked for is legal: the rest is asked for.
            self.request()

    def _open_ended(self, size: int) -> None:
        misfit = None if self.exchange is None else self.exchange.misfit(size)
        if misfit is not None:
            self.fail(misfit)
        elif self._expected in {None, size}:
            self.finish(size)
        else:
            self._mirror_differs()

    def _mirror_differs(self) -> None:
        """What a mirror with another file has brought alone is of no use to the others."""
        if self.ladder.origin == self.ladder.source and self.exchange is not None:
            self.exchange.intake = None
            self.ladder.forget()
            self.ladder.plan.size = self._expected
        self.fail(failures.mirror_differs(self.host))

    def _act(self, exchange: Exchange, verdict: Verdict) -> None:
        match verdict:
            case Redirect(location):
                self._redirect(location)
            case Status(status):
                self._status(exchange, status)
            case Unexpected(status):
                self._look_again(failures.unexpected_status(status, self.host))
            case Refuse() | Outside() | Rangeless():
                self.fail(refused(verdict, self.host))
            case Restart():
                self.restart()
            case Descend() if self.ladder.descend(verdict):
                # The whole of a file that has not changed comes after an If-Range alone.
                if exchange.answer is not None and exchange.answer.status == 200:
                    self._learn(Fact.IF_RANGE_IGNORED)
                self.request()
            case Reject(problem) if not self.ladder.reject():
                self.fail(failures.invalid_answer(problem, self.host))
            case Reject():
                self.request()
            case _:
                self.fail(failures.invalid_answer("answers that lead in a circle", self.host))

    def restart(self) -> None:
        """Begins anew: the file is another one."""
        self.crew.dismiss()
        self.break_off()
        if self.sources.is_mirror:
            self._mirror_differs()
            return
        self.ladder.restart()
        if self.ladder.restarts > self.volume.options.restarts:
            self.fail(failures.remote_changed(self.host))
        elif self.slot.lane is None:
            self.start()
        else:
            self.request()

    def _redirect(self, location: str) -> None:
        try:
            self._url = self.requests.follow(location, self._visited)
        except redirects.RedirectRefused as refused:
            self.fail(failures.redirect_refused(str(refused), self.host))
            return
        self._visited.add(self._url)
        self.slot.release()
        self.start()

    def _status(self, exchange: Exchange, status: int) -> None:
        assert exchange.answer is not None
        if self.requests.another_login(status):
            self.request()
            return
        pause = retry_after(exchange.answer, self.volume.wall())
        failure = failures.of_status(status, self.host, pause)
        alive = bool(self.ladder.plan.here) or self._progressed
        if status in failures.SECOND_LOOK and alive:
            self._look_again(failure)
        else:
            self.fail(failure)

    def _look_again(self, failure: Failure) -> None:
        """Asks the original URL once more after a pause; then the failure stands."""
        if self._looked_again or self._once:
            self.fail(failure)
            return
        self._looked_again = True
        self._rest()

    def _rest(self) -> None:
        """Asks the source's own URL after a pause."""
        self.phase = Phase.RESTING
        self.volume.later(self.volume.options.second_look, self.ask_source)

    @entry
    def ask_source(self) -> None:
        """Asks the source in use by its own URL."""
        if self.phase is Phase.RESTING:
            self._url = self.sources.url
            self._visited = {self._url}
            self.slot.release()
            self.start()

    def _other_source(self) -> None:
        """Goes on with the source that is in use now; what is on disk stays."""
        if self.ladder.plan.size is not None:
            self._expected = self.ladder.plan.size
        self.ladder.other_source()
        self._looked_again = self._mismatched = False
        self.phase = Phase.RESTING
        self.ask_source()

    def _leave(self) -> None:
        """Ends what is under way with a source; what came of it counts, where it may."""
        self.crew.dismiss()
        self.break_off()
        if not resumes(self.transfer.options):
            self.ladder.forget()
        self.slot.release()

    def break_off(self) -> None:
        """Ends the request; what it has brought counts."""
        exchange = self.exchange
        if exchange is not None:
            self._release_handle(exchange)
            if exchange.accepted is not None:
                self.ladder.advance(exchange.accepted.written, whole=False)
            exchange.intake = None

    # The end of the transfer.

    def local_failure(self, error: BaseException) -> Failure:
        """The failure that an exception on this side means."""
        return local_failure(error, self.transfer, self.host)

    def broke(self, error: BaseException) -> None:
        """Ends the transfer for a defect of ours, where it can still be ended."""
        if self.phase in {Phase.SETTLING, Phase.ENDED}:
            _log.error("a transfer of job %s failed", self.transfer.job_id, exc_info=error)
        else:
            self.fail(self.local_failure(error))

    def _disk_failed(self, error: BaseException) -> None:
        if self.phase is Phase.SETTLING:
            self._ended(self._terminal.failed(self.local_failure(error)))
        elif self.phase is not Phase.ENDED:
            self.fail(self.local_failure(error))

    def _begin_settling(self) -> None:
        self.phase = Phase.SETTLING
        self.crew.dismiss()
        if self.exchange is not None:
            self._release_handle(self.exchange)
        self.slot.release()
        self.volume.settling += 1

    def fail(self, failure: Failure) -> None:
        """Goes to another source, or ends."""
        self.slot.failed(failure)
        match self.sources.after(failure, self.volume.options.second_look):
            case Next.AGAIN:
                self._leave()
                self._rest()
            case Next.OTHER:
                self._leave()
                self._other_source()
            case Next.END:
                last = self.sources.verdict(failure)
                position = self.position
                self._begin_settling()
                self.keeper.settle(
                    position, None, lambda _: self._ended(self._terminal.failed(last))
                )

    def _satisfied(self) -> None:
        self._begin_settling()
        self.keeper.settle(self.ladder.window.start, None, self._satisfied_and_settled)

    def _satisfied_and_settled(self, settled: Settled) -> None:
        if settled.error is not None:
            self._ended(self._terminal.failed(self.local_failure(settled.error)))
        else:
            self._ended(self._terminal.stopped(satisfied=True))

    @entry
    def stop(self) -> None:
        """Ends the transfer soon; one that is being finished may still finish."""
        self._stopping = True
        if self.phase in {Phase.SETTLING, Phase.ENDED}:
            return
        position = self.position
        self._begin_settling()
        self.keeper.settle(position, None, lambda _: self._ended(self._terminal.stopped()))

    def finish(self, size: int) -> None:
        """Ends with the whole file."""
        self._begin_settling()
        self.keeper.settle(size, size, lambda settled: self._finished(size, settled))

    def _finished(self, size: int, settled: Settled) -> None:
        if settled.error is not None:
            self._ended(self._terminal.failed(self.local_failure(settled.error)))
        elif settled.mismatch is None:
            ladder = self.ladder
            proof = Verification.NONE if ladder.plan.size is None else ladder.proof
            self._ended(self._terminal.finished(size, ladder.validators, proof))
        else:
            self.volume.settling -= 1
            self._differs(settled.mismatch)

    def _differs(self, mismatch: Mismatch) -> None:
        """The digest is another one: everything is fetched anew, once."""
        self.crew.retire()
        self.keeper.drop()
        self.ladder.forget()
        assert self.exchange is not None
        self.exchange.intake = None
        if self._stopping:
            self.phase = Phase.RESTING
            self.stop()
        elif self._mismatched or self._once:
            page = self.exchange.brought_page
            self.fail(mismatched(mismatch, self.host, page=page))
        else:
            self._mismatched = True
            self.phase = Phase.RESTING
            self.ask_source()

    def _attempt(self) -> AttemptReport:
        return self.report.attempt(tell_url=self.requests.tells)

    def _ended(self, event: Finished | Failed | Stopped) -> None:
        self.volume.settling -= 1
        self.phase = Phase.ENDED
        self.volume.ended(self, event)

    # Time.

    @entry
    def tick(self, now: float) -> None:
        """Looks how things are; called a few times per second."""
        self._watch.tick(now)
