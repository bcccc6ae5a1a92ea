"""One request and what comes in answer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pycurl

from bgcopyd.jobs.file import Digest
from bgcopyd.queue.transfers import Connected
from bgcopyd.transfer import failures
from bgcopyd.transfer.disk.intake import Intake, Taken
from bgcopyd.transfer.disk.sieve import Sieve
from bgcopyd.transfer.downloads.links import heed
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.announced import announced
from bgcopyd.transfer.judging.headers import delimited, encoded, media_type
from bgcopyd.transfer.judging.layout import RangeOutside
from bgcopyd.transfer.judging.verdict import (
    PAGE_TYPES,
    Accept,
    Outside,
    Rangeless,
    Reject,
    Restart,
    judge,
    rangeless,
)
from bgcopyd.transfer.wire import services
from bgcopyd.transfer.wire.receiving import Receiving

if TYPE_CHECKING:
    from bgcopyd.transfer.downloads.download import Download

_DISCARD = 64 << 10
_PAGE_ENDINGS = (".html", ".htm", ".xhtml", "/")


def page_expected(url: str) -> bool:
    """Whether the URL asks for a web page."""
    return urlsplit(url).path.endswith(_PAGE_ENDINGS)


class Exchange(Receiving):
    """Judges an answer when its headers are here, and takes in the body of one that is accepted.

    Attributes:
        url: where the request goes.
        intake: where the body goes, where the answer was accepted.
        digest: what the bytes of a part must have: where they begin, it, and how many.
    """

    def __init__(self, owner: Download, url: str) -> None:
        super().__init__(owner)
        self.url = url
        self.intake: Intake | None = None
        self.digest: tuple[int, Digest, int] | None = None

    @property
    def accepted(self) -> Intake | None:
        """Where the body goes, while nothing speaks against the answer."""
        return self.intake if isinstance(self.verdict, Accept) else None

    @property
    def _encoded(self) -> bool:
        return self.answer is not None and encoded(self.answer)

    @property
    def lacking(self) -> bool:
        """Whether a stream that is at its proper end did not have all that is wanted."""
        return isinstance(self.intake, Sieve) and self.answer is not None and delimited(self.answer)

    @property
    def brought_page(self) -> bool:
        """Whether a web page came that the URL does not ask for."""
        page = self.answer is not None and media_type(self.answer) in PAGE_TYPES
        return page and not page_expected(self.url)

    # Inside libcurl's callback.

    def _decide(self, *, empty: bool) -> None:
        """Judges the answer whose headers have come; makes the file ready where it is accepted."""
        assert self.handle is not None
        self.answer = self.handle.answer(self._owner.volume.wall())
        if self.answer is None:
            self.verdict = Reject("no readable answer")
            return
        self._owner.slot.answered(self.answer.status)
        if self.handle.request is not None:
            services.heed(self._owner.volume, self.handle.request.origin, self.answer)
        ask = self._owner.ladder.ask()
        page = ask.held and page_expected(self.url)
        self.verdict = judge(ask, self.answer, page_expected=page, empty=empty)
        heed(self._owner, self.url, self.answer, self.verdict)
        if isinstance(self.verdict, Accept):
            self._accept(self.verdict)

    def _accept(self, accepted: Accept) -> None:
        owner, ladder = self._owner, self._owner.ladder
        if owner.sources.is_mirror and not ladder.plan.agrees(accepted.size):
            self.verdict = Restart()
            return
        if accepted.stream and not ladder.plan.layout.whole and self._encoded:
            # Parts of what is encoded are no parts of the file.
            self.verdict = Rangeless()
            return
        if not self._fits(accepted):
            self.broken = failures.unexpected_size(owner.host, owner.transfer.expected_size)
            return
        try:
            local = ladder.accept(accepted)
        except RangeOutside:
            self.verdict = Outside()
            return
        limit = owner.transfer.options.max_size
        if ladder.restarts > owner.volume.options.restarts:
            self.broken = failures.remote_changed(owner.host)
        elif limit is not None and (local.size or 0) > limit:
            self.broken = failures.too_large(owner.host, limit)
        else:
            owner.keeper.begin(local)
            self.intake = self._intake_of(local, limit)
            self._heed_digests(local)
            owner.volume.emit(Connected(*owner.name, local.size, local.validators))

    def _fits(self, accepted: Accept) -> bool:
        """Whether the file may have the size that it must have."""
        expected = self._owner.transfer.expected_size
        if expected is None or accepted.size is None:
            return True
        try:
            return self._owner.ladder.plan.layout.local_size(accepted.size) == expected
        except RangeOutside:
            return True

    def misfit(self, size: int) -> Failure | None:
        """What is wrong with the end of a body whose length was not told."""
        expected = self._owner.transfer.expected_size
        if expected in {None, size}:
            return None
        if size < (expected or 0) and self.answer is not None and not delimited(self.answer):
            return failures.closed_early(self._owner.host)
        return failures.unexpected_size(self._owner.host, expected)

    def _heed_digests(self, accepted: Accept) -> None:
        """Takes down what the server says of its own bytes."""
        keeper, whole = self._owner.keeper, self._owner.ladder.plan.layout.whole
        if keeper.has_proof or self.answer is None or isinstance(self.intake, Sieve):
            return
        told = announced(self.answer)
        keeper.announce(told.file if whole else None)
        complete = accepted.end is not None and accepted.start + told.length == accepted.end
        if told.part is not None and complete:
            self.digest = (accepted.start, told.part, told.length)

    def _intake_of(self, accepted: Accept, limit: int | None) -> Intake:
        file, ladder = self._owner.keeper.file, self._owner.ladder
        if accepted.stream and not ladder.plan.layout.whole:
            return Sieve(file, accepted, ladder.plan.layout.pieces, limit)
        expected = self._owner.transfer.expected_size
        most = limit if expected is None else min(expected, limit or expected)
        return Intake(file, accepted, ladder.window.start, most)

    def _take(self, data: bytes) -> int | None:
        intake = self.intake
        if intake is None or self.broken is not None:
            # A short body of no interest is read to its end, which keeps the connection.
            self._discarded += len(data)
            return None if self._discarded <= _DISCARD and self.broken is None else 0
        taken = intake.take(data)
        if taken is not Taken.MORE and not self._goes_on(taken, intake):
            return 0
        if not self._unwritten:
            self._unwritten = True
            self._owner.volume.to_flush.append(self)
        self._owner.pacer.received(len(data))
        return 0 if taken is Taken.FULL else None

    def _goes_on(self, taken: Taken, intake: Intake) -> bool:
        """Whether what has come before the end of an answer is worth keeping."""
        limit = self._owner.transfer.options.max_size
        if taken is Taken.MISMATCH:
            self.verdict = Restart()
        elif intake.limited and limit is not None and intake.position >= limit:
            self.broken = failures.too_large(self._owner.host, limit)
        elif intake.limited:
            expected = self._owner.transfer.expected_size
            self.broken = failures.unexpected_size(self._owner.host, expected)
        return taken is Taken.FULL and self.broken is None

    # Outside of it.

    def ended(self, code: int) -> None:
        """Judges what has ended with a CURLcode before a body came."""
        assert self.handle is not None
        dialect = self.handle.policy.dialect
        if self.verdict is None and (code == pycurl.E_OK or code in dialect.answers):
            self.on_body(b"")
        elif self.verdict is None and dialect.only_whole(self.handle, code):
            self.verdict = rangeless(self._owner.ladder.ask())
        if isinstance(self.verdict, Accept) and dialect.changed(self.handle):
            self.verdict = Restart()

    def flush(self, now: float) -> None:
        """Writes what this turn has brought."""
        self._unwritten = False
        if self.intake is None or self.broken is not None:
            return
        self._owner.flush(self, self.intake, now)

    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        self._owner.on_done(code, detail)

    def tick(self, now: float) -> None:
        """Some time has passed."""
        self._owner.tick(now)
