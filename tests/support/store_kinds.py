"""The fixture `store`: every kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bgcopyd.queue.storage import Store
from tests.support.stores import KINDS


@pytest_asyncio.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await KINDS[request.param](tmp_path)
    yield opened
    await opened.close()
