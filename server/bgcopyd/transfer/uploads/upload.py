"""One upload from the first look at its source to its one terminal event."""

from __future__ import annotations

import dataclasses
import logging
from functools import partial
from typing import TYPE_CHECKING

from bgcopyd.jobs.file import Validators
from bgcopyd.jobs.schemes import scheme_of
from bgcopyd.jobs.upload import Upload, UploadProtocol, web_only
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
from bgcopyd.transfer.judging.headers import Answer, retry_after
from bgcopyd.transfer.network.buckets import Payer
from bgcopyd.transfer.network.facts import Fact
from bgcopyd.transfer.network.pacer import Pacer
from bgcopyd.transfer.network.slots import Slot
from bgcopyd.transfer.phase import Phase
from bgcopyd.transfer.report import Report
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.body import Body
from bgcopyd.transfer.uploads.dialect import sender_of
from bgcopyd.transfer.uploads.dialogue import (
    Again,
    Ask,
    Dialogue,
    Done,
    Go,
    Heard,
    Note,
    Speak,
    Step,
    Weigh,
)
from bgcopyd.transfer.uploads.errand import Errand
from bgcopyd.transfer.uploads.local import Local
from bgcopyd.transfer.uploads.negotiation import dialogue_of
from bgcopyd.transfer.wire.requests import Requests, Unusable

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)
_NOTHING = Validators()


class Uploading:
    """The coordinator of one upload; lives on its volume's thread.

    Attributes:
        exchange: the last request.
        sent: how many bytes of the source the network has taken, over all requests.
    """

    def __init__(self, transfer: Transfer, volume: Volume) -> None:
        assert transfer.upload is not None
        plain = dataclasses.replace(transfer.options.http, method="")
        options = dataclasses.replace(transfer.options, http=plain)
        self.transfer = transfer
        self.name = (transfer.job_id, transfer.claim_id, transfer.index)
        self.volume = volume
        self.phase = Phase.RESTING
        self.requests = Requests(transfer.url, options, volume.options)
        self.report = Report(transfer.url)
        self.local = Local(transfer, volume)
        self.pacer = Pacer(volume, 0)
        self.exchange: Errand | None = None
        self._upload: Upload = transfer.upload
        self._dialogue: Dialogue | None = None
        self._slot = Slot(self)
        self._known = self._reported = transfer.claimed
        self.sent = 0
        self._ask: Ask | None = None
        self._again = False
        self._connected = False

    @property
    def host(self) -> str:
        """What messages call the server."""
        return str(self.requests.origin)

    # The source.

    @entry
    def start(self) -> None:
        """Looks at the source; the first time what it is must be known before a byte is sent."""
        scheme = scheme_of(self.transfer.url)
        names = web_only(scheme, self.transfer.options.http)
        failure = self.local.prepare(self._upload)
        if names:
            self.fail(upload_failures.means_nothing(names, scheme))
        elif failure is not None:
            self.fail(failure)
        elif self._upload.source is None:
            self._note(dataclasses.replace(self._upload, source=self.local.source.identity))
        else:
            self._go_on()

    def _speak(self, protocol: UploadProtocol | None) -> Dialogue:
        self._upload = dataclasses.replace(self._upload, protocol=protocol)
        transfer = dataclasses.replace(self.transfer, upload=self._upload)
        return dialogue_of(protocol, transfer, self.volume.options)

    def _note(self, upload: Upload) -> None:
        self._upload = upload
        self.phase = Phase.NOTING
        self.volume.emit(Noted(*self.name, upload))

    @entry
    def proceed(self) -> None:
        """What was Noted is safe."""
        if self.phase is Phase.NOTING:
            self._go_on()

    # Requests.

    def _go_on(self) -> None:
        """Makes the next request, once all that it says is known."""
        self.phase = Phase.RESTING
        if self._dialogue is None:
            # Only of one request it is certain which answer is the answer.
            replying = UploadProtocol.PLAIN if self._upload.reply else None
            self._dialogue = self._speak(replying or self._upload.protocol)
        failure = self.local.changed()
        wanted = self._dialogue.ask()
        if failure is not None:
            self.fail(failure)
        elif isinstance(wanted, Weigh):
            self.phase = Phase.DIGESTING
            weigher = self.local.source.weigher(wanted.start, wanted.end)
            self.volume.disk(weigher, self._weighed)
        else:
            self._ask = wanted
            self.ask_source()

    @entry
    def _weighed(self, digest: bytes, error: BaseException | None) -> None:
        if self.phase is not Phase.DIGESTING:
            return
        if isinstance(error, OSError):
            self.fail(upload_failures.of_os_error(error, self.transfer.root))
        elif error is not None:
            self.broke(error)
        else:
            assert self._dialogue is not None
            self._dialogue.weighed(digest)
            self._go_on()

    def ask_source(self) -> None:
        """Asks for a slot at the host of the next request, unless there is one already."""
        assert self._ask is not None
        try:
            origin = self.requests.aim(self._ask.url)
        except Unusable as error:
            self.fail(error.failure)
            return
        if sender_of(self.requests.dialect) is None:
            self.fail(upload_failures.not_taken(self.requests.dialect.name))
        elif self._slot.lane == self._slot.lane_to(origin):
            self.request()
        else:
            self._slot.release()
            self.phase = Phase.WAITING
            self._slot.ask(origin)

    def request(self) -> None:
        """Sends the next request, as soon as the limits allow."""
        self.phase = Phase.RESTING
        self._send()

    @entry
    def _send(self) -> None:
        if self.phase is not Phase.RESTING:
            return
        ask, dialect = self._ask, sender_of(self.requests.dialect)
        assert ask is not None
        assert dialect is not None
        payer = Payer(self.transfer.job_id, self.transfer.options.owner, self.requests.origin)
        wait = self.pacer.before(payer)
        if wait > 0:
            self.pacer.later(wait, self._send)
            return
        self.phase = Phase.ASKING
        self.exchange = Errand(self, ask, payer)
        self.exchange.launch(dialect, payer)

    # The end of a request, outside libcurl.

    def _release(self) -> None:
        if self.exchange is not None:
            self.exchange.release()

    def unheard(self, code: int, detail: str) -> None:
        """A request has ended without an answer."""
        if failures.is_stream_error(code):
            origin = self.requests.origin
            self.volume.facts.add(origin, Fact.STREAM_ERRORS, self.volume.now())
        self.phase = Phase.RESTING
        if self.requests.another_way(code, self.report.ending):
            self._send()
        else:
            dialect = sender_of(self.requests.dialect)
            self.unanswered(self.requests.failure(code, detail, self.report.ending, dialect))

    def unanswered(self, failure: Failure) -> None:
        """A request is given up, or has ended with no answer that means something."""
        assert self._dialogue is not None
        self._release()
        self._take(self._dialogue.broken(failure))

    def answered(self, answer: Answer) -> None:
        """A request has been answered."""
        assert self.exchange is not None
        assert self._dialogue is not None
        ask, body = self.exchange.ask, self.exchange.body
        self.phase = Phase.RESTING
        self._slot.answered(answer.status)
        if self.requests.another_login(answer.status):
            self._send()
        elif 300 <= answer.status < 400 and ask.method != "OPTIONS":
            web = self.requests.dialect.web
            self.fail(upload_failures.redirected(ask.method, self.host, web=web))
        else:
            pause = retry_after(answer, self.volume.wall())
            reached = 0 if body is None else body.position
            heard = Heard(answer, self.host, reached, self.exchange.text, pause)
            step = self._dialogue.answered(heard)
            self._take(step or upload_failures.of_status(answer.status, self.host, pause))

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
                self.phase = Phase.RESTING
                self.volume.later(self.volume.options.second_look, self._ask_again)
            case Again(failure):
                self.fail(failure)
            case Done():
                self._finish()
            case Failure():
                self.fail(step)

    @entry
    def _ask_again(self) -> None:
        if self.phase is Phase.RESTING:
            self._go_on()

    def _claim(self, known: int) -> None:
        if known != self._known:
            self._show_connected()
            self._known = known
            self.volume.emit(Claimed(*self.name, known, self._size, _NOTHING))

    def tell(self, body: Body) -> None:
        """Reports how much the network has taken."""
        if not body.length:
            return
        if body.position:
            self._show_connected()
        if body.sent != self._reported:
            self._reported = body.sent
            self.volume.emit(Received(*self.name, self._reported))

    def _show_connected(self) -> None:
        if not self._connected:
            self._connected = True
            self.volume.emit(Connected(*self.name, self._size, _NOTHING))

    # The end of the upload.

    @property
    def _size(self) -> int | None:
        known = self._upload.source
        return None if known is None else known.size

    def broke(self, error: BaseException) -> None:
        """Ends the upload for a defect of ours, where it can still be ended."""
        _log.error("an upload of job %s failed", self.transfer.job_id, exc_info=error)
        if self.phase is not Phase.ENDED:
            self.fail(failures.internal("sending"))

    def _finish(self) -> None:
        failure = self.local.changed(at_end=True)
        if failure is not None:
            self.fail(failure)
        elif self.local.reply is None:
            self._finished(None, None)
        else:
            self.phase = Phase.SETTLING
            self.volume.disk(self.local.reply.sync, self._synced)

    def _synced(self, _: None, error: BaseException | None) -> None:
        reply = self.local.reply
        assert reply is not None
        if isinstance(error, OSError):
            self.fail(self.local.unwritable(error))
        elif error is not None:
            self.broke(error)
        else:
            self._upload = dataclasses.replace(self._upload, reply_size=reply.size)
            self._finished(reply.device, reply.inode)

    def _finished(self, device: int | None, inode: int | None) -> None:
        event = partial(Finished, *self.name, self.local.source.identity.size, _NOTHING, None)
        self._ended(event(device, inode, self._attempt(), self._upload))

    def fail(self, failure: Failure) -> None:
        """Ends the upload with a failure."""
        self._slot.failed(failure)
        self._release()
        self._ended(
            Failed(
                *self.name,
                failure.error(self.transfer.index, self.volume.wall()),
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
        if self.phase not in {Phase.SETTLING, Phase.ENDED}:
            self._release()
            attempt = self._attempt()
            self._ended(Stopped(*self.name, self._known, self._size, _NOTHING, attempt=attempt))

    def _attempt(self) -> AttemptReport:
        return dataclasses.replace(self.report.attempt(tell_url=False), received=self.sent)

    def _ended(self, event: Finished | Failed | Stopped) -> None:
        self.phase = Phase.ENDED
        self._slot.release()
        self.local.close()
        self.volume.ended(self, event)
