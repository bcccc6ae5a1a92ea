"""The fixture `way`: directories are reached by one call of the kernel's, and step by step."""

from __future__ import annotations

import pytest

from bgcopyd.transfer.disk import syscalls


@pytest.fixture(params=["openat2", "steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes this machine one that can, or one that cannot."""
    name: str = request.param
    if name == "openat2" and not syscalls.OPENS_BENEATH:
        pytest.skip("the kernel lacks openat2, or something forbids it")
    monkeypatch.setattr(syscalls, "OPENS_BENEATH", name == "openat2")
    return name
