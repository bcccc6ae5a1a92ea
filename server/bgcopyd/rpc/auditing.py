"""What calls leave in the audit log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from bgcopyd.jobs.audit import AUDITED, OK, REFUSED
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import REASONS, Code
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.audit import Audit, Fact, NoAudit

Work = Callable[[Principal, Any], Awaitable[Any]]

# Where the call comes from whose work is done; it outlives the call where the work does.
PEER: ContextVar[str] = ContextVar("peer", default="")

_DENIED = frozenset({Code.UNAUTHENTICATED, Code.PERMISSION_DENIED})
# An attacker must not fill the disk: what comes faster is counted.
_REFUSALS_A_SECOND = 50


class Auditor:
    """Writes down what calls that change something did, and who was refused."""

    def __init__(self, audit: Audit, monotonic: Callable[[], float]) -> None:
        self._audit = audit
        self._monotonic = monotonic
        self._second = 0
        self._refusals = 0

    def audited(self, rpc: str, work: Work, refusal_of: Callable[[Exception], Refusal]) -> Work:
        """The work of a call, with its outcome written down however it ends."""
        if isinstance(self._audit, NoAudit):
            return work
        row = AUDITED[rpc]

        async def done(caller: Principal, request: Any) -> Any:
            try:
                response = await work(caller, request)
            except Exception as error:
                refusal = refusal_of(error)
                facts = _facts(row.facts, request=request)
                self._audit.record(row.event, caller.id, PEER.get(), refusal.reason.name, **facts)
                if refusal is error:
                    raise
                raise refusal from None
            facts = _facts(row.facts, request=request, response=response)
            self._audit.record(row.event, caller.id, PEER.get(), OK, **facts)
            return response

        return done

    def refused(self, rpc: str, name: str, peer: str, refusal: Refusal) -> None:
        """Writes down who had no right to a call; nobody's name is empty."""
        if REASONS[refusal.reason].code not in _DENIED:
            return
        second = int(self._monotonic())
        if second != self._second:
            omitted = self._refusals - _REFUSALS_A_SECOND
            if omitted > 0:
                self._audit.record(REFUSED.event, "", "", OK, omitted=omitted)
            self._second, self._refusals = second, 0
        self._refusals += 1
        if self._refusals <= _REFUSALS_A_SECOND:
            self._audit.record(REFUSED.event, name, peer, refusal.reason.name, call=rpc)


def _facts(paths: Any, **messages: Message) -> dict[str, Fact]:
    """The facts that the messages at hand hold."""
    return {
        name: _value(messages[path.partition(".")[0]], path.split(".")[1:])
        for name, path in paths.items()
        if path.partition(".")[0] in messages
    }


def _value(message: Any, path: Iterable[str]) -> Fact:
    *inner, last = path
    for name in inner:
        message = getattr(message, name)
    field = message.DESCRIPTOR.fields_by_name[last]
    value = getattr(message, last)
    if isinstance(value, bool | int | str):
        return _named(field, value)
    return [str(_named(field, one)) for one in value]


def _named(field: FieldDescriptor, value: bool | int | str) -> bool | int | str:  # noqa: FBT001 - a field's value
    """The value, or the name of an enum's."""
    if field.enum_type is None:
        return value
    known = field.enum_type.values_by_number.get(int(value))
    return value if known is None else str(known.name)
