"""Uploads over TLS and HTTP/2 to Debian's nginx."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Finished
from tests.support.nginx_server import nginx_site
from tests.support.sending import A, Sending, sending
from tests.support.tls import write_ca

pytestmark = pytest.mark.needs("nginx")


@pytest.fixture
async def sender(tmp_path: Path, authority: trustme.CA) -> AsyncIterator[Sending]:
    trusted = write_ca(authority, tmp_path)
    async with sending(tmp_path / "data", ca_file=trusted) as one:
        one.write(A)
        yield one


@pytest.fixture
async def url(tmp_path: Path, authority: trustme.CA) -> AsyncIterator[str]:
    (tmp_path / "files").mkdir()
    async with nginx_site(tmp_path / "nginx", tmp_path / "files", authority) as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("rate", [0, 6_000_000])
async def test_the_server_gets_the_file(
    sender: Sending, url: str, tmp_path: Path, rate: int
) -> None:
    event = await sender.send(f"{url}/place", rate=rate)
    assert isinstance(event, Finished), event
    assert (event.attempt.protocol, event.attempt.http_status) == ("HTTP/2", 201)
    assert event.attempt.received == len(A)
    assert (tmp_path / "files" / "place").read_bytes() == A


async def test_a_file_that_is_too_large(sender: Sending, url: str) -> None:
    sender.write(A * 10)
    event = await sender.fails(f"{url}/place")
    assert event.error.reason is Reason.HTTP_STATUS
    assert event.error.http_status == 413
