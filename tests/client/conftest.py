from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import bgcopy
from tests.support.fake_server import Manager, serving


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory for sockets, whose paths are short by law; pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="bgcopy-") as directory:
        yield Path(directory)


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
async def client(manager: Manager, short_path: Path) -> AsyncIterator[bgcopy.AsyncClient]:
    async with serving(manager, short_path) as target, bgcopy.AsyncClient(target) as client:
        yield client
