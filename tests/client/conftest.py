from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import bgcopy
from tests.support.fake_server import Manager, serving


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
async def client(manager: Manager, tmp_path: Path) -> AsyncIterator[bgcopy.AsyncClient]:
    async with serving(manager, tmp_path) as target, bgcopy.AsyncClient(target) as client:
        yield client
