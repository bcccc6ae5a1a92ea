"""Which job a user means: an id, a unique beginning of one, or a unique name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bgcopy import AsyncClient, JobFilter, JobInfo, JobState
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.words import clean, state

_ID = re.compile(r"\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)
_PREFIX = re.compile(r"[0-9a-f][0-9a-f-]{0,35}", re.IGNORECASE)
_SHOWN = 10

_LIVE = tuple(s for s in JobState if not s.final and s is not JobState.UNKNOWN)
_FINISHED = tuple(s for s in JobState if s.final)


async def find_all(client: AsyncClient, words: Sequence[str]) -> list[str]:
    """The ids of the jobs that the words mean, each once, in their order."""
    return list(dict.fromkeys([await find(client, word) for word in words]))


async def find(client: AsyncClient, word: str) -> str:
    """The id of the job that the word means.

    Jobs that live are asked first: finished ones of the same name do not make it ambiguous.

    Raises:
        Failure: no job matches, or several do.
    """
    if _ID.fullmatch(word):
        return word.strip("{}").lower()
    # To a filter an empty name means any.
    for states in (_LIVE, _FINISHED) if word else ():
        matches = await _matches(client, word, states)
        if len(matches) == 1:
            return matches[0].job_id
        if matches:
            raise _ambiguous(word, matches)
    raise Failure(
        Exit.NOT_FOUND,
        f"no job has the name {clean(word)!r} or an id that begins so",
        "`bgcopy ls --all` lists the jobs.",
        "JOB_NOT_FOUND",
    )


async def _matches(client: AsyncClient, word: str, states: tuple[JobState, ...]) -> list[JobInfo]:
    filters = [JobFilter(display_name=word, states=states)]
    if _PREFIX.fullmatch(word):
        filters.append(JobFilter(job_id_prefix=word.lower(), states=states))
    found: dict[str, JobInfo] = {}
    for wanted in filters:
        page = await client.list_jobs(wanted, page_size=_SHOWN + 1)
        found.update((info.job_id, info) for info in page.jobs)
    return list(found.values())


def _ambiguous(word: str, matches: list[JobInfo]) -> Failure:
    lines = [
        f"  {info.job_id}  {state(info):12}  {clean(info.display_name)}"
        for info in matches[:_SHOWN]
    ]
    if len(matches) > _SHOWN:
        lines.append("  and more")
    return Failure(
        Exit.USAGE,
        "\n".join([f"{clean(word)!r} is ambiguous, it can be", *lines]),
        "Give more of the id.",
        "AMBIGUOUS",
        {"matches": [info.job_id for info in matches[:_SHOWN]]},
    )
