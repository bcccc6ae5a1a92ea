"""Mirrors that a server announces (RFC 6249), which a job may want. What it says is not trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bgcopyd.jobs.http_options import RedirectPolicy
from bgcopyd.transfer.judging import redirects
from bgcopyd.transfer.judging.announced import announced
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.plan import gets
from bgcopyd.transfer.judging.verdict import Accept, Redirect, Verdict

if TYPE_CHECKING:
    from bgcopyd.transfer.downloads.download import Download

# RFC 8288 section 3; possessive, so that nothing is tried twice.
_TARGET = re.compile(r"[ \t,]*+<([^<>]*+)>")
_PARAMETER = re.compile(
    r"[ \t]*+;[ \t]*+([^\s=;,\"<>]++)"
    r"(?:[ \t]*+=[ \t]*+(?:\"((?:[^\"\\]|\\.)*+)\"|([^\s;,\"<>]*+)))?"
)
_END = re.compile(r"[ \t]*+(?:,|$)")
_PRIORITY = re.compile(r"[0-9]{1,6}")
_CHARACTERS = 16 << 10
_LAST = 999_999
MOST = 16


def duplicates(answer: Answer) -> list[str]:
    """The targets of an answer's links to the same file, the best first."""
    text = answer.value("link")
    found = []
    for target, parameters in _links(text) if len(text) <= _CHARACTERS else ():
        relations = parameters.get("rel", "").lower().split()
        if "duplicate" in relations and "anchor" not in parameters and target:
            rank = parameters.get("pri", "")
            found.append((int(rank) if _PRIORITY.fullmatch(rank) else _LAST, target))
    return [target for _, target in sorted(found, key=lambda one: one[0])]


def _links(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Targets and parameters, as far as they are well-formed; of equal ones the first counts."""
    position = 0
    while (link := _TARGET.match(text, position)) is not None:
        position = link.end()
        parameters: dict[str, str] = {}
        while (one := _PARAMETER.match(text, position)) is not None:
            position = one.end()
            value = one[3] or "" if one[2] is None else re.sub(r"\\(.)", r"\1", one[2])
            parameters.setdefault(one[1].lower(), value)
        end = _END.match(text, position)
        if end is None:
            return
        position = end.end()
        yield link[1].strip(), parameters


def heed(owner: Download, url: str, answer: Answer, verdict: Verdict) -> None:
    """Takes the announced mirrors of a file's own source, where the job wants them.

    Only where a digest tells whether their bytes are right: one of the job's, or the one that was
    sent with the links.
    """
    http = owner.transfer.options.http
    wanted = http.announced_mirrors and http.redirect_policy is not RedirectPolicy.DISALLOW
    if not wanted or owner.sources.is_mirror or not isinstance(verdict, Accept | Redirect):
        return
    links = duplicates(answer) if gets(http) else []
    if not owner.keeper.has_proof:
        digest = announced(answer).file if links and owner.ladder.plan.layout.whole else None
        if digest is None or digest.algorithm.weak:
            if url == owner.sources.url:
                # What it said of an earlier version holds no more.
                owner.keeper.require(None)
            return
        owner.keeper.require(digest)
    owner.sources.learn(list(_allowed(owner, url, links))[:MOST])


def _allowed(owner: Download, url: str, links: list[str]) -> Iterator[str]:
    """Those to which a redirect might lead as well."""
    http, options = owner.transfer.options.http, owner.volume.options
    for link in links:
        try:
            yield redirects.follow(
                url, link, set(), options.redirects, https_to_http=http.allow_https_to_http
            )
        except redirects.RedirectRefused:
            continue
