"""Handles and connections of one thread, apart for each policy."""

from __future__ import annotations

import pycurl

from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.wire.handles import Handle
from bgcopyd.transfer.wire.policy import Policy

_IDLE_HANDLES = 64


class Pool:
    """What one policy has: handles for the next request, and connections that they share."""

    def __init__(self, options: EngineOptions, policy: Policy) -> None:
        self.busy = 0
        self.idle_since = 0.0
        self._options = options
        self._policy = policy
        self._idle: list[Handle] = []
        # A cache beside the multi handle's own: no other policy finds what is in it.
        self._share = pycurl.CurlShare()
        self._share.share(pycurl.LOCK_DATA_CONNECT, pycurl.LOCK_DATA_SSL_SESSION)

    def take(self) -> Handle:
        """A handle, kept or new."""
        handle = self._idle.pop() if self._idle else None
        if handle is not None and not self.busy:
            handle.leave()
        self.busy += 1
        if handle is not None:
            return handle
        handle = Handle(self._options, self._policy)
        handle.curl.setopt(pycurl.SHARE, self._share)
        return handle

    def give(self, handle: Handle) -> None:
        """Takes a handle back."""
        self.busy -= 1
        handle.sink = None
        # With others at work its connection may be one of theirs by now.
        if not self.busy:
            handle.leave()
        if len(self._idle) < _IDLE_HANDLES:
            self._idle.append(handle)
        else:
            handle.curl.close()

    def close(self) -> None:
        """Closes the idle handles, then the connections."""
        while self._idle:
            self._idle.pop().curl.close()
        self._share.close()


class Connections:
    """The pools of one thread. Those that rest are closed, and with them their secrets forgotten.

    Attributes:
        rest: how long a pool without a request is kept, in seconds.
    """

    rest = 60.0

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._pools: dict[Policy, Pool] = {}

    def take(self, policy: Policy) -> Handle:
        """A handle for a request of this policy."""
        pool = self._pools.get(policy)
        if pool is None:
            pool = self._pools[policy] = Pool(self._options, policy)
        return pool.take()

    def give(self, handle: Handle, now: float) -> None:
        """Takes a handle back that is in no multi any more."""
        pool = self._pools[handle.policy]
        pool.give(handle)
        pool.idle_since = now

    def expire(self, now: float) -> float | None:
        """Closes the pools that have rested; seconds until the next may be closed, None if none."""
        idle = [(pool.idle_since, policy) for policy, pool in self._pools.items() if not pool.busy]
        for since, policy in idle:
            if now - since >= self.rest:
                self._pools.pop(policy).close()
        left = [pool.idle_since for pool in self._pools.values() if not pool.busy]
        return None if not left else max(min(left) + self.rest - now, 0.0)

    def close(self) -> None:
        """Closes everything."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
