"""Errors in words (GetErrorDescription, IBackgroundCopyError::GetErrorContextDescription)."""

from __future__ import annotations

from dataclasses import dataclass

from bgcopyd.jobs.hresults.table import by_name, find
from bgcopyd.jobs.reasons import Reason, hresult_of
from bgcopyd.jobs.texts.texts import Texts

# BG_ERROR_CONTEXT by number; each context's text is a message with a code of its own.
CONTEXTS = (
    "BG_S_ERROR_CONTEXT_NONE",
    "BG_E_ERROR_CONTEXT_UNKNOWN",
    "BG_E_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER",
    "BG_E_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION",
    "BG_E_ERROR_CONTEXT_LOCAL_FILE",
    "BG_E_ERROR_CONTEXT_REMOTE_FILE",
    "BG_E_ERROR_CONTEXT_GENERAL_TRANSPORT",
    "BG_E_ERROR_CONTEXT_REMOTE_APPLICATION",
    "BG_E_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK",
)


@dataclass(frozen=True, slots=True)
class Description:
    """What an error means and what to do, with its code."""

    text: str
    hresult: int
    hresult_name: str


def of_reason(number: int, texts: Texts) -> Description | None:
    """The description of a reason; None for a number that is none."""
    try:
        reason = Reason(number)
    except ValueError:
        return None
    return Description(texts.reasons[reason], *hresult_of(reason))


def of_hresult(text: str, texts: Texts) -> Description | None:
    """The description of an HRESULT by code or name; None where the table does not have it."""
    row = find(text)
    if row is None:
        return None
    return Description(texts.hresults[row.name], row.code, row.name)


def of_context(number: int, texts: Texts) -> Description | None:
    """The description of an ErrorContext by number; None for a number that is none."""
    if not 0 <= number < len(CONTEXTS):
        return None
    name = CONTEXTS[number]
    return Description(texts.hresults[name], by_name(name).code, name)
