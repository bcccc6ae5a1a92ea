"""How long a request may take to its answer, and how slow the answer's body may be."""

from __future__ import annotations

from bgcopyd.transfer import failures
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.options import EngineOptions


class Patience:
    """The clocks of one request. Those of the body stand while we pause it ourselves.

    Args:
        now: when the request was sent.
    """

    __slots__ = ("_asked", "_began", "_came", "_moved", "_options", "_position")

    def __init__(self, options: EngineOptions, now: float) -> None:
        self._options = options
        self._asked = now
        self._moved = 0.0
        self._position = -1
        self._began = 0.0
        self._came = 0

    def before_answer(self, now: float, sent_after: float, host: str) -> Failure | None:
        """What is wrong before the answer is here.

        It took `sent_after` seconds until the request could be sent; 0 where it could not yet. The
        connection's own time is kept by libcurl, which knows its steps.
        """
        options = self._options
        limit = options.header_timeout
        if not sent_after:
            limit += options.connect_timeout
        if now - self._asked - sent_after <= limit:
            return None
        return failures.timed_out("did not answer", host, limit)

    def within_body(self, active: float, position: int, host: str) -> Failure | None:
        """What is wrong while the body comes in.

        It has come as far as `position`, and bytes might have come in `active` seconds so far.
        """
        options = self._options
        if self._position < 0:
            self._began, self._came = active, position
        if position != self._position:
            self._moved, self._position = active, position
        elif active - self._moved > options.idle_timeout:
            return failures.timed_out("sent nothing", host, options.idle_timeout)
        if active - self._began < options.low_speed_time:
            return None
        if position - self._came < options.low_speed_limit * options.low_speed_time:
            least = f"sent less than {options.low_speed_limit} bytes per second"
            return failures.timed_out(least, host, options.low_speed_time)
        self._began, self._came = active, position
        return None
