"""The outermost layer of every call: identity before, errors after, and only it aborts."""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from bgcopyd.api.statuses import status_of
from bgcopyd.jobs.audit import AUDITED
from bgcopyd.jobs.principal import Principal, Scope
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.authorizer import require_scope
from bgcopyd.queue.change_rate import ChangeRate
from bgcopyd.queue.storage import StoreUnavailable
from bgcopyd.rpc.auditing import PEER, Auditor
from bgcopyd.rpc.identity import Identities, Metadata
from bgcopyd.rpc.pages import Pages

logger = logging.getLogger(__name__)

Request = TypeVar("Request")
Response = TypeVar("Response")
Context = grpc.aio.ServicerContext[Any, Any]
if TYPE_CHECKING:
    # Generic in the stubs only.
    Handler = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Activity:
    """How many calls are open, and when the last one ended; for a daemon that ends when idle."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.open = 0
        self.last = monotonic()

    def begin(self) -> None:
        """A call has come."""
        self.open += 1

    def end(self) -> None:
        """A call has ended."""
        self.open -= 1
        self.last = self._monotonic()


# What makes the handler of one call, out of its metadata.
Method = Callable[[Metadata], Handler]


class Calls:
    """Wraps what the servicer does into methods of grpc.aio."""

    def __init__(
        self, identities: Identities, activity: Activity, auditor: Auditor, rate: ChangeRate
    ) -> None:
        self.identities = identities
        self.activity = activity
        self.auditor = auditor
        self.pages = Pages()
        self._rate = rate
        self._carried: set[asyncio.Task[Any]] = set()

    def unary(
        self,
        rpc: str,
        work: Callable[[Principal, Request], Awaitable[Response]],
        decoder: Callable[[bytes], Request],
        encoder: Callable[[Response], bytes],
        scope: Scope | None,
        *,
        long: bool = False,
    ) -> Method:
        """A method of one request and one response, which may be long."""
        return functools.partial(
            _LongUnary if long else _Unary, self, _Parts(rpc, work, decoder, encoder, scope)
        )

    def stream(
        self,
        rpc: str,
        work: Callable[[Principal, Request], AsyncIterator[bytes]],
        decoder: Callable[[bytes], Request],
        scope: Scope | None,
    ) -> Method:
        """A method of one request and a stream of encoded responses."""
        return functools.partial(_Stream, self, _Parts(rpc, work, decoder, None, scope))

    def to_the_end(
        self, method: Callable[[Principal, Request], Awaitable[Response]]
    ) -> Callable[[Principal, Request], Awaitable[Response]]:
        """A method that goes on when its caller gives up: a change is made whole or not at all.

        A deadline between the change in the store and what follows from it (a run to stop, a
        scheduler to wake) would leave the two at odds.
        """

        async def work(
            caller: Principal, request: Request, answer: asyncio.Future[Response]
        ) -> None:
            try:
                response = await method(caller, request)
            except Exception as error:  # noqa: BLE001 - mapped like every error
                # Judged here: where the caller is gone, nobody else would log a defect.
                refusal = refusal_of(error)
                if not answer.done():
                    answer.set_exception(refusal)
            else:
                if not answer.done():
                    answer.set_result(response)
            finally:
                # Of a task that was ended itself.
                answer.cancel()

        async def carried(caller: Principal, request: Request) -> Response:
            self._rate.judge(caller)
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[Response] = loop.create_future()
            task = loop.create_task(work(caller, request, answer))
            self._carried.add(task)
            task.add_done_callback(self._carried.discard)
            return await answer

        return carried


class Service(grpc.GenericRpcHandler):
    """Finds the method of a call, by `/package.Service/Method`.

    grpc.aio decodes a call's metadata for this look-up, and once more for whoever asks its context
    for them: a handler for each call keeps the first.
    """

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = methods

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """The handler of one call, or None for a method of somebody else."""
        method = self._methods.get(handler_call_details.method)
        return None if method is None else method(handler_call_details.invocation_metadata or ())


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a method is made of; one that answers with a stream has no encoder."""

    rpc: str
    work: Callable[[Principal, Any], Any]
    decoder: Callable[[bytes], Any]
    encoder: Callable[[Any], bytes] | None
    scope: Scope | None


class _Call(Handler):
    """The handler of one call."""

    request_streaming = False
    response_streaming = False

    def __init__(self, calls: Calls, parts: _Parts, metadata: Metadata) -> None:
        self._calls = calls
        self._rpc = parts.rpc
        self._work = parts.work
        self._scope = parts.scope
        self._metadata = metadata
        self._name = ""
        self._begun = False
        self.request_deserializer = parts.decoder
        self.response_serializer = parts.encoder

    async def _caller(self, context: Context) -> Principal:
        caller = await self._calls.identities.of_call(self._metadata, context)
        self._name = caller.id
        if self._scope not in caller.scopes:
            require_scope(caller, self._scope)
        return caller

    async def _refuse(self, context: Context, refusal: Refusal) -> None:
        if not self._begun:
            self._calls.auditor.refused(self._rpc, self._name, context.peer(), refusal)
        await abort(context, refusal)


class _Unary(_Call):
    async def unary_unary(self, request: Any, context: Context) -> Any:  # type: ignore[override] # the stubs know handlers of grpc.Server only
        calls = self._calls
        calls.activity.begin()
        try:
            caller = await self._caller(context)
            if self._rpc in AUDITED:
                # From here on the work itself writes its outcome down.
                self._begun = True
                PEER.set(context.peer())
            return await self._work(caller, request)
        except Exception as error:  # noqa: BLE001 - the one place that maps every error
            refusal = refusal_of(error)
        finally:
            calls.activity.end()
        await self._refuse(context, refusal)
        raise AssertionError


class _LongUnary(_Unary):
    async def _caller(self, context: Context) -> Principal:
        caller = await super()._caller(context)
        await self._calls.pages.turn(caller.id, context)
        return caller


class _Stream(_Call):
    response_streaming = True

    async def unary_stream(self, request: Any, context: Context) -> AsyncIterator[bytes]:  # type: ignore[override] # likewise
        calls = self._calls
        calls.activity.begin()
        try:
            caller = await self._caller(context)
            async for response in self._work(caller, request):
                # The end of a credential is the end of its streams.
                await calls.identities.confirm(caller, self._metadata, context)
                yield response
        except Exception as error:  # noqa: BLE001 - the one place that maps every error
            refusal = refusal_of(error)
        else:
            return
        finally:
            calls.activity.end()
        await self._refuse(context, refusal)


def refusal_of(error: Exception) -> Refusal:
    """What a caller is told of an error; a defect is logged and told by its incident id only."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, StoreUnavailable):
        logger.warning("the store refused a change: %s", error)
        return Refusal(
            Reason.STORE_UNAVAILABLE,
            "the queue could not be written; nothing was changed",
            retry_after=1.0,
        )
    incident = str(uuid.uuid4())
    logger.error("incident %s", incident, exc_info=error)
    return Refusal(
        Reason.INTERNAL,
        f"a defect of the server; incident {incident} in its log",
        metadata={"incident": incident},
    )


async def abort(context: Context, refusal: Refusal) -> None:
    """Ends a call with a status and its details."""
    status = status_of(refusal)
    await context.abort(
        _CODES[status.code],
        status.message,
        (("grpc-status-details-bin", status.SerializeToString()),),
    )
