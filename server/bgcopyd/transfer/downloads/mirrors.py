"""The mirrors that help with a file: each is believed for what it has in common with the rest.

One that shows the same strong validator and size as what is here helps at once. Any other has to
have the file's size, a strong validator of its own and the bytes that are here already, of which it
is asked for some; and only where a digest proves the file in the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgcopyd.jobs.file import Validators
from bgcopyd.transfer.downloads.segment import Source
from bgcopyd.transfer.downloads.stretches import Work
from bgcopyd.transfer.judging import headers
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.ladder import OVERLAP_BYTES
from bgcopyd.transfer.judging.redirects import RedirectRefused
from bgcopyd.transfer.judging.verdict import Descend, Redirect, Verdict, strong_etag
from bgcopyd.transfer.wire.requests import Requests, Unusable

if TYPE_CHECKING:
    from bgcopyd.transfer.downloads.download import Download

_OTHER_FILE = "it has another file"


def strong(known: Validators) -> bool:
    """Whether they prove equal bytes."""
    return strong_etag(known) or known.last_modified_strong


class Mirrors:
    """Those of one download; on its volume's thread."""

    def __init__(self, owner: Download) -> None:
        self._owner = owner
        self._home: Source | None = None
        self._beside: list[Source] = []
        self._visited: dict[str, set[str]] = {}

    def beside(self, home: Source) -> list[Source]:
        """The mirrors that may help who is asked now; the same ones while the file is the same."""
        before, self._home = self._home, home
        same = before is not None and (before.url, before.validators) == (home.url, home.validators)
        if not same:
            urls = self._owner.sources.others
            made = (self._source(url, home) for url in urls if url != home.url)
            self._beside = [source for source in made if source is not None]
        return self._beside

    def _source(self, url: str, home: Source) -> Source | None:
        owner = self._owner
        requests = Requests(owner.transfer.url, owner.transfer.options, owner.volume.options)
        try:
            origin = requests.aim(url)
        except Unusable:
            return None
        lane = owner.slot.lane_to(origin)
        if not requests.web or (lane != home.lane and owner.slot.left_alone(origin)):
            return None
        return Source(url, requests, lane, home.size, home.validators, foreign=True)

    def sample(self) -> Work | None:
        """Bytes that are in the file, for a mirror to be compared with."""
        here = self._owner.ladder.covering(self._owner.position)
        if not here:
            return None
        start, end = here.longest()
        return Work(max(start, end - OVERLAP_BYTES), end)

    def refused(self, source: Source, verdict: Verdict) -> None:
        """A mirror has not given what it was asked for."""
        other_name = isinstance(verdict, Descend) and not source.compared
        if other_name and self._owner.keeper.has_proof and not source.compares:
            source.compares = True
        elif not (isinstance(verdict, Redirect) and self._follow(source, verdict.location)):
            source.off = True

    def _follow(self, source: Source, location: str) -> bool:
        """Asks elsewhere from now on; one that has brought something stays where it is."""
        visited = self._visited.setdefault(source.url, {source.url})
        try:
            url = source.requests.follow(location, visited)
            origin = source.requests.aim(url)
        except (RedirectRefused, Unusable):
            return False
        visited.add(url)
        source.lane = self._owner.slot.lane_to(origin)
        return source.requests.web and not source.proven

    def agreed(self, source: Source, answer: Answer | None) -> None:
        """A mirror has the bytes that are here: from now on its own validator binds it."""
        source.compares, source.compared = False, True
        source.validators = Validators() if answer is None else headers.validators(answer)
        source.off = not strong(source.validators)

    def contradicted(self, source: Source, answer: Answer | None, *, compared: bool) -> None:
        """A mirror has another file than the rest, or another name for it."""
        source.off = True
        if compared or source.compared or _size(answer) not in {None, source.size}:
            self._owner.sources.drop(source.url, _OTHER_FILE)


def _size(answer: Answer | None) -> int | None:
    """The file's size, where an answer tells it."""
    if answer is None:
        return None
    if answer.status == 200:
        return headers.framed_length(answer)
    found = headers.content_range(answer)
    return headers.unsatisfied_total(answer) if found is None else found.total
