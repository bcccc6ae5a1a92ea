"""Judges each address that libcurl is about to connect to, and that of each connection used again.

libcurl has resolved the name by then, so that no spelling, redirect or name server gets around it.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import pycurl

from bgcopyd.jobs.addresses import judge

if TYPE_CHECKING:
    from bgcopyd.transfer.options import EngineOptions
    from bgcopyd.transfer.wire.policy import Policy

_log = logging.getLogger(__name__)
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


class _Lent(socket.socket):
    """One that pycurl makes a copy of."""

    def __del__(self) -> None:
        self.close()


class Gate:
    """What one handle may connect to. An address that it may not is passed over for the next."""

    __slots__ = ("_addresses", "_opened", "_refused")

    def __init__(self, options: EngineOptions) -> None:
        self._addresses = options.addresses
        self._opened = self._refused = False

    @property
    def forbidden(self) -> bool:
        """Whether the last request met forbidden addresses alone."""
        return self._refused and not self._opened

    def guard(self, curl: pycurl.Curl) -> None:
        """From now on nothing is connected without being judged."""
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        curl.setopt(pycurl.PREREQFUNCTION, self._ask)

    def begin(self) -> None:
        """A new request follows."""
        self._opened = self._refused = False

    # Inside libcurl's callbacks.

    def _open(self, _purpose: int, place: Any) -> socket.socket | int:
        if place.family not in _INTERNET or not self._allows(place.addr[0]):
            return int(pycurl.SOCKET_BAD)
        self._opened = True
        try:
            return _Lent(place.family, place.socktype, place.protocol)
        except OSError:
            return int(pycurl.SOCKET_BAD)

    def _ask(self, address: str, _local: str, _port: int, _local_port: int) -> int:
        if self._allows(address):
            return int(pycurl.PREREQFUNC_OK)
        self._opened = False
        return int(pycurl.PREREQFUNC_ABORT)

    def _allows(self, address: str) -> bool:
        what = judge(address, self._addresses)
        if what:
            self._refused = True
            _log.info("no connection is made to %s (%s)", address, what)
        return not what


def judged(policy: Policy, options: EngineOptions) -> bool:
    """Whether it is a job that chose whom requests go to, and not the operator."""
    if policy.proxy:
        return policy.proxy not in options.proxy.proxies
    return not policy.dialect.appointed
