"""A house per test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.rpc_house import House, house


@pytest.fixture
async def home() -> AsyncIterator[House]:
    """A daemon's parts in this process, on real sockets and a real store."""
    async with house() as one:
        yield one
