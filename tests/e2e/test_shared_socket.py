"""One daemon, two users of the machine: real processes that have given their rights away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Command
from tests.support.daemon import DaemonProcess

pytestmark = [pytest.mark.users, pytest.mark.timeout(180)]

ANNA, BERT = 24_101, 24_102
# The program is loaded by who may read it, and run by somebody else.
LOADED = """
import importlib, os, pkgutil, sys
import bgcopy.cli.main
for module in pkgutil.walk_packages(bgcopy.__path__, "bgcopy."):
    importlib.import_module(module.name)
os.setgroups([]); os.setgid({uid}); os.setuid({uid})
"""
COMMAND = f"{LOADED}sys.exit(bgcopy.cli.main.main())"
CREATE = f"""{LOADED}
async def create():
    async with bgcopy.AsyncClient(sys.argv[1]) as client:
        job = await client.create_job("a job")
        print(job.job_id)
import asyncio
asyncio.run(create())
"""


class SharedDaemon(DaemonProcess):
    """A daemon whose Unix socket is for everybody."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.directory.chmod(0o755)

    def arguments(self) -> list[str]:
        own = super().arguments()
        own[own.index(self.target)] += "?mode=shared"
        return own


async def test_users_are_told_apart(tmp_path: Path) -> None:
    async with SharedDaemon(flags=["--right", f"local:{BERT}=admin"]) as daemon:
        anna, bert = (
            Command(tmp_path, daemon.target, COMMAND.format(uid=uid)) for uid in (ANNA, BERT)
        )
        told = await anna.run("status", "--json")
        assert told.code == 0, told.err
        assert told.json["caller"] == {
            "principal": f"local:{ANNA}", "admin": False, "scopes": ["READ", "WRITE"],
        }  # fmt: skip
        create = Command(tmp_path, program=CREATE.format(uid=ANNA))
        created = await create.run(daemon.target)
        assert created.code == 0, created.err
        job_id = created.out.strip()
        assert (await anna.run("cancel", job_id)).code == 0
        assert (await bert.run("status", "--json")).json["caller"]["admin"] is True
        assert (await bert.run("show", job_id)).code == 0
        own = await Command(tmp_path, daemon.target).run("status", "--json")
        assert own.json["caller"]["admin"] is True
        carl = Command(tmp_path, daemon.target, COMMAND.format(uid=BERT + 1))
        denied = await carl.run("show", job_id, "--json")
        assert (denied.code, denied.error["reason"]) == (4, "NOT_JOB_OWNER")


MakeDaemon = Callable[..., DaemonProcess]


async def test_a_private_socket_lets_nobody_else_in(
    make_daemon: MakeDaemon, tmp_path: Path
) -> None:
    daemon = await make_daemon().start()
    anna = Command(tmp_path, daemon.target, COMMAND.format(uid=ANNA))
    assert (await anna.run("status", "--json")).code == 3
