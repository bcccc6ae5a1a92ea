"""Policies have handles and connections of their own, which are closed when they rest."""

from __future__ import annotations

import socket
import threading

from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.transfer.judging.redirects import origin_of
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.wire.connections import Connections
from bgcopyd.transfer.wire.dialects import Newest
from bgcopyd.transfer.wire.handles import Request
from bgcopyd.transfer.wire.policy import Login, Policy

ANNA, BERT = Policy("anna"), Policy("bert")


class Sink:
    """Takes everything."""

    def on_body(self, data: bytes) -> int | None:
        return None

    def on_done(self, code: int, detail: str) -> None:
        raise AssertionError


def test_a_policy_gets_its_own_handle_back() -> None:
    connections = Connections(EngineOptions())
    first = connections.take(ANNA)
    connections.give(first, 0.0)
    other = connections.take(BERT)
    assert other is not first
    assert connections.take(Policy("anna")) is first
    connections.give(first, 0.0)
    connections.give(other, 0.0)
    connections.close()


def test_pools_that_rest_are_closed_and_forgotten() -> None:
    connections = Connections(EngineOptions())
    rest = connections.rest
    busy, idle = connections.take(ANNA), connections.take(BERT)
    connections.give(idle, 10.0)
    assert connections.expire(10.0) == rest
    assert connections.expire(10.0 + rest) is None
    assert connections.take(BERT) is not idle
    connections.give(busy, 20.0)
    assert connections.take(ANNA) is busy


def test_the_end_of_a_pool_ends_its_connections() -> None:
    connections = Connections(EngineOptions())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def ask() -> None:
            handle = connections.take(ANNA)
            request = Request(url, origin_of(url), ANNA, [])
            handle.prepare(Sink(), request, buffer=16384, newest=Newest.HTTP1)
            handle.curl.perform()
            connections.give(handle, 0.0)

        asking = threading.Thread(target=ask)
        asking.start()
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            asking.join(10)
            connections.expire(connections.rest)
            assert connection.recv(1) == b""


def test_secrets_have_no_repr() -> None:
    login = Login((AuthScheme.BASIC,), "anna", "hidden")
    policy = Policy("anna", login=login, proxy="http://u:hidden@p:1", proxy_login=login)
    assert "hidden" not in f"{login!r} {policy!r} {policy}"
