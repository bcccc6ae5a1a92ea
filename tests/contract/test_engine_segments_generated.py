"""Whatever each connection for a file is answered: absent, or a version that the server had.

More seeds: `SEGMENT_SEEDS=5000 pytest tests/contract/test_engine_segments_generated.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Verification
from bgcopyd.queue.transfers import Claimed, Failed, Finished
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import A, B, ranged
from tests.support.http_hostile import HostileServer
from tests.support.segment_cases import DEFECTS, GeneratedServer
from tests.support.segments import EAGER

SEEDS = int(os.environ.get("SEGMENT_SEEDS", "300"))
_BATCH = 20
OPTIONS = EAGER | {"claim_interval": 0.0, "claim_bytes": 1, "host_memory": 0.0}


@pytest.mark.parametrize("batch", range(SEEDS // _BATCH))
async def test_nothing_but_a_version_of_the_server(tmp_path: Path, batch: int) -> None:
    helped = 0
    async with fetching(tmp_path / "data", **OPTIONS) as fetcher:
        for seed in range(batch * _BATCH, (batch + 1) * _BATCH):
            server = GeneratedServer(seed)
            script = list(server.script)
            try:
                await run(fetcher, server, seed)
            except BaseException as error:
                error.add_note(f"seed {seed}: {script}, the lead ends at {server.lead_ends_at}")
                raise
            helped += server.helped
    assert helped >= _BATCH


async def run(fetcher: Fetching, server: GeneratedServer, seed: int) -> None:
    path = f"file-{seed}"
    wanted = (B if seed % 10 == 5 else A) if seed % 5 == 0 else None
    digests = () if wanted is None else sha256(wanted)
    with HostileServer(server) as http:
        fetcher.events.clear()
        event = await fetcher.fetch(f"{http.url}/{path}", path=path, claim_id=path, digests=digests)
    if isinstance(event, Finished):
        content = await fetcher.placed(event, path)
        assert content in server.versions
        assert wanted is None or content == wanted
        sure = Verification.DIGEST if digests else Verification.VALIDATOR
        assert event.verification in {sure, Verification.OVERLAP}
        return
    assert isinstance(event, Failed)
    check(fetcher, path, event, server)
    # What was kept is of one version, and goes on where the server is honest.
    now, etag = server.current
    with HostileServer(lambda request, wire: ranged(request, wire, now, etag)) as http:
        fetcher.events.clear()
        again = await fetcher.fetch(
            f"{http.url}/{path}",
            path=path,
            claim_id=path,
            claimed=event.claimed,
            filled=event.filled,
            size=event.size,
            validators=event.validators,
        )
        if isinstance(again, Finished):
            assert await fetcher.placed(again, path) in {A, B}


def check(fetcher: Fetching, path: str, event: Failed | Claimed, server: GeneratedServer) -> None:
    """Each claimed byte is on disk, all of them of one version."""
    if not event.claimed and not event.filled:
        return
    disk = fetcher.partial(path).read_bytes()
    parts: list[Any] = [(0, event.claimed)]
    parts += [(one.offset, one.offset + (one.length or 0)) for one in event.filled]
    assert any(
        all(disk[start:end] == version[start:end] for start, end in parts)
        for version in server.versions
    )


def test_every_defect_is_drawn() -> None:
    drawn = {name for seed in range(SEEDS) for name in GeneratedServer(seed).script}
    assert drawn == set(DEFECTS)
