"""The outermost layer of every call: identity before, errors after, and only it aborts."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc

from bgcopyd.api.statuses import status_of
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.storage import StoreUnavailable
from bgcopyd.rpc.identity import Identities

logger = logging.getLogger(__name__)

Request = TypeVar("Request")
Response = TypeVar("Response")
Context = grpc.aio.ServicerContext[Any, Any]

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


class Calls:
    """Wraps what the servicer does into handlers of grpc.aio."""

    def __init__(self, identities: Identities, activity: Activity) -> None:
        self._identities = identities
        self._activity = activity
        self._carried: set[asyncio.Task[Any]] = set()

    def unary(
        self, method: Callable[[Principal, Request], Awaitable[Response]]
    ) -> Callable[[Request, Context], Awaitable[Response]]:
        """A handler of one request and one response."""

        async def handle(request: Request, context: Context) -> Response:
            self._activity.begin()
            try:
                return await method(await self._principal(context), request)
            except Exception as error:  # noqa: BLE001 - the one place that maps every error
                refusal = refusal_of(error)
            finally:
                self._activity.end()
            await abort(context, refusal)
            raise AssertionError

        return handle

    def to_the_end(
        self, method: Callable[[Principal, Request], Awaitable[Response]]
    ) -> Callable[[Principal, Request], Awaitable[Response]]:
        """A method that goes on when its caller gives up: a change is made whole or not at all.

        A deadline between the change in the store and what follows from it (a run to stop, a
        scheduler to wake) would leave the two at odds.
        """

        async def carried(caller: Principal, request: Request) -> Response:
            async def work() -> Response:
                try:
                    return await method(caller, request)
                except Exception as error:  # noqa: BLE001 - mapped like every error
                    # Judged here: where the caller is gone, nobody else would log a defect.
                    raise refusal_of(error) from None

            task = asyncio.create_task(work())
            self._carried.add(task)
            task.add_done_callback(self._carried.discard)
            return await asyncio.shield(task)

        return carried

    def stream(
        self, method: Callable[[Principal, Request], AsyncIterator[bytes]]
    ) -> Callable[[Request, Context], AsyncIterator[bytes]]:
        """A handler of one request and a stream of encoded responses."""

        async def handle(request: Request, context: Context) -> AsyncIterator[bytes]:
            self._activity.begin()
            try:
                async for response in method(await self._principal(context), request):
                    yield response
            except Exception as error:  # noqa: BLE001 - the one place that maps every error
                refusal = refusal_of(error)
            else:
                return
            finally:
                self._activity.end()
            await abort(context, refusal)

        return handle

    async def _principal(self, context: Context) -> Principal:
        metadata: Any = context.invocation_metadata()
        return await self._identities.of_call(metadata or (), context.peer)


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
