"""Describes reasons and HRESULTs (IBackgroundCopyManager::GetErrorDescription)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.jobs.reasons import REASONS, Reason, ReasonSpec, hresult_of
from bgcopyd.jobs.refusal import Refusal, invalid

LANGUAGE = "en"
_HTTP_ERROR = 0x80190000
_HEX = re.compile(r"0[xX]([0-9a-fA-F]{1,8})")
_HTTP_NAME = re.compile(r"BG_E_HTTP_ERROR_([1-5][0-9]{2})")


@dataclass(frozen=True, slots=True)
class _Described:
    text: str
    hresult: int
    name: str


def describe(request: pb.GetErrorDescriptionRequest) -> pb.GetErrorDescriptionResponse:
    """The description of an error, in English.

    Raises:
        Refusal: INVALID_REQUEST, DESCRIPTION_NOT_FOUND.
    """
    chosen = request.WhichOneof("error")
    if chosen is None:
        raise invalid("error", "is missing; send an hresult or a reason")
    found = (
        _by_reason(request.reason) if chosen == "reason" else _by_hresult(request.hresult.strip())
    )
    if found is None:
        raise Refusal(Reason.DESCRIPTION_NOT_FOUND, "nothing describes this code")
    return pb.GetErrorDescriptionResponse(
        description=found.text,
        language_code=LANGUAGE,
        hresult=f"0x{found.hresult:08X}",
        hresult_name=found.name,
    )


def _by_reason(number: int) -> _Described | None:
    try:
        reason = Reason(number)
    except ValueError:
        return None
    hresult, name = hresult_of(reason)
    return _Described(REASONS[reason].description, hresult, name)


def _by_hresult(text: str) -> _Described | None:
    number = _HEX.fullmatch(text)
    if number is not None:
        code = int(number[1], 16)
        return _http(code) or _first(lambda spec: spec.hresult == code)
    named = _HTTP_NAME.fullmatch(text.upper())
    if named is not None:
        return _http(_HTTP_ERROR | int(named[1]))
    wanted = text.upper()
    return _first(lambda spec: wanted in {spec.hresult_name, spec.header_name} - {""})


def _http(code: int) -> _Described | None:
    status = code & 0xFFFF
    if code & 0xFFFF0000 != _HTTP_ERROR or not 100 <= status <= 599:
        return None
    return _Described(
        f"The server answered with the HTTP status {status}.", code, f"BG_E_HTTP_ERROR_{status}"
    )


def _first(wanted: Callable[[ReasonSpec], bool]) -> _Described | None:

    for spec in REASONS.values():
        if wanted(spec):
            return _of(spec)
    return None


def _of(spec: ReasonSpec) -> _Described:
    return _Described(spec.description, spec.hresult, spec.hresult_name)
