"""One request of an upload, and what comes in answer to it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bgcopyd.transfer import failures
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.network.buckets import Payer
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.body import Body, Words
from bgcopyd.transfer.uploads.dialect import told
from bgcopyd.transfer.uploads.dialogue import Ask
from bgcopyd.transfer.wire.dialects import Dialect
from bgcopyd.transfer.wire.handles import Handle

if TYPE_CHECKING:
    from bgcopyd.transfer.uploads.upload import Uploading

# A short answer is read to its end, which keeps the connection.
_DISCARD = 64 << 10


class Errand:
    """Carries a request out, and notices where nothing moves any more.

    Attributes:
        ask: the request.
        handle: what libcurl works on; None once it has ended.
        body: the part of the source that it carries, where it does.
        text: what was wanted of the answer's body.
        answer: the final answer, once the request has ended.
        broken: why it was broken off, where that was ours.
    """

    def __init__(self, owner: Uploading, ask: Ask, payer: Payer) -> None:
        self.ask = ask
        self.handle: Handle | None = None
        self.body: Body | None = None
        self.text = b""
        self.answer: Answer | None = None
        self.broken: Failure | None = None
        self._owner = owner
        self._heard = owner.volume.now()
        self._discarded = 0
        if ask.start is not None:
            source, volume = owner.local.source, owner.volume
            part = range(ask.start, source.identity.size if ask.end is None else ask.end)
            self.body = Body(source, part, payer, owner.pacer, volume)
        if owner.local.reply is not None:
            owner.local.reply.forget()

    @property
    def accepted(self) -> Body | None:
        """A server that has taken something is not one that fails before it is asked."""
        body = self.body
        return None if body is None or body.sent == body.start else body

    def launch(self, dialect: Dialect, payer: Payer) -> None:
        """Sends it."""
        owner, ask = self._owner, self.ask
        request = owner.requests.make(())
        # What a protocol says of its requests stands before what the job says of all of them.
        taken = {_name_of(line) for line in ask.fields}
        own = [line for line in request.fields if _name_of(line) not in taken]
        request = dataclasses.replace(
            request,
            policy=dataclasses.replace(request.policy, dialect=dialect),
            fields=[*ask.fields, *own],
            method=ask.method,
            content=self.body if ask.text is None else Words(ask.text),
        )
        self.handle = owner.volume.launch(self, request, payer)
        owner.pacer.begin(self.handle)
        if self.body is not None:
            self.body.handle = self.handle

    def broke(self, error: BaseException) -> None:
        """Ends the upload for a defect of ours."""
        self._owner.broke(error)

    # Inside libcurl's callback.

    def on_body(self, data: bytes) -> int | None:
        """Takes a piece of the answer's body; 0 breaks it off."""
        owner, self._heard = self._owner, self._owner.volume.now()
        if self.body is not None:
            self.body.moved = self._heard
        if owner.local.reply is not None:
            self.broken = owner.local.keep(owner.local.reply, data, owner.host)
        elif self.ask.hears:
            self._hear(data)
        else:
            self._discarded += len(data)
            return None if self._discarded <= _DISCARD else 0
        return None if self.broken is None else 0

    def _hear(self, data: bytes) -> None:
        self.text += data
        if len(self.text) > self.ask.hears:
            self.broken = upload_failures.invalid_answer("more than it can mean", self._owner.host)

    # The end, outside libcurl.

    @entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        assert self.handle is not None
        self.answer = told(self.handle, code)
        self.release()
        broken = self.broken if self.body is None else self.body.broken or self.broken
        owner, answer = self._owner, self.answer
        kept = owner.local.reply is not None or self.ask.hears
        if broken is not None:
            owner.fail(broken)
        elif kept and code and answer is not None and answer.status < 300:
            # Half an answer is none.
            owner.unanswered(failures.closed_early(owner.host))
        elif answer is not None:
            owner.answered(answer)
        else:
            owner.unheard(code, detail)

    def release(self) -> None:
        """Takes the request back, where it has not ended yet."""
        handle, self.handle = self.handle, None
        if handle is None:
            return
        owner = self._owner
        if self.body is not None:
            self.body.look(owner.volume.now())
            self.body.handle = None
            owner.sent += self.body.sent - self.body.start
        owner.pacer.end()
        owner.report.ended(self.ask.url, handle, self.answer, accepted=False)
        owner.volume.release(handle)

    # Time.

    @entry
    def tick(self, now: float) -> None:
        """Notices silence and a source that changes; a few times per second."""
        owner, body, options = self._owner, self.body, self._owner.volume.options
        if body is None:
            limit = options.connect_timeout + options.header_timeout
            if now - self._heard > limit:
                owner.unanswered(failures.timed_out("did not answer", owner.host, limit))
            return
        body.look(now)
        owner.tell(body)
        failure = owner.local.changed()
        if failure is not None:
            owner.fail(failure)
        elif body.whole and now - body.moved > options.header_timeout:
            limit = options.header_timeout
            owner.unanswered(failures.timed_out("did not answer", owner.host, limit))
        elif not body.whole and now - body.moved > options.idle_timeout:
            owner.unanswered(upload_failures.took_nothing(owner.host, options.idle_timeout))


def _name_of(line: bytes) -> bytes:
    return line.partition(b":")[0].rstrip(b";").lower()
