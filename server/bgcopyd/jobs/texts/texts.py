"""The texts of one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bgcopyd.jobs.hresults.http import HTTP_NAME, STATUSES, status_name
from bgcopyd.jobs.reasons import Reason


@dataclass(frozen=True, slots=True)
class Texts:
    """Each says what happened and what to do.

    `language` is a BCP 47 tag. `hresults` goes by the printed name of each row of the table.
    """

    language: str
    reasons: Mapping[Reason, str]
    hresults: Mapping[str, str]


def status_texts(
    known: Mapping[int, str], classes: Mapping[int, str], other: str
) -> dict[str, str]:
    """The texts of all HTTP statuses.

    Args:
        known: the statuses that have a text of their own.
        classes: those of the others, by the first digit, with {status} in it.
        other: that of the code which names no status.
    """
    texts = {HTTP_NAME: other}
    for status in STATUSES:
        text = known.get(status) or classes[status // 100].format(status=status)
        texts[status_name(status)] = text
    return texts
