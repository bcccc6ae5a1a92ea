"""libcurl's multi interface on epoll, with a wake-up for other threads."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator

import pycurl

_WANTED = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class Poller:
    """Drives transfers on one thread. `select` would end at descriptor 1,023; epoll does not."""

    def __init__(self, *, connections: int, kept: int) -> None:
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        # The descriptor's number may be another's once it is closed.
        self._lock = threading.Lock()
        self._closed = False
        self._sockets: set[int] = set()
        self._due: float | None = None
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self.multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, connections)
        self.multi.setopt(pycurl.M_MAXCONNECTS, max(64, kept))

    def _on_socket(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            if descriptor in self._sockets:
                self._sockets.discard(descriptor)
                try:
                    self._epoll.unregister(descriptor)
                except OSError:
                    return  # closed already, which unregisters it
            return
        wanted = _WANTED.get(what, 0)
        if descriptor in self._sockets:
            try:
                self._epoll.modify(descriptor, wanted)
            except FileNotFoundError:
                self._epoll.register(descriptor, wanted)
        else:
            self._sockets.add(descriptor)
            self._epoll.register(descriptor, wanted)

    def _on_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def wait(self, timeout: float | None) -> None:
        """Waits for sockets, libcurl's timer, a wake-up or the timeout; works off what is due."""
        if self._due is not None:
            left = max(self._due - time.monotonic(), 0.0)
            timeout = left if timeout is None else min(left, timeout)
        for descriptor, happened in self._epoll.poll(timeout):
            if descriptor == self._wake:
                os.eventfd_read(self._wake)
                continue
            action = pycurl.CSELECT_IN if happened & ~select.EPOLLOUT else 0
            action |= pycurl.CSELECT_OUT if happened & select.EPOLLOUT else 0
            self.multi.socket_action(descriptor, action)
        if self._due is not None and self._due <= time.monotonic():
            self._due = None
            self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def wake(self) -> None:
        """Ends a wait; from any thread, also after the end."""
        with self._lock:
            if not self._closed:
                os.eventfd_write(self._wake, 1)

    def finished(self) -> Iterator[tuple[pycurl.Curl, int, str]]:
        """Requests that have ended, with CURLcode and text."""
        while True:
            left, done, failed = self.multi.info_read(64)
            for curl in done:
                yield curl, 0, ""
            for curl, code, text in failed:
                yield curl, code, text
            if not left:
                return

    def close(self) -> None:
        """Closes the multi handle and the descriptors."""
        self.multi.close()
        self._epoll.close()
        with self._lock:
            self._closed = True
            os.close(self._wake)
