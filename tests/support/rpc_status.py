"""Refused calls, decoded from what was on the wire."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2
from google.rpc.status_pb2 import Status

STATUS_KEY = "grpc-status-details-bin"
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Refused:
    """A call's end: its code and message, and its Status where one was sent."""

    code: grpc.StatusCode
    message: str
    status: Status | None
    trailer_bytes: int

    def detail(self, kind: type[M]) -> M:
        """The only detail of a kind."""
        found = self.details(kind)
        assert len(found) == 1, f"{len(found)} details of {kind.DESCRIPTOR.name} in {self.status}"
        return found[0]

    def details(self, kind: type[M]) -> list[M]:
        """All details of a kind."""
        assert self.status is not None, f"{self.code}: {self.message} has no details"
        found = []
        for packed in self.status.details:
            message = kind()
            if packed.Unpack(message):
                found.append(message)
        return found

    @property
    def info(self) -> details_pb2.ErrorInfo:
        """The reason and what goes with it."""
        return self.detail(details_pb2.ErrorInfo)

    @property
    def reason(self) -> str:
        """The reason's name, empty where the call ended without details."""
        return self.info.reason if self.status is not None else ""

    @property
    def fields(self) -> list[str]:
        """The fields at fault."""
        bad = self.details(details_pb2.BadRequest)
        return [violation.field for one in bad for violation in one.field_violations]


def decode(error: grpc.aio.AioRpcError) -> Refused:
    """The refusal in a call's error."""
    trailers: Any = error.trailing_metadata() or ()
    values = {key: value for key, value in trailers}  # noqa: C416 - Metadata is no mapping
    raw = values.get(STATUS_KEY)
    status = None if raw is None else Status.FromString(raw)
    size = sum(len(key) + len(value) for key, value in values.items())
    if status is not None:
        assert status.code == error.code().value[0]
        assert status.message == error.details()
    return Refused(error.code(), error.details() or "", status, size)


async def refusal(call: Awaitable[Any]) -> Refused:
    """How a call that must be refused ended."""
    try:
        response = await call
    except grpc.aio.AioRpcError as error:
        return decode(error)
    raise AssertionError(f"the call succeeded: {response}")
