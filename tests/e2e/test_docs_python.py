"""The examples of docs/python.md run as they stand, one after the other."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import bgcopy
from bgcopy.v1 import admin_service_pb2, background_copy_manager_pb2
from tests.support.daemon import DaemonProcess
from tests.support.site import Site

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
TEXT = PAGE.read_text(encoding="utf-8")
PLACE = "/srv/data"


def examples() -> list[tuple[int, str]]:
    """Each block of Python with its line."""
    found = re.finditer(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [(TEXT.count("\n", 0, block.start()) + 1, block[1]) for block in found]


def here(code: str, site: Site, folder: Path) -> str:
    """The example with this test's server and directory."""
    served = re.sub(r"https://example\.com/([\w.]+)", lambda m: site.url(m[1], 70_000), code)
    return served.replace(PLACE, str(folder))


def test_the_table_is_whole_and_names_methods_that_there_are() -> None:
    table = TEXT.partition("## Every call")[2]
    for _, _, methods, handles, _ in (row.split("|") for row in table.strip().splitlines()):
        for name in re.findall(r"`([\w.]+)`", methods):
            owner = bgcopy.AdminClient if name.startswith("admin.") else bgcopy.AsyncClient
            assert hasattr(owner, name.removeprefix("admin.")), name
        for name in re.findall(r"`(\w+)`", handles):
            assert hasattr(bgcopy.Job, name), name
    for file in (background_copy_manager_pb2, admin_service_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            assert [m.name for m in service.methods if not re.search(rf"\b{m.name}\b", table)] == []


async def test_the_examples_run(
    daemon: DaemonProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgcopy._channel.default_socket", lambda: daemon.socket_path)
    names: dict[str, Any] = {}
    async with Site() as site:
        for line, code in examples():
            source = "\n" * line + here(code, site, tmp_path)
            program = compile(source, str(PAGE), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            waiting = eval(program, names)
            if inspect.isawaitable(waiting):
                await waiting
    await names["client"].close()
    assert (tmp_path / "data.tar").stat().st_size == 70_000
    assert names["seen"].description == "mine"
