"""One attempt at a message, on real connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from unittest import mock

import pytest

from bgcopyd.jobs.addresses import AddressPolicy
from bgcopyd.jobs.webhook import Answer
from bgcopyd.transfer import posting
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.posting import CurlPoster
from tests.support.receiver import receiving


@contextlib.asynccontextmanager
async def poster(*, shared: bool = False) -> AsyncIterator[CurlPoster]:
    one = CurlPoster(EngineOptions(addresses=AddressPolicy(shared=shared)))
    yield one
    await one.close()


async def test_what_is_sent() -> None:
    async with poster() as one, receiving() as server:
        answer = await one.post(f"{server.url}/p?q=1", {"webhook-id": "evt_1"}, b"{}")
        message = await server.next()
        assert answer == Answer(204)
        assert (message.method, message.target, message.body) == ("POST", "/p?q=1", b"{}")
        assert message.id == "evt_1"
        assert message.headers["user-agent"].startswith("bgcopy/")
        assert "expect" not in message.headers


async def test_redirects_are_not_followed() -> None:
    async with poster() as one, receiving() as server, receiving() as other:
        server.answer(307, Location=f"{other.url}/")
        answer = await one.post(server.url, {}, b"{}")
        assert (answer.status, other.messages.qsize()) == (307, 0)
        assert "HTTP status 307" in answer.error


async def test_each_connection_is_judged_and_a_refused_one_not_made() -> None:
    async with poster(shared=True) as one, receiving() as server:
        port = server.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "0x7f000001", "[::ffff:127.0.0.1]"):
            answer = await one.post(f"http://{host}:{port}/", {}, b"{}")
            assert answer.status is None
            assert "does not let anybody connect to" in answer.error
        assert (server.messages.empty(), server.most_at_once) == (True, 0)


async def test_a_long_answer_is_cut_off_and_still_an_answer() -> None:
    async with poster() as one, receiving() as server:
        server.answer(200, b"x" * (8 << 20))
        assert await one.post(server.url, {}, b"{}") == Answer(200)
        server.answer(500, b"x" * (8 << 20))
        assert (await one.post(server.url, {}, b"{}")).status == 500


async def test_endless_header_fields_are_no_answer() -> None:
    async with poster() as one, receiving() as server:
        server.answers.append((200, {f"x-{number}": "y" * 1000 for number in range(40)}, b""))
        answer = await one.post(server.url, {}, b"{}")
        assert answer.status is None
        assert "more header fields" in answer.error


async def test_retry_after() -> None:
    async with poster() as one, receiving() as server:
        server.answer(503, Retry_After="120")
        assert (await one.post(server.url, {}, b"{}")).retry_after == 120
        server.answer(429, Retry_After="9999999")
        assert (await one.post(server.url, {}, b"{}")).retry_after == 86_400


async def test_silence_ends_in_time() -> None:
    with mock.patch.object(posting, "SECONDS", 1):
        async with poster() as one, receiving() as server:
            server.answers.append(None)
            answer = await one.post(server.url, {}, b"{}")
            assert answer == Answer(None, "The receiver 127.0.0.1 did not answer within 1 seconds.")


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with poster() as one:
            answer = await one.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", {}, b"{}")
    assert answer.status is None
    assert "No connection to 127.0.0.1" in answer.error


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/"])
async def test_other_schemes_are_not_spoken(url: str) -> None:
    async with poster() as one:
        answer = await one.post(url, {}, b"{}")
        assert answer.status is None
        assert answer.error


async def test_the_end_ends_what_is_under_way() -> None:
    async with receiving() as server:
        async with poster() as one:
            server.answers.append(None)
            attempt = asyncio.create_task(one.post(server.url, {}, b"{}"))
            await server.next()
        assert (await attempt).error == "The daemon ended meanwhile."
