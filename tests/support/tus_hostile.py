"""A server of resumable uploads in either protocol that lies where it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bgcopyd.jobs.upload import Upload, UploadProtocol
from tests.support.http_hostile import Request, Wire

TUS = Upload(protocol=UploadProtocol.TUS)
DRAFT = Upload(protocol=UploadProtocol.RESUMABLE)
Lie = Callable[[Request, Wire], None]


@dataclass
class Kept:
    """One upload as the server has it."""

    length: int
    data: bytearray = field(default_factory=bytearray)
    complete: bool = False


class Resuming:
    """Creates, tells and appends.

    Attributes:
        lies: by method, what is done instead of the next honest answers, one after the other.
        takes: how much of a PATCH is read before the connection breaks; None for all of it.
        location: what the answer to a creation says; "" leaves it out.
    """

    def __init__(self, **lies: list[Lie]) -> None:
        self.uploads: dict[str, Kept] = {}
        self.lies = {method.upper(): list(many) for method, many in lies.items()}
        self.takes: int | None = None
        self.location: str | None = None

    def __call__(self, request: Request, wire: Wire) -> None:
        waiting = self.lies.get(request.method)
        if waiting:
            waiting.pop(0)(request, wire)
        else:
            getattr(self, f"_{request.method.lower()}")(request, wire)

    @property
    def only(self) -> Kept:
        """The one upload that there is."""
        [one] = self.uploads.values()
        return one

    def _post(self, request: Request, wire: Wire) -> None:
        wire.take(request)
        path = f"{request.target}/{len(self.uploads)}"
        self.uploads[path] = Kept(int(request.fields["upload-length"]))
        location = path if self.location is None else self.location
        wire.answer(201, b"", **({"Location": location} if location else {}))

    def _head(self, request: Request, wire: Wire) -> None:
        one = self.uploads.get(request.target)
        if one is None:
            wire.head(404)
            return
        fields = {"Upload_Offset": len(one.data), "Upload_Length": one.length}
        if "upload-draft-interop-version" in request.fields:
            fields["Upload_Complete"] = "?1" if one.complete else "?0"  # type: ignore[assignment] # text
        wire.head(204, **fields)

    def _patch(self, request: Request, wire: Wire) -> None:
        one = self.uploads.get(request.target)
        if one is None:
            wire.take(request)
            wire.answer(404, b"")
        elif int(request.fields["upload-offset"]) != len(one.data):
            wire.take(request)
            wire.answer(409, b"")
        else:
            self.append(request, wire, one)

    def append(self, request: Request, wire: Wire, one: Kept) -> None:
        """Takes what it takes."""
        takes, self.takes = self.takes, None
        one.data += wire.take(request, takes)
        if takes is not None:
            wire.reset()
            return
        one.complete = request.fields.get("upload-complete") == "?1"
        wire.answer(204, b"", Upload_Offset=len(one.data))


def status(code: int, **fields: object) -> Lie:
    """An answer of this status, once the request is read."""

    def lie(request: Request, wire: Wire) -> None:
        if request.method == "HEAD":
            wire.head(code, **fields)
        else:
            wire.take(request)
            wire.answer(code, b"", **fields)

    return lie
