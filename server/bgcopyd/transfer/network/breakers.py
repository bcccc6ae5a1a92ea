"""Hosts that are left alone for a while: after failures in a row, or because they asked for it."""

from __future__ import annotations

import enum
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.redirects import Origin

_KEPT = 4096


class Blame(enum.Enum):
    """Whose transfers a failure says something about: everybody's, or those of one owner.

    Who cannot connect speaks for all. A server that does not answer, or with an error, may mean one
    URL of many, and what one owner asks for must not keep the others from their files.
    """

    EVERYBODY = enum.auto()
    OWNER = enum.auto()


def blame(failure: Failure, *, connected: bool, proxied: bool) -> Blame | None:
    """What a failure before the file's first byte says of its host; None for nothing."""
    match failure.reason:
        case Reason.NAME_NOT_RESOLVED | Reason.CONNECT_FAILED:
            unreachable = True
        case Reason.TIMEOUT:
            unreachable = not connected
        case Reason.CONNECTION_CLOSED:
            unreachable = False
        case Reason.HTTP_STATUS if (failure.http_status or 0) >= 500:
            unreachable = False
        case _:
            return None
    # A proxy is the owner's choice, and whether the host is there is known by its word alone.
    return Blame.EVERYBODY if unreachable and not proxied else Blame.OWNER


class Visitor(Protocol):
    """A transfer that goes to hosts."""

    @property
    def owner(self) -> str:
        """Whose it is."""


@dataclass(frozen=True, slots=True)
class Held:
    """Why a host is left alone, and for how long; 0 while one transfer looks how it is."""

    seconds: float
    failure: Failure


@dataclass(slots=True)
class _Circuit:
    """Failures in a row, and until when nothing is asked. `asked` by the host itself to wait."""

    failure: Failure
    changed: float
    failures: int = 0
    pause: float = 0.0
    until: float | None = None
    asked: bool = False
    prober: Visitor | None = None


_Key = tuple[Origin, str | None]


class Breakers:
    """The circuits of all hosts, for each owner and for all of them. Used from all engine threads.

    After `failures` in a row a host is left alone for `pause` seconds. Then one transfer is let
    through: if it fails the pause doubles, up to `longest`; otherwise all go on. Who asks for more
    than `longest_asked` seconds is asked again after those.
    """

    def __init__(self, failures: int, pause: float, longest: float, longest_asked: float) -> None:
        self._failures = failures
        self._pause = pause
        self._longest = longest
        self._longest_asked = longest_asked
        self._lock = threading.Lock()
        self._circuits: dict[_Key, _Circuit] = {}

    def ask(self, origin: Origin, who: Visitor, now: float) -> Held | None:
        """Whether a transfer may go to a host; None if so, and it tells how that went."""
        if not self._circuits:
            return None
        with self._lock:
            found = [circuit for _, circuit in self._of(origin, who) if circuit.until is not None]
            held = [
                Held(wait, circuit.failure)
                for circuit in found
                if (wait := _wait(circuit, who, now)) is not None
            ]
            if not held:
                for circuit in found:
                    circuit.prober = who
        return max(held, key=lambda one: one.seconds, default=None)

    def _of(self, origin: Origin, who: Visitor) -> Iterator[tuple[_Key, _Circuit]]:
        for key in ((origin, None), (origin, who.owner)):
            circuit = self._circuits.get(key)
            if circuit is not None:
                yield key, circuit

    def answered(self, origin: Origin, who: Visitor) -> None:
        """The host has answered as it should."""
        if not self._circuits:
            return
        with self._lock:
            for key, circuit in list(self._of(origin, who)):
                # Who was asked to wait is not let off by answers to what was sent before.
                if not circuit.asked or circuit.prober is who:
                    del self._circuits[key]

    def failed(
        self, origin: Origin, who: Visitor, failure: Failure, whose: Blame, now: float
    ) -> None:
        """The host has failed once more."""
        with self._lock:
            owner = who.owner if whose is Blame.OWNER else None
            circuit = self._circuit((origin, owner), failure, now)
            was_open = circuit.until is not None
            if was_open and circuit.prober is not who:
                return  # sent before it was opened
            circuit.failures += 1
            circuit.prober = None
            if circuit.failures >= self._failures or was_open:
                circuit.pause = min(2 * circuit.pause or self._pause, self._longest)
                circuit.until, circuit.asked = now + circuit.pause, False
                times = f"{circuit.failures} times in a row" if circuit.failures > 1 else "again"
                message = f"{failure.message} It failed {times}: all transfers from it wait."
                circuit.failure = replace(failure, message=message)

    def asked_to_wait(
        self, origin: Origin, who: Visitor, failure: Failure, seconds: float, now: float
    ) -> None:
        """The host does not want to be asked for so many seconds."""
        with self._lock:
            circuit = self._circuit((origin, who.owner), failure, now)
            circuit.until = max(circuit.until or 0.0, now + min(seconds, self._longest_asked))
            circuit.asked, circuit.prober = True, None
            message = f"{failure.message} All transfers from it wait, as it asked."
            circuit.failure = replace(failure, message=message)

    def look_again(self, owner: str, now: float) -> None:
        """Lets one of an owner's transfers look at once at each host that is left alone."""
        with self._lock:
            for (_, whose), circuit in self._circuits.items():
                if whose in {None, owner} and circuit.until is not None:
                    circuit.until = min(circuit.until, now)

    def left(self, origin: Origin, who: Visitor) -> None:
        """A transfer is through with the host; another may look how it is."""
        if not self._circuits:
            return
        with self._lock:
            for _, circuit in self._of(origin, who):
                if circuit.prober is who:
                    circuit.prober = None

    def _circuit(self, key: _Key, failure: Failure, now: float) -> _Circuit:
        """The circuit, at the end of those that are kept; an old one is as good as none."""
        circuit = self._circuits.pop(key, None)
        if circuit is None or now - max(circuit.changed, circuit.until or 0.0) > self._longest:
            circuit = _Circuit(failure, now)
        circuit.changed = now
        self._circuits[key] = circuit
        if len(self._circuits) > _KEPT:
            del self._circuits[next(iter(self._circuits))]
        return circuit


def _wait(circuit: _Circuit, who: Visitor, now: float) -> float | None:
    """How long a transfer has to wait for an open circuit; None if it may try."""
    assert circuit.until is not None
    if circuit.until > now:
        return circuit.until - now
    return None if circuit.prober in {None, who} else 0.0
