"""One transfer from its first request to its one terminal event."""

from __future__ import annotations

import enum
import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec
from urllib.parse import urlsplit

import pycurl

from bgcopyd.jobs.file import Verification
from bgcopyd.queue.transfers import Connected, Failed, Finished, Received, Stopped, Transfer
from bgcopyd.transfer import failures, redirects
from bgcopyd.transfer.admission import Lane
from bgcopyd.transfer.destination import DestinationInvalid
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.handles import Handle
from bgcopyd.transfer.headers import Answer, media_type, parse_answer, retry_after
from bgcopyd.transfer.intake import Intake, Taken
from bgcopyd.transfer.keeper import Keeper, Settled
from bgcopyd.transfer.ladder import Ladder
from bgcopyd.transfer.pacer import Pacer
from bgcopyd.transfer.partial import CannotNote
from bgcopyd.transfer.verdict import (
    PAGE_TYPES,
    Accept,
    Descend,
    Redirect,
    Refuse,
    Reject,
    Restart,
    Status,
    Unexpected,
    Verdict,
    judge,
)

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)
_DISCARD = 64 << 10
_PAGE_ENDINGS = (".html", ".htm", ".xhtml", "/")


P = ParamSpec("P")


def _entry(
    method: Callable[Concatenate[Download, P], None],
) -> Callable[Concatenate[Download, P], None]:
    """Where the volume calls in: a defect of ours ends this transfer, and no other."""

    @functools.wraps(method)
    def guarded(self: Download, /, *arguments: P.args, **named: P.kwargs) -> None:
        try:
            method(self, *arguments, **named)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.broke(error)

    return guarded


class Phase(enum.Enum):
    """What a download is doing."""

    WAITING = enum.auto()
    ASKING = enum.auto()
    RESTING = enum.auto()
    SETTLING = enum.auto()
    ENDED = enum.auto()


class Download:
    """The coordinator of one transfer; lives on its volume's thread."""

    def __init__(self, transfer: Transfer, volume: Volume) -> None:
        self.transfer = transfer
        self._name = (transfer.job_id, transfer.claim_id, transfer.index)
        self._volume = volume
        self._phase = Phase.WAITING
        self._keeper = Keeper(transfer, volume, self._disk_failed)
        self._ladder = Ladder(transfer.claimed, transfer.size, transfer.validators)
        self._url = transfer.url
        self._visited = {transfer.url}
        self._origin: redirects.Origin | None = None
        self._lane: Lane | None = None
        self._slot = False
        self._handle: Handle | None = None
        self._verdict: Verdict | None = None
        self._answer: Answer | None = None
        self._intake: Intake | None = None
        self._broken: Failure | None = None
        self._stopping = False
        self._pacer = Pacer(transfer.job_id, volume)
        self._unwritten = False
        self._looked_again = False
        self._mismatched = False
        self._progressed = False
        self._discarded = 0
        self._reported = transfer.claimed
        self._asked = self._moved = 0.0

    @property
    def _host(self) -> str:
        return str(self._origin)

    # Requests.

    @_entry
    def start(self) -> None:
        """Asks for a slot at the URL's host."""
        try:
            self._origin = redirects.origin_of(self._url)
        except ValueError as error:
            self._fail(failures.url_refused(str(error)))
            return
        self._phase = Phase.WAITING
        options = self.transfer.options
        self._lane = Lane(self._origin, options.owner, options.foreground)
        self._volume.admission.request(self._lane, self._granted)

    def _granted(self) -> bool:
        if self._phase is not Phase.WAITING:
            return False
        self._slot = True
        self._request()
        return True

    def _release_slot(self) -> None:
        if self._slot and self._lane is not None:
            self._slot = False
            self._volume.admission.release(self._lane)

    def _request(self) -> None:
        """Sends the ladder's next request, once no disk thread works on the file."""
        self._phase = Phase.RESTING
        self._keeper.when_quiet(self._send)

    @_entry
    def _send(self) -> None:
        if self._phase is not Phase.RESTING:
            return
        try:
            if self._ladder.have:
                self._ladder.have = self._keeper.resume(self._ladder.have)
        except (OSError, DestinationInvalid) as error:
            self._fail(self._local(error))
            return
        assert self._origin is not None
        self._phase = Phase.ASKING
        self._verdict = self._answer = self._intake = None
        self._discarded = 0
        self._asked = self._moved = self._volume.now()
        fields = self._ladder.ask().fields()
        self._handle = self._volume.launch(self, self._url, fields, self._origin)
        self._pacer.begin(self._handle)

    # The body, inside libcurl's callback.

    def on_body(self, data: bytes) -> int | None:
        """Takes a piece of an answer's body; 0 breaks the answer off."""
        try:
            if self._verdict is None:
                self._decide(empty=not data)
            return self._take(data)
        except (OSError, DestinationInvalid, CannotNote) as error:
            self._broken = self._local(error)
        except Exception:  # noqa: BLE001 - libcurl could only print it
            _log.exception("a transfer of job %s failed", self.transfer.job_id)
            self._broken = failures.internal("receiving")
        return 0

    def _decide(self, *, empty: bool) -> None:
        """Judges the answer whose headers have come; makes the file ready where it is accepted."""
        assert self._handle is not None
        self._answer = parse_answer(self._handle.lines)
        if self._answer is None:
            self._verdict = Reject("no readable answer")
            return
        ask = self._ladder.ask()
        page = bool(ask.have) and self._page_expected()
        self._verdict = judge(ask, self._answer, page_expected=page, empty=empty)
        if isinstance(self._verdict, Accept):
            self._accept(self._verdict)

    def _page_expected(self) -> bool:
        return urlsplit(self._url).path.endswith(_PAGE_ENDINGS)

    def _accept(self, accepted: Accept) -> None:
        self._ladder.accept(accepted)
        if self._ladder.restarts > self._volume.options.restarts:
            self._broken = failures.remote_changed(self._host)
            return
        self._keeper.begin(accepted, self._ladder.have)
        self._intake = Intake(self._keeper.file, accepted, self._ladder.have)
        self._volume.emit(Connected(*self._name, accepted.size, accepted.validators))

    def _take(self, data: bytes) -> int | None:
        intake = self._intake
        if intake is None or self._broken is not None:
            # A short body of no interest is read to its end, which keeps the connection.
            self._discarded += len(data)
            return None if self._discarded <= _DISCARD and self._broken is None else 0
        taken = intake.take(data)
        if taken is Taken.MISMATCH:
            self._verdict = Restart()
            return 0
        if not self._unwritten:
            self._unwritten = True
            self._volume.to_flush.append(self)
        self._pacer.received(len(data))
        return 0 if taken is Taken.FULL else None

    @_entry
    def flush(self, now: float) -> None:
        """Writes what this turn has brought; outside libcurl."""
        self._unwritten = False
        intake = self._intake
        if intake is None or self._broken is not None or self._phase is not Phase.ASKING:
            return
        self._moved = now
        try:
            intake.flush()
        except OSError as error:
            self._broken = self._local(error)
            if self._handle is not None:
                self._fail(self._broken)
            return
        if intake.written > self._ladder.have:
            self._progressed = True
        self._keeper.wrote(intake.written, now)

    # The end of a request, outside libcurl.

    @_entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        if self._verdict is None and code == pycurl.E_OK:
            self.on_body(b"")
        self._release_handle()
        self.flush(self._volume.now())
        verdict = self._verdict
        if self._broken is not None:
            self._fail(self._broken)
        elif verdict is None:
            self._curl_failed(code, detail)
        elif isinstance(verdict, Accept):
            self._body_ended(code, detail)
        else:
            self._act(verdict)

    def _release_handle(self) -> None:
        handle, self._handle = self._handle, None
        self._pacer.begin(None)
        if handle is not None:
            self._volume.release(handle)

    def _curl_failed(self, code: int, detail: str) -> None:
        assert self._origin is not None
        if failures.is_stream_error(code):
            self._volume.note_stream_error(self._origin)
        self._fail(failures.of_curl(code, detail, self._host))

    def _body_ended(self, code: int, detail: str) -> None:
        intake, ladder = self._intake, self._ladder
        assert intake is not None
        if intake.whole and (ladder.size is None or intake.position < ladder.size):
            # A shorter range than asked for is legal: the rest is asked for.
            ladder.advance(intake.position)
            self._request()
        elif intake.whole or (code == pycurl.E_OK and intake.open_ended):
            self._finish(intake.position)
        elif code == pycurl.E_OK:
            self._fail(failures.closed_early(self._host))
        else:
            self._curl_failed(code, detail)

    def _act(self, verdict: Verdict) -> None:
        match verdict:
            case Redirect(location):
                self._redirect(location)
            case Status(status):
                self._status(status)
            case Unexpected(status):
                self._look_again(failures.unexpected_status(status, self._host))
            case Refuse(page=True):
                self._fail(failures.unexpected_content(self._host, transient=True))
            case Refuse(problem):
                self._fail(failures.invalid_answer(problem, self._host))
            case Restart():
                self._restart()
            case Descend() if self._ladder.descend(verdict):
                self._request()
            case Reject(problem) if not self._ladder.reject():
                self._fail(failures.invalid_answer(problem, self._host))
            case Reject():
                self._request()
            case _:
                self._fail(failures.invalid_answer("answers that lead in a circle", self._host))

    def _restart(self) -> None:
        self._ladder.restart()
        if self._ladder.restarts > self._volume.options.restarts:
            self._fail(failures.remote_changed(self._host))
        else:
            self._request()

    def _redirect(self, location: str) -> None:
        try:
            self._url = redirects.follow(
                self._url, location, self._visited, self._volume.options.redirects
            )
        except redirects.RedirectRefused as refused:
            self._fail(failures.redirect_refused(str(refused), self._host))
            return
        self._visited.add(self._url)
        self._release_slot()
        self.start()

    def _status(self, status: int) -> None:
        assert self._answer is not None
        pause = retry_after(self._answer, self._volume.wall())
        failure = failures.of_status(status, self._host, pause)
        alive = self._ladder.have > 0 or self._progressed
        if status in failures.SECOND_LOOK and alive:
            self._look_again(failure)
        else:
            self._fail(failure)

    def _look_again(self, failure: Failure) -> None:
        """Asks the original URL once more after a pause; then the failure stands."""
        if self._looked_again:
            self._fail(failure)
            return
        self._looked_again = True
        self._phase = Phase.RESTING
        self._volume.later(self._volume.options.second_look, self._ask_original)

    @_entry
    def _ask_original(self) -> None:
        if self._phase is Phase.RESTING:
            self._url = self.transfer.url
            self._visited = {self._url}
            self._release_slot()
            self.start()

    # The end of the transfer.

    def _local(self, error: BaseException) -> Failure:
        if isinstance(error, CannotNote):
            return failures.begin_anew(self._host)
        if isinstance(error, DestinationInvalid):
            return failures.destination_invalid(str(error), self.transfer.root)
        if isinstance(error, OSError):
            return failures.of_os_error(error, self.transfer.root)
        _log.error("a transfer of job %s failed", self.transfer.job_id, exc_info=error)
        return failures.internal("writing")

    def broke(self, error: BaseException) -> None:
        """Ends the transfer for a defect of ours, where it can still be ended."""
        if self._phase in {Phase.SETTLING, Phase.ENDED}:
            _log.error("a transfer of job %s failed", self.transfer.job_id, exc_info=error)
        else:
            self._fail(self._local(error))

    def _disk_failed(self, error: BaseException) -> None:
        if self._phase is Phase.SETTLING:
            self._ended(self._failed(self._local(error)))
        elif self._phase is not Phase.ENDED:
            self._fail(self._local(error))

    def _position(self) -> int | None:
        """How far the content on disk goes, where that is more than is claimed."""
        position = self._ladder.have
        if self._intake is not None and isinstance(self._verdict, Accept):
            position = max(position, self._intake.written)
        return position if position > self._keeper.kept.claimed else None

    def _begin_settling(self) -> None:
        self._phase = Phase.SETTLING
        if self._handle is not None:
            self._release_handle()
        self._release_slot()
        self._volume.settling += 1

    def _fail(self, failure: Failure) -> None:
        position = self._position()
        self._begin_settling()
        self._keeper.settle(position, None, lambda _: self._ended(self._failed(failure)))

    @_entry
    def stop(self) -> None:
        """Ends the transfer soon; one that is being finished may still finish."""
        self._stopping = True
        if self._phase in {Phase.SETTLING, Phase.ENDED}:
            return
        position = self._position()
        self._begin_settling()
        self._keeper.settle(position, None, lambda _: self._ended(self._stopped()))

    def _finish(self, size: int) -> None:
        self._begin_settling()
        self._keeper.settle(size, size, lambda settled: self._finished(size, settled))

    def _finished(self, size: int, settled: Settled) -> None:
        if settled.error is not None:
            self._ended(self._failed(self._local(settled.error)))
        elif settled.agreed:
            file, ladder = self._keeper.identity, self._ladder
            proof = self._proof()
            self._ended(Finished(*self._name, size, ladder.validators, proof, *file))
        else:
            self._differs()

    def _proof(self) -> Verification:
        if self._keeper.has_digests:
            return Verification.DIGEST
        return Verification.NONE if self._ladder.size is None else self._ladder.proof

    def _differs(self) -> None:
        """The digest is another one: everything is fetched anew, once."""
        self._volume.settling -= 1
        self._keeper.drop()
        self._ladder.forget()
        self._intake = None
        if self._stopping:
            self._phase = Phase.RESTING
            self.stop()
        elif self._mismatched:
            self._fail(self._mismatch())
        else:
            self._mismatched = True
            self._url = self.transfer.url
            self._visited = {self._url}
            self.start()

    def _mismatch(self) -> Failure:
        assert self._answer is not None
        page = media_type(self._answer) in PAGE_TYPES
        if page and not self._page_expected():
            return failures.unexpected_content(self._host, transient=False)
        return failures.digest_mismatch(self._host)

    def _failed(self, failure: Failure) -> Failed:
        error = failure.error(self.transfer.index, self._volume.wall())
        return Failed(
            *self._name,
            error,
            *self._keeper.kept,
            retry_after=failure.retry_after,
        )

    def _stopped(self) -> Stopped:
        return Stopped(*self._name, *self._keeper.kept)

    def _ended(self, event: Finished | Failed | Stopped) -> None:
        self._volume.settling -= 1
        self._phase = Phase.ENDED
        self._volume.ended(self, event)

    # Time.

    @_entry
    def tick(self, now: float) -> None:
        """Reports progress and notices silence; called a few times per second."""
        if self._phase is not Phase.ASKING:
            return
        options = self._volume.options
        if self._intake is None:
            limit = options.connect_timeout + options.header_timeout
            if now - self._asked > limit:
                self._fail(failures.timed_out("did not answer", self._host, limit))
            return
        # What came before a silence is claimed although nothing follows it.
        self._keeper.wrote(self._intake.written, now)
        if self._intake.position != self._reported:
            self._reported = self._intake.position
            self._volume.emit(Received(*self._name, self._reported))
        moved = max(self._moved, self._pacer.resumed)
        if not self._pacer.paused and now - moved > options.idle_timeout:
            failure = failures.timed_out("sent nothing", self._host, options.idle_timeout)
            self._fail(failure)
