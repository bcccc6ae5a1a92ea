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
from bgcopyd.transfer.crew import Crew
from bgcopyd.transfer.destination import DestinationInvalid
from bgcopyd.transfer.ending import Terminal, local_failure, refused
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.exchange import Exchange
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.headers import retry_after
from bgcopyd.transfer.intake import Intake
from bgcopyd.transfer.keeper import Keeper, Settled
from bgcopyd.transfer.ladder import Ladder
from bgcopyd.transfer.pacer import Pacer
from bgcopyd.transfer.phase import Phase
from bgcopyd.transfer.plan import Plan, resumes
from bgcopyd.transfer.report import Report
from bgcopyd.transfer.requests import Requests, Unusable
from bgcopyd.transfer.sources import Next, Sources
from bgcopyd.transfer.verdict import (
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


class Download:
    """The coordinator of one transfer; lives on its volume's thread."""

    def __init__(self, transfer: Transfer, volume: Volume) -> None:
        self.transfer = transfer
        self.name = (transfer.job_id, transfer.claim_id, transfer.index)
        self.volume = volume
        self.sources = Sources(transfer)
        self.ladder = Ladder(Plan.of(transfer), transfer.validators)
        self.keeper = Keeper(transfer, self.ladder, volume, self._disk_failed)
        self.pacer = Pacer(transfer.job_id, volume)
        self.requests = Requests(transfer.url, transfer.options, volume.options)
        self.report = Report(transfer.url)
        self._terminal = Terminal(transfer, self.keeper, volume, self._attempt)
        self.crew = Crew(self)
        self._phase = Phase.WAITING
        self._url = transfer.url
        self._visited = {transfer.url}
        self.slot: Lane | None = None
        self._exchange: Exchange | None = None
        self._stopping = False
        self._looked_again = False
        self._mismatched = False
        self._progressed = False
        self._reported = self.ladder.plan.count
        self._ticked = 0.0
        self._expected: int | None = None

    @property
    def host(self) -> str:
        """What messages call the server."""
        return str(self.requests.origin)

    @property
    def lead(self) -> Exchange | None:
        """The request of this download itself, while its answer's body comes in."""
        exchange = self._exchange
        return None if exchange is None or exchange.accepted is None else exchange

    # Requests.

    @entry
    def start(self) -> None:
        """Asks for a slot at the URL's host."""
        try:
            origin = self.requests.aim(self._url)
        except Unusable as error:
            self.fail(error.failure)
            return
        self._phase = Phase.WAITING
        options = self.transfer.options
        lane = Lane(origin, options.owner, options.foreground)
        self.volume.admission.request(lane, partial(self._granted, lane))

    def _granted(self, lane: Lane) -> bool:
        if self._phase is not Phase.WAITING:
            return False
        self.slot = lane
        self._request()
        return True

    def _release_slot(self) -> None:
        lane, self.slot = self.slot, None
        if lane is not None:
            self.volume.admission.release(lane)

    def _request(self) -> None:
        """Sends the ladder's next request, once no disk thread works on the file."""
        self._phase = Phase.RESTING
        self.keeper.when_quiet(self._send)

    @entry
    def _send(self) -> None:
        if self._phase is not Phase.RESTING:
            return
        plan = self.ladder.plan
        self.ladder.source = self.sources.name
        try:
            if plan.here:
                self.keeper.resume()
        except (OSError, DestinationInvalid) as error:
            self.fail(self.local_failure(error))
            return
        if plan.satisfied and not plan.complete:
            self._satisfied()
            return
        self._phase = Phase.ASKING
        exchange = self._exchange = Exchange(self, self._url)
        request = self.requests.make(self.ladder.ask().fields())
        exchange.handle = self.volume.launch(exchange, request, self.transfer.job_id)
        self.pacer.begin(exchange.handle)

    @entry
    def flush(self, exchange: Exchange, intake: Intake, now: float) -> None:
        """Writes what this turn has brought; outside libcurl."""
        if exchange is not self._exchange or self._phase is not Phase.ASKING:
            return
        exchange.moved = now
        try:
            intake.flush()
        except OSError as error:
            exchange.broken = self.local_failure(error)
            if exchange.handle is not None:
                self.fail(exchange.broken)
            return
        if intake.written > self.ladder.window.start:
            self.helped(now)

    # The end of a request, outside libcurl.

    @entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        exchange = self._exchange
        assert exchange is not None
        if exchange.verdict is None and code == pycurl.E_OK:
            exchange.on_body(b"")
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
        self.pacer.begin(None)
        if handle is not None:
            accepted = isinstance(exchange.verdict, Accept)
            self.report.ended(self._url, handle, exchange.answer, accepted=accepted)
            self.volume.release(handle)

    def _curl_failed(self, code: int, detail: str) -> None:
        if failures.is_stream_error(code):
            self.volume.note_stream_error(self.requests.origin)
        verdict = None if self._exchange is None else self._exchange.verdict
        if verdict is None and self.requests.another_way(code, self.report.ending):
            self._request()
        else:
            self.fail(self.requests.failure(code, detail, self.report.ending))

    def _body_ended(self, exchange: Exchange, code: int, detail: str) -> None:
        intake, plan = exchange.intake, self.ladder.plan
        assert intake is not None
        if intake.whole:
            self.ladder.advance(intake.position)
            # Its offsets mean nothing in the next window.
            exchange.intake = None
            if self.crew.busy:
                self.share()
            elif plan.complete and plan.size is not None:
                self.finish(plan.size)
            else:
                # A shorter range than asked for is legal: the rest is asked for.
                self._request()
        elif code == pycurl.E_OK and intake.open_ended:
            self._open_ended(intake.position)
        elif self.crew.busy:
            self.share()
        elif code == pycurl.E_OK:
            lacking = exchange.lacking
            fail = failures.range_outside if lacking else failures.closed_early
            self.fail(fail(self.host))
        else:
            self._curl_failed(code, detail)

    def _open_ended(self, size: int) -> None:
        if self._expected in {None, size}:
            self.finish(size)
        else:
            self._mirror_differs()

    def _mirror_differs(self) -> None:
        """What a mirror with another file has brought alone is of no use to the others."""
        if self.ladder.origin == self.ladder.source and self._exchange is not None:
            self._exchange.intake = None
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
                self._restart()
            case Descend() if self.ladder.descend(verdict):
                self._request()
            case Reject(problem) if not self.ladder.reject():
                self.fail(failures.invalid_answer(problem, self.host))
            case Reject():
                self._request()
            case _:
                self.fail(failures.invalid_answer("answers that lead in a circle", self.host))

    def _restart(self) -> None:
        self.crew.dismiss()
        if self.sources.is_mirror:
            self._mirror_differs()
            return
        self.ladder.restart()
        if self.ladder.restarts > self.volume.options.restarts:
            self.fail(failures.remote_changed(self.host))
        elif self.slot is None:
            self.start()
        else:
            self._request()

    def _redirect(self, location: str) -> None:
        try:
            self._url = self.requests.follow(location, self._visited)
        except redirects.RedirectRefused as refused:
            self.fail(failures.redirect_refused(str(refused), self.host))
            return
        self._visited.add(self._url)
        self._release_slot()
        self.start()

    def _status(self, exchange: Exchange, status: int) -> None:
        assert exchange.answer is not None
        if self.requests.another_login(status):
            self._request()
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
        if self._looked_again:
            self.fail(failure)
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
        self.crew.dismiss()
        self._break_off()
        if not resumes(self.transfer.options):
            self.ladder.forget()
        self._release_slot()

    def _break_off(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            self._release_handle(exchange)
            if exchange.accepted is not None:
                self.ladder.advance(exchange.accepted.written, whole=False)
            exchange.intake = None

    # With helpers.

    def helped(self, now: float) -> None:
        """Bytes have been written."""
        self._progressed = True
        self.keeper.wrote(self._position(), now)

    @property
    def shared(self) -> bool:
        """Whether all that is missing is left to the helpers."""
        return self._phase is Phase.SHARED

    def share(self) -> None:
        """Leaves what is missing to the helpers; whatever this request itself has met is over."""
        self._break_off()
        self._release_slot()
        self._phase = Phase.SHARED
        self.crew.carry_on()

    def changed(self) -> None:
        """A helper has met another version of the file than what is here."""
        self.crew.dismiss()
        self._break_off()
        self._restart()

    # The end of the transfer.

    def local_failure(self, error: BaseException) -> Failure:
        """The failure that an exception on this side means."""
        return local_failure(error, self.transfer, self.host)

    def broke(self, error: BaseException) -> None:
        """Ends the transfer for a defect of ours, where it can still be ended."""
        if self._phase in {Phase.SETTLING, Phase.ENDED}:
            _log.error("a transfer of job %s failed", self.transfer.job_id, exc_info=error)
        else:
            self.fail(self.local_failure(error))

    def _disk_failed(self, error: BaseException) -> None:
        if self._phase is Phase.SETTLING:
            self._ended(self._terminal.failed(self.local_failure(error)))
        elif self._phase is not Phase.ENDED:
            self.fail(self.local_failure(error))

    def _position(self) -> int:
        """How far the window is filled."""
        exchange = self._exchange
        accepted = None if exchange is None else exchange.accepted
        return self.ladder.window.start if accepted is None else accepted.written

    def _begin_settling(self) -> None:
        self._phase = Phase.SETTLING
        self.crew.dismiss()
        if self._exchange is not None:
            self._release_handle(self._exchange)
        self._release_slot()
        self.volume.settling += 1

    def fail(self, failure: Failure) -> None:
        """Goes to another source, or ends."""
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

    def finish(self, size: int) -> None:
        """Ends with the whole file."""
        self._begin_settling()
        self.keeper.settle(size, size, lambda settled: self._finished(size, settled))

    def _finished(self, size: int, settled: Settled) -> None:
        if settled.error is not None:
            self._ended(self._terminal.failed(self.local_failure(settled.error)))
        elif settled.agreed:
            ladder = self.ladder
            proof = Verification.NONE if ladder.plan.size is None else ladder.proof
            self._ended(self._terminal.finished(size, ladder.validators, proof))
        else:
            self._differs()

    def _differs(self) -> None:
        """The digest is another one: everything is fetched anew, once."""
        self.volume.settling -= 1
        self.keeper.drop()
        self.ladder.forget()
        assert self._exchange is not None
        self._exchange.intake = None
        if self._stopping:
            self._phase = Phase.RESTING
            self.stop()
        elif self._mismatched:
            page = self._exchange.brought_page
            self.fail(failures.digest_mismatch(self.host, page=page))
        else:
            self._mismatched = True
            self._phase = Phase.RESTING
            self._ask_source()

    def _attempt(self) -> AttemptReport:
        return self.report.attempt(tell_url=self.requests.tells)

    def _ended(self, event: Finished | Failed | Stopped) -> None:
        self.volume.settling -= 1
        self._phase = Phase.ENDED
        self.volume.ended(self, event)

    # Time.

    @entry
    def tick(self, now: float) -> None:
        """Reports progress and notices silence; called a few times per second."""
        exchange, options = self._exchange, self.volume.options
        if self._phase not in {Phase.ASKING, Phase.SHARED} or now == self._ticked:
            return
        if self._phase is Phase.ASKING and exchange is not None and exchange.intake is None:
            limit = options.connect_timeout + options.header_timeout
            if now - exchange.asked > limit:
                self.fail(failures.timed_out("did not answer", self.host, limit))
            return
        self._ticked = now
        # What came before a silence is claimed although nothing follows it.
        self.keeper.wrote(self._position(), now)
        arrived = self.crew.arrived
        if arrived != self._reported:
            self._reported = arrived
            self.volume.emit(Received(*self.name, self._reported))
        if self.lead is None or not self.crew.stalled(self.lead, self.pacer, now):
            self.crew.tick(now)
        elif self.crew.busy:
            self.share()
        else:
            self.fail(failures.timed_out("sent nothing", self.host, options.idle_timeout))
