"""GetErrorDescription: which error is asked for, and in which language."""

from __future__ import annotations

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.jobs.descriptions import Description, of_context, of_hresult, of_reason
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal, invalid
from bgcopyd.jobs.texts.languages import texts_for
from bgcopyd.jobs.texts.texts import Texts


def describe(request: pb.GetErrorDescriptionRequest) -> pb.GetErrorDescriptionResponse:
    """The description of an error, in the wanted language or in English.

    Raises:
        Refusal: INVALID_REQUEST, DESCRIPTION_NOT_FOUND.
    """
    texts = texts_for(request.language_code)
    found = _described(request, texts)
    if found is None:
        raise Refusal(
            Reason.DESCRIPTION_NOT_FOUND,
            "nothing describes this; send an HRESULT as 0x80D02003, its name, or a known reason",
        )
    return pb.GetErrorDescriptionResponse(
        description=found.text,
        language_code=texts.language,
        hresult=f"0x{found.hresult:08X}",
        hresult_name=found.hresult_name,
    )


def _described(request: pb.GetErrorDescriptionRequest, texts: Texts) -> Description | None:
    match request.WhichOneof("error"):
        case "hresult":
            return of_hresult(request.hresult, texts)
        case "reason":
            return of_reason(request.reason, texts)
        case "context":
            return of_context(request.context, texts)
        case _:
            raise invalid("error", "is missing; send an hresult, a reason or a context")
