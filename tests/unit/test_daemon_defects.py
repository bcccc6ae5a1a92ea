"""A daemon that has lost one of its parts ends, and says so by its exit code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bgcopyd import running
from bgcopyd.config import Settings
from bgcopyd.queue.scheduler import Scheduler


async def test_a_broken_part_ends_the_daemon_with_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: Scheduler) -> None:
        raise RuntimeError("as if by a defect")

    monkeypatch.setattr(Scheduler, "run", broken)
    settings = Settings.model_validate(
        {"state_dir": tmp_path / "state", "listen": ["tcp://127.0.0.1:0"]}
    )
    async with asyncio.timeout(30):
        assert await running.run(settings) == running.DEFECT
