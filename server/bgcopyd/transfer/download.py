"""One transfer from its first request to its one terminal event."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.jobs.file import Verification
from bgcopyd.queue.transfers import AttemptReport, Failed, Finished, Received, Stopped, Transfer
from bgcopyd.transfer import failures, redirects
from bgcopyd.transfer.admission import Lane
from bgcopyd.transfer.breakers import Held
from bgcopyd.transfer.buckets import Payer
from bgcopyd.transfer.destination import DestinationInvalid
from bgcopyd.transfer.ending import Terminal, local_failure, refused
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.exchange import Exchange, page_expected
from bgcopyd.transfer.facts import Fact
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.hashing import Mismatch
from bgcopyd.transfer.headers import media_type, retry_after
from bgcopyd.transfer.intake import Intake
from bgcopyd.transfer.keeper import Keeper, Settled
from bgcopyd.transfer.ladder import Ladder
from bgcopyd.transfer.pacer import Pacer
from bgcopyd.transfer.phase import Phase
from bgcopyd.transfer.plan import Plan, gets, resumes
from bgcopyd.transfer.report import Report
from bgcopyd.transfer.requests import Requests, Unusable
from bgcopyd.transfer.sources import Next, Sources
from bgcopyd.transfer.standing import Standing
from bgcopyd.transfer.verdict import (
    PAGE_TYPES,
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

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)
# How often is looked whether a host that was left alone is back.
_LOOK = 0.5


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
        self._standing = Standing(transfer.options.owner, volume)
        self._requests = Requests(transfer.url, transfer.options, volume.options)
        self._report = Report(transfer.url)
        self._terminal = Terminal(transfer, self.keeper, volume, self._attempt)
        self._phase = Phase.WAITING
        self._url = transfer.url
        self._visited = {transfer.url}
        self._slot: Lane | None = None
        self._exchange: Exchange | None = None
        self._stopping = False
        # What may have changed something is not repeated unasked.
        self._once = not gets(transfer.options.http)
        self._looked_again = False
        self._mismatched = False
        self._progressed = False
        self._reported = self.ladder.plan.count
        self._expected: int | None = None

    @property
    def host(self) -> str:
        """What messages call the server."""
        return str(self._requests.origin)

    # Requests.

    @entry
    def start(self) -> None:
        """Asks for a slot at the URL's host."""
        try:
            origin = self._requests.aim(self._url)
        except Unusable as error:
            self._fail(error.failure)
            return
        self._phase = Phase.WAITING
        options = self.transfer.options
        lane = Lane(origin, options.owner, options.foreground)
        self.volume.admission.request(lane, partial(self._granted, lane))

    def _granted(self, lane: Lane) -> bool:
        if self._phase is not Phase.WAITING:
            return False
        held = self._standing.ask(lane.origin)
        if held is not None:
            self._phase = Phase.RESTING
            # Outside of the round of grants, in which it would ask for the next slot.
            self.volume.later(0.0 if held.seconds else _LOOK, partial(self._held, held))
            return False
        self._slot = lane
        self._request()
        return True

    @entry
    def _held(self, held: Held) -> None:
        """The host is left alone; where that is about to be over, so is the wait."""
        if self._phase is not Phase.RESTING:
            return
        if held.seconds:
            self._fail(held.failure)
        else:
            self._ask_source()

    def answered(self, status: int) -> None:
        """The host has answered; inside libcurl's callback."""
        self._standing.answered(self._requests.origin, status)

    def _release_slot(self) -> None:
        lane, self._slot = self._slot, None
        if lane is not None:
            self._standing.left(lane.origin)
            self.volume.admission.release(lane)

    def _request(self) -> None:
        """Sends the ladder's next request, once no disk thread works on the file."""
        self._phase = Phase.RESTING
        self.keeper.when_quiet(self._send)

    @entry
    def _send(self) -> None:
        if self._phase is not Phase.RESTING:
            return
        payer = Payer(self.transfer.job_id, self.transfer.options.owner, self._requests.origin)
        wait = self.pacer.before(payer)
        if wait > 0:
            self.pacer.later(wait, self._send)
            return
        plan = self.ladder.plan
        self.ladder.source = self.sources.name
        origin = self._requests.origin
        self.ladder.unconditional = bool(self.volume.known(origin, Fact.IF_RANGE_IGNORED))
        self.ladder.unplaced = self._requests.unplaced
        try:
            if plan.here:
                self.keeper.resume()
        except (OSError, DestinationInvalid) as error:
            self._fail(self.local_failure(error))
            return
        if plan.satisfied and not plan.complete:
            self._satisfied()
            return
        self._phase = Phase.ASKING
        exchange = self._exchange = Exchange(self, self._url)
        request = self._requests.make(self.ladder.ask().fields())
        exchange.handle = self.volume.launch(exchange, request, payer)
        self.pacer.begin(exchange.handle)

    @entry
    def flush(self, exchange: Exchange, intake: Intake, now: float) -> None:
        """Writes what this turn has brought; outside libcurl."""
        if exchange is not self._exchange or self._phase is not Phase.ASKING:
            return
        try:
            intake.flush()
        except OSError as error:
            exchange.broken = self.local_failure(error)
            if exchange.handle is not None:
                self._fail(exchange.broken)
            return
        if intake.written > self.ladder.window.start:
            self._progressed, self._looked_again = True, False
        self.keeper.wrote(intake.written, now)

    # The end of a request, outside libcurl.

    @entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        exchange = self._exchange
        assert exchange is not None
        exchange.ended(code)
        self._release_handle(exchange)
        exchange.flush(self.volume.now())
        verdict = exchange.verdict
        if exchange.broken is not None:
            self._fail(exchange.broken)
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
            self._report.ended(self._url, handle, exchange.answer, accepted=accepted)
            self.volume.release(handle)

    def _curl_failed(self, code: int, detail: str) -> None:
        assert self._exchange is not None
        answer, verdict = self._exchange.answer, self._exchange.verdict
        if failures.is_stream_error(code, "" if answer is None else answer.version):
            self._learn(Fact.STREAM_ERRORS)
        if verdict is None and self._requests.another_way(code, self._report.ending):
            self._request()
        else:
            self._fail(self._requests.failure(code, detail, self._report.ending))

    def _learn(self, fact: Fact) -> None:
        self.volume.facts.add(self._requests.origin, fact, self.volume.now())

    def _body_ended(self, exchange: Exchange, code: int, detail: str) -> None:
        intake = exchange.intake
        assert intake is not None
        if intake.whole and exchange.digest is not None:
            self._phase = Phase.RESTING
            self.keeper.check(*exchange.digest, partial(self._checked, exchange, intake.position))
        elif intake.whole:
            self._filled(exchange, intake.position)
        elif code == pycurl.E_OK and intake.open_ended:
            self._open_ended(intake.position)
        elif code == pycurl.E_OK:
            lacking = exchange.lacking
            fail = failures.range_outside if lacking else failures.closed_early
            self._fail(fail(self.host))
        else:
            self._curl_failed(code, detail)

    @entry
    def _checked(self, exchange: Exchange, position: int, agrees: bool) -> None:  # noqa: FBT001 - a callback
        if self._phase is not Phase.RESTING or exchange is not self._exchange:
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
        if plan.complete and plan.size is not None:
            self._finish(plan.size)
        else:
            # A shorter range than asked for is legal: the rest is asked for.
            self._request()

    def _open_ended(self, size: int) -> None:
        misfit = None if self._exchange is None else self._exchange.misfit(size)
        if misfit is not None:
            self._fail(misfit)
        elif self._expected in {None, size}:
            self._finish(size)
        else:
            self._mirror_differs()

    def _mirror_differs(self) -> None:
        """What a mirror with another file has brought alone is of no use to the others."""
        if self.ladder.origin == self.ladder.source and self._exchange is not None:
            self._exchange.intake = None
            self.ladder.forget()
            self.ladder.plan.size = self._expected
        self._fail(failures.mirror_differs(self.host))

    def _act(self, exchange: Exchange, verdict: Verdict) -> None:
        match verdict:
            case Redirect(location):
                self._redirect(location)
            case Status(status):
                self._status(exchange, status)
            case Unexpected(status):
                self._look_again(failures.unexpected_status(status, self.host))
            case Refuse() | Outside() | Rangeless():
                self._fail(refused(verdict, self.host))
            case Restart():
                self._restart()
            case Descend() if self.ladder.descend(verdict):
                # The whole of a file that has not changed comes after an If-Range alone.
                if exchange.answer is not None and exchange.answer.status == 200:
                    self._learn(Fact.IF_RANGE_IGNORED)
                self._request()
            case Reject(problem) if not self.ladder.reject():
                self._fail(failures.invalid_answer(problem, self.host))
            case Reject():
                self._request()
            case _:
                self._fail(failures.invalid_answer("answers that lead in a circle", self.host))

    def _restart(self) -> None:
        if self.sources.is_mirror:
            self._mirror_differs()
            return
        self.ladder.restart()
        if self.ladder.restarts > self.volume.options.restarts:
            self._fail(failures.remote_changed(self.host))
        else:
            self._request()

    def _redirect(self, location: str) -> None:
        try:
            self._url = self._requests.follow(location, self._visited)
        except redirects.RedirectRefused as refused:
            self._fail(failures.redirect_refused(str(refused), self.host))
            return
        self._visited.add(self._url)
        self._release_slot()
        self.start()

    def _status(self, exchange: Exchange, status: int) -> None:
        assert exchange.answer is not None
        if self._requests.another_login(status):
            self._request()
            return
        pause = retry_after(exchange.answer, self.volume.wall())
        failure = failures.of_status(status, self.host, pause)
        alive = bool(self.ladder.plan.here) or self._progressed
        if status in failures.SECOND_LOOK and alive:
            self._look_again(failure)
        else:
            self._fail(failure)

    def _look_again(self, failure: Failure) -> None:
        """Asks the original URL once more after a pause; then the failure stands."""
        if self._looked_again or self._once:
            self._fail(failure)
            return
        self._looked_again = True
        self._rest()

    def _rest(self) -> None:
        """Asks the source's own URL after a pause."""
        self._phase = Phase.RESTING
        self.volume.later(self.volume.options.second_look, self._ask_source)

    @entry
    def _ask_source(self) -> None:
        if self._phase is Phase.RESTING:
            self._url = self.sources.url
            self._visited = {self._url}
            self._release_slot()
            self.start()

    def _other_source(self) -> None:
        """Goes on with the source that is in use now; what is on disk stays."""
        if self.ladder.plan.size is not None:
            self._expected = self.ladder.plan.size
        self.ladder.other_source()
        self._looked_again = self._mismatched = False
        self._phase = Phase.RESTING
        self._ask_source()

    def _leave(self) -> None:
        """Ends what is under way with a source; what came of it counts, where it may."""
        exchange = self._exchange
        if exchange is not None:
            self._release_handle(exchange)
            if exchange.accepted is not None:
                self.ladder.advance(exchange.accepted.written, whole=False)
            exchange.intake = None
        if not resumes(self.transfer.options):
            self.ladder.forget()
        self._release_slot()

    # The end of the transfer.

    def local_failure(self, error: BaseException) -> Failure:
        """The failure that an exception on this side means."""
        return local_failure(error, self.transfer, self.host)

    def broke(self, error: BaseException) -> None:
        """Ends the transfer for a defect of ours, where it can still be ended."""
        if self._phase in {Phase.SETTLING, Phase.ENDED}:
            _log.error("a transfer of job %s failed", self.transfer.job_id, exc_info=error)
        else:
            self._fail(self.local_failure(error))

    def _disk_failed(self, error: BaseException) -> None:
        if self._phase is Phase.SETTLING:
            self._ended(self._terminal.failed(self.local_failure(error)))
        elif self._phase is not Phase.ENDED:
            self._fail(self.local_failure(error))

    def _position(self) -> int:
        """How far the window is filled."""
        exchange = self._exchange
        accepted = None if exchange is None else exchange.accepted
        return self.ladder.window.start if accepted is None else accepted.written

    def _begin_settling(self) -> None:
        self._phase = Phase.SETTLING
        if self._exchange is not None:
            self._release_handle(self._exchange)
        self._release_slot()
        self.volume.settling += 1

    def _fail(self, failure: Failure) -> None:
        self._standing.failed(self._requests, self._exchange, self._report.ending, failure)
        match self.sources.after(failure, self.volume.options.second_look):
            case Next.AGAIN:
                self._leave()
                self._rest()
            case Next.OTHER:
                self._leave()
                self._other_source()
            case Next.END:
                last = self.sources.verdict(failure)
                position = self._position()
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
        if self._phase in {Phase.SETTLING, Phase.ENDED}:
            return
        position = self._position()
        self._begin_settling()
        self.keeper.settle(position, None, lambda _: self._ended(self._terminal.stopped()))

    def _finish(self, size: int) -> None:
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
        self.keeper.drop()
        self.ladder.forget()
        assert self._exchange is not None
        self._exchange.intake = None
        if self._stopping:
            self._phase = Phase.RESTING
            self.stop()
        elif self._mismatched or self._once:
            self._fail(self._mismatch(mismatch))
        else:
            self._mismatched = True
            self._phase = Phase.RESTING
            self._ask_source()

    def _mismatch(self, mismatch: Mismatch) -> Failure:
        if mismatch is Mismatch.ANNOUNCED:
            return failures.announced_digest_mismatch(self.host)
        assert self._exchange is not None
        assert self._exchange.answer is not None
        page = media_type(self._exchange.answer) in PAGE_TYPES
        if page and not page_expected(self._url):
            return failures.unexpected_content(self.host, transient=False)
        return failures.digest_mismatch(self.host)

    def _attempt(self) -> AttemptReport:
        return self._report.attempt(tell_url=self._requests.tells)

    def _ended(self, event: Finished | Failed | Stopped) -> None:
        self.volume.settling -= 1
        self._phase = Phase.ENDED
        self.volume.ended(self, event)

    # Time.

    @entry
    def tick(self, now: float) -> None:
        """Reports progress and notices silence; called a few times per second."""
        exchange = self._exchange
        if self._phase is not Phase.ASKING or exchange is None or exchange.handle is None:
            return
        if exchange.intake is None:
            sent_after = exchange.handle.sent_after()
            late = exchange.patience.before_answer(now, sent_after, self.host)
            if late is not None:
                self._fail(late)
            return
        # What came before a silence is claimed although nothing follows it.
        self.keeper.wrote(exchange.intake.written, now)
        arrived = self.ladder.arrived(exchange.intake.position)
        if arrived != self._reported:
            self._reported = arrived
            self.volume.emit(Received(*self.name, self._reported))
        active = now - self.pacer.rested(now)
        late = exchange.patience.within_body(active, exchange.intake.position, self.host)
        if late is not None:
            self._fail(late)
