"""One upload from the first look at its source to its one terminal event."""

from __future__ import annotations

import dataclasses
import enum
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bgcopyd.jobs.file import Validators
from bgcopyd.jobs.upload import Upload, UploadProtocol
from bgcopyd.queue.transfers import (
    AttemptReport,
    Claimed,
    Connected,
    Failed,
    Finished,
    Noted,
    Received,
    Stopped,
    Transfer,
)
from bgcopyd.transfer import failures
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer, parse_answer, retry_after
from bgcopyd.transfer.network.admission import Lane
from bgcopyd.transfer.network.breakers import Held
from bgcopyd.transfer.network.buckets import Payer
from bgcopyd.transfer.network.facts import Fact
from bgcopyd.transfer.network.pacer import Pacer
from bgcopyd.transfer.network.standing import Standing
from bgcopyd.transfer.report import Report
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.body import Body
from bgcopyd.transfer.uploads.dialect import SENDING
from bgcopyd.transfer.uploads.dialogue import Again, Ask, Dialogue, Done, Go, Note, Speak, Step
from bgcopyd.transfer.uploads.local import Local
from bgcopyd.transfer.uploads.negotiation import dialogue_of
from bgcopyd.transfer.uploads.reply import Reply
from bgcopyd.transfer.wire.dialects import WEB_DIALECTS
from bgcopyd.transfer.wire.handles import Handle
from bgcopyd.transfer.wire.requests import Requests, Unusable

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)
_NOTHING = Validators()
# A short answer is read to its end, which keeps the connection.
_DISCARD = 64 << 10
# How soon a host is looked at again that another transfer is just trying.
_LOOK = 0.1


class Phase(enum.Enum):
    """What an upload is doing."""

    RESTING = enum.auto()
    NOTING = enum.auto()
    WAITING = enum.auto()
    ASKING = enum.auto()
    SETTLING = enum.auto()
    ENDED = enum.auto()


class Uploading:
    """The coordinator of one upload; lives on its volume's thread."""

    def __init__(self, transfer: Transfer, volume: Volume) -> None:
        assert transfer.upload is not None
        http = transfer.options.http
        plain = dataclasses.replace(http, method="")
        options = dataclasses.replace(transfer.options, http=plain)
        self.transfer = transfer
        self.name = (transfer.job_id, transfer.claim_id, transfer.index)
        self.volume = volume
        self._upload: Upload = transfer.upload
        self._dialogue: Dialogue | None = None
        self._requests = Requests(transfer.url, options, volume.options)
        self._report = Report(transfer.url)
        self._phase = Phase.RESTING
        self._known = self._reported = transfer.claimed
        self._sent = 0
        self._local = Local(transfer, volume)
        self._broken: Failure | None = None
        self._slot: Lane | None = None
        self._handle: Handle | None = None
        self._body: Body | None = None
        self._ask: Ask | None = None
        self._asked = 0.0
        self._discarded = 0
        self._again = False
        self._connected = False
        self._agreed: object | None = None
        self._pacer = Pacer(volume, 0)
        self._standing = Standing(transfer.options.owner, volume)

    @property
    def host(self) -> str:
        """What messages call the server."""
        return str(self._requests.origin)

    # The source.

    @entry
    def start(self) -> None:
        """Looks at the source; the first time what it is must be known before a byte is sent."""
        failure = self._local.prepare(self._upload)
        if failure is not None:
            self._fail(failure)
        elif self._upload.source is None:
            self._note(dataclasses.replace(self._upload, source=self._local.source.identity))
        else:
            self._go_on()

    def _speak(self, protocol: UploadProtocol | None) -> Dialogue:
        self._upload = dataclasses.replace(self._upload, protocol=protocol)
        transfer = dataclasses.replace(self.transfer, upload=self._upload)
        return dialogue_of(protocol, transfer, self.volume.options)

    def _note(self, upload: Upload) -> None:
        self._upload = upload
        self._phase = Phase.NOTING
        self.volume.emit(Noted(*self.name, upload))

    @entry
    def proceed(self) -> None:
        """What was Noted is safe."""
        if self._phase is Phase.NOTING:
            self._go_on()

    # Requests.

    def _go_on(self) -> None:
        """Asks for a slot at the host of the next request, unless there is one already."""
        if self._dialogue is None:
            # Only of one request it is certain which answer is the answer.
            replying = UploadProtocol.PLAIN if self._upload.reply else None
            self._dialogue = self._speak(replying or self._upload.protocol)
        self._ask = self._dialogue.ask()
        try:
            origin = self._requests.aim(self._ask.url)
        except Unusable as error:
            self._fail(error.failure)
            return
        if origin.scheme not in WEB_DIALECTS:
            self._fail(failures.not_spoken("upload", origin.scheme))
            return
        options = self.transfer.options
        lane = Lane(origin, options.owner, options.foreground)
        self._phase = Phase.RESTING
        if self._slot == lane:
            self._send()
            return
        self._release_slot()
        self._phase = Phase.WAITING
        self.volume.admission.request(lane, partial(self._granted, lane))

    def _granted(self, lane: Lane) -> bool:
        if self._phase is not Phase.WAITING:
            return False
        self._phase = Phase.RESTING
        held = self._standing.ask(lane.origin)
        if held is not None:
            # Outside of the round of grants, in which it would ask for the next slot.
            self.volume.later(0.0 if held.seconds else _LOOK, partial(self._held, held))
            return False
        self._slot = lane
        self._send()
        return True

    @entry
    def _held(self, held: Held) -> None:
        """The host is left alone; where that is about to be over, so is the wait."""
        if self._phase is not Phase.RESTING:
            return
        if held.seconds:
            self._fail(held.failure)
        else:
            self._go_on()

    def _release_slot(self) -> None:
        lane, self._slot = self._slot, None
        if lane is not None:
            self._standing.left(lane.origin)
            self.volume.admission.release(lane)

    @entry
    def _send(self) -> None:
        ask, source = self._ask, self._local.source
        assert ask is not None
        if self._phase is not Phase.RESTING:
            return
        payer = Payer(self.transfer.job_id, self.transfer.options.owner, self._requests.origin)
        wait = self._pacer.before(payer)
        if wait > 0:
            self._pacer.later(wait, self._send)
            return
        self._phase = Phase.ASKING
        self._discarded = 0
        self._broken = None
        if self._local.reply is not None:
            self._local.reply.forget()
        self._asked = self.volume.now()
        self._body = None
        if ask.start is not None:
            self._body = Body(source, ask.start, payer, self._pacer, self.volume)
        request = self._requests.make(())
        # What a protocol says of its requests stands before what the job says of all of them.
        taken = {_name_of(line) for line in ask.fields}
        own = [line for line in request.fields if _name_of(line) not in taken]
        request = dataclasses.replace(
            request,
            policy=dataclasses.replace(request.policy, dialect=SENDING),
            fields=[*ask.fields, *own],
            method=ask.method,
            content=self._body,
        )
        self._handle = self.volume.launch(self, request, payer)
        self._pacer.begin(self._handle)
        if self._body is not None:
            self._body.handle = self._handle

    # Inside libcurl's callback.

    def on_body(self, data: bytes) -> int | None:
        """Takes a piece of the answer's body; 0 breaks it off."""
        if self._local.reply is not None:
            return self._keep(self._local.reply, data)
        self._discarded += len(data)
        return None if self._discarded <= _DISCARD else 0

    def _keep(self, reply: Reply, data: bytes) -> int | None:
        if self._body is not None:
            self._body.moved = self.volume.now()
        self._broken = self._local.keep(reply, data, self.host)
        return None if self._broken is None else 0

    # The end of a request, outside libcurl.

    @entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        assert self._handle is not None
        answer = _final(self._handle.lines)
        body = self._release_handle(answer)
        if body is not None and body.broken is not None:
            self._fail(body.broken)
        elif self._broken is not None:
            self._fail(self._broken)
        elif self._local.reply is not None and code and answer is not None and answer.status < 300:
            # Half an answer is none.
            self._fail(failures.closed_early(self.host))
        elif answer is not None:
            self._answered(answer, 0 if body is None else body.position)
        else:
            self._curl_failed(code, detail)

    def _release_handle(self, answer: Answer | None = None) -> Body | None:
        handle, self._handle = self._handle, None
        body, self._body = self._body, None
        if body is not None:
            body.look(self.volume.now())
            self._sent += body.sent - self._start_of(body)
            # A server that has taken something is not one that fails before it is asked.
            self._agreed = body if body.sent > self._start_of(body) else None
            body.handle = None
        if handle is not None:
            assert self._ask is not None
            self._pacer.end()
            self._report.ended(self._ask.url, handle, answer, accepted=False)
            self.volume.release(handle)
        return body

    @staticmethod
    def _start_of(body: Body) -> int:
        return body.end - body.length

    def _curl_failed(self, code: int, detail: str) -> None:
        if failures.is_stream_error(code):
            origin = self._requests.origin
            self.volume.facts.add(origin, Fact.STREAM_ERRORS, self.volume.now())
        self._phase = Phase.RESTING
        if self._requests.another_way(code, self._report.ending):
            self._send()
        else:
            self._unanswered(self._requests.failure(code, detail, self._report.ending))

    def _unanswered(self, failure: Failure) -> None:
        assert self._dialogue is not None
        self._release_handle()
        self._take(self._dialogue.broken(failure))

    def _answered(self, answer: Answer, reached: int) -> None:
        assert self._ask is not None
        assert self._dialogue is not None
        self._phase = Phase.RESTING
        self._standing.answered(self._requests.origin, answer.status)
        if self._requests.another_login(answer.status):
            self._send()
        elif 300 <= answer.status < 400 and self._ask.method != "OPTIONS":
            self._fail(upload_failures.redirected(self._ask.method, self.host))
        else:
            step = self._dialogue.answered(answer, self.host, reached)
            self._take(step or self._refused(answer))

    def _refused(self, answer: Answer) -> Failure:
        pause = retry_after(answer, self.volume.wall())
        return upload_failures.of_status(answer.status, self.host, pause)

    def _take(self, step: Step) -> None:
        match step:
            case Note(upload, known):
                self._claim(known)
                self._note(upload)
            case Go(known):
                self._claim(self._known if known is None else known)
                self._go_on()
            case Speak(protocol):
                self._dialogue = self._speak(protocol)
                self._go_on()
            case Again() if not self._again:
                self._again = True
                self._phase = Phase.RESTING
                self.volume.later(self.volume.options.second_look, self._ask_again)
            case Again(failure):
                self._fail(failure)
            case Done():
                self._finish()
            case Failure():
                self._fail(step)

    @entry
    def _ask_again(self) -> None:
        if self._phase is Phase.RESTING:
            self._go_on()

    def _claim(self, known: int) -> None:
        if known != self._known:
            self._known = known
            self.volume.emit(Claimed(*self.name, known, self._size, _NOTHING))

    # The end of the upload.

    @property
    def _size(self) -> int | None:
        known = self._upload.source
        return None if known is None else known.size

    def broke(self, error: BaseException) -> None:
        """Ends the upload for a defect of ours, where it can still be ended."""
        _log.error("an upload of job %s failed", self.transfer.job_id, exc_info=error)
        if self._phase is not Phase.ENDED:
            self._fail(failures.internal("sending"))

    def _finish(self) -> None:
        failure = self._local.changed(at_end=True)
        if failure is not None:
            self._fail(failure)
        elif self._local.reply is None:
            self._finished(None, None)
        else:
            self._phase = Phase.SETTLING
            self.volume.disk(self._local.reply.sync, self._synced)

    def _synced(self, _: None, error: BaseException | None) -> None:
        reply = self._local.reply
        assert reply is not None
        if isinstance(error, OSError):
            self._fail(self._local.unwritable(error))
        elif error is not None:
            self.broke(error)
        else:
            self._upload = dataclasses.replace(self._upload, reply_size=reply.size)
            self._finished(reply.device, reply.inode)

    def _finished(self, device: int | None, inode: int | None) -> None:
        size, attempt = self._local.source.identity.size, self._attempt()
        self._ended(
            Finished(*self.name, size, _NOTHING, None, device, inode, attempt, self._upload)
        )

    def _fail(self, failure: Failure) -> None:
        asked = None if self._ask is None else _Asked(self._handle, self._agreed)
        self._standing.failed(self._requests, asked, self._report.ending, failure)
        self._release_handle()
        error = failure.error(self.transfer.index, self.volume.wall())
        self._ended(
            Failed(
                *self.name,
                error,
                self._known,
                self._size,
                _NOTHING,
                retry_after=failure.retry_after,
                held=failure.held,
                attempt=self._attempt(),
            )
        )

    @entry
    def stop(self) -> None:
        """Ends the upload now."""
        # What waits for its answer to be on disk is about to end.
        if self._phase not in {Phase.SETTLING, Phase.ENDED}:
            self._release_handle()
            attempt = self._attempt()
            self._ended(Stopped(*self.name, self._known, self._size, _NOTHING, attempt=attempt))

    def _attempt(self) -> AttemptReport:
        return dataclasses.replace(self._report.attempt(tell_url=False), received=self._sent)

    def _ended(self, event: Finished | Failed | Stopped) -> None:
        self._phase = Phase.ENDED
        self._release_handle()
        self._release_slot()
        self._local.close()
        self.volume.ended(self, event)

    # Time.

    @entry
    def tick(self, now: float) -> None:
        """Reports progress, notices silence and a source that changes; a few times per second."""
        body, options = self._body, self.volume.options
        if self._phase is not Phase.ASKING:
            return
        if body is None:
            limit = options.connect_timeout + options.header_timeout
            if now - self._asked > limit:
                self._unanswered(failures.timed_out("did not answer", self.host, limit))
            return
        body.look(now)
        self._tell(body)
        failure = self._local.changed()
        if failure is not None:
            self._fail(failure)
        elif body.whole and now - body.moved > options.header_timeout:
            limit = options.header_timeout
            self._unanswered(failures.timed_out("did not answer", self.host, limit))
        elif not body.whole and now - body.moved > options.idle_timeout:
            self._unanswered(upload_failures.took_nothing(self.host, options.idle_timeout))

    def _tell(self, body: Body) -> None:
        if not body.length:
            return
        if body.position and not self._connected:
            self._connected = True
            self.volume.emit(Connected(*self.name, self._size, _NOTHING))
        if body.sent != self._reported:
            self._reported = body.sent
            self.volume.emit(Received(*self.name, self._reported))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that has failed, for those who judge its host."""

    handle: Handle | None
    accepted: object | None


def _final(lines: list[bytes]) -> Answer | None:
    """The final answer, where its header fields have come to their end."""
    answer = parse_answer(lines)
    if answer is None or answer.status < 200 or lines[-1].strip():
        return None
    return answer


def _name_of(line: bytes) -> bytes:
    return line.partition(b":")[0].rstrip(b";").lower()
