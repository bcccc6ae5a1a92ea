"""The engine against a proper file server: many files, resume, digests, https."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
import trustme

from bgcopyd.jobs.file import Verification
from bgcopyd.queue.transfers import Claimed, Failed, Finished, Stopped
from tests.support import http_files
from tests.support.fetching import fetching, sha256

BIG = random.Random(1).randbytes(24 << 20)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    (directory / "big").write_bytes(BIG)
    for number in range(100):
        (directory / f"{number}").write_bytes(BIG[number : 2 * number])
    return directory


async def test_many_files_at_once(tmp_path: Path, site: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with http_files.serving(site) as server:
            for number in range(100):
                fetcher.start(
                    f"{server.url}/{number}", index=number, path=f"d{number % 7}/{number}"
                )
            for number in range(100):
                event = await fetcher.end(number)
                assert isinstance(event, Finished)
                assert event.verification is Verification.VALIDATOR
                placed = await fetcher.placed(event, f"d{number % 7}/{number}")
                assert placed == BIG[number : 2 * number]
            assert server.stats.connections <= 16


async def test_stop_and_resume_fetch_every_byte_once(tmp_path: Path, site: Path) -> None:
    async with fetching(tmp_path / "data", claim_interval=0.01) as fetcher:
        with http_files.serving(site) as server:
            fetcher.start(f"{server.url}/big", rate=40 << 20)
            await fetcher.first(Claimed)
            fetcher.engine.stop("job")
            event = await fetcher.end()
            assert isinstance(event, Stopped)
            assert 4 << 20 <= event.claimed < len(BIG)
            fetcher.events.clear()
            again = await fetcher.fetch(
                f"{server.url}/big",
                claimed=event.claimed,
                size=event.size,
                validators=event.validators,
                digests=sha256(BIG),
            )
        assert isinstance(again, Finished)
        assert again.verification is Verification.DIGEST
        placed = await fetcher.placed(again)
        assert hashlib.sha256(placed).digest() == hashlib.sha256(BIG).digest()


async def test_a_wrong_digest_is_fetched_twice_and_never_finished(
    tmp_path: Path, site: Path
) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with http_files.serving(site) as server:
            event = await fetcher.fetch(f"{server.url}/big", digests=sha256(b"other"))
            assert server.stats.requests == 2
    assert isinstance(event, Failed)
    assert event.claimed == 0


async def test_a_process_over_https(tmp_path: Path, site: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    async with (
        fetching(tmp_path / "data", ca_file=tmp_path / "ca.pem") as fetcher,
        http_files.process(site, "--certificate", str(tmp_path / "server.pem")) as url,
    ):
        assert url.startswith("https://localhost:")
        event = await fetcher.fetch(f"{url}/big")
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == BIG
