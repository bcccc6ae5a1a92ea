"""The bgcopy command as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULE = "import sys; from bgcopy.cli.main import main; sys.exit(main())"
_KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


@dataclass
class Command:
    """The command in an environment that holds nothing of the machine's."""

    home: Path
    target: str | None = None
    program: str = MODULE

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        own = {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "r"),
            "XDG_STATE_HOME": str(self.home / "s"),
        }
        if self.target is not None:
            own["BGCOPY_TARGET"] = self.target
        return {**kept, **own, **more}

    @asynccontextmanager
    async def running(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            self.program,
            *arguments,
            cwd=cwd or self.home,
            env=self.environment(**environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                await process.wait()

    async def run(self, *arguments: str, stdin: str = "", **options: Any) -> Ended:
        async with self.running(*arguments, **options) as process:
            return await ended(process, stdin)

    async def __call__(self, *arguments: str, **options: Any) -> Ended:
        return await self.run(*arguments, **options)


async def ended(process: asyncio.subprocess.Process, stdin: str = "") -> Ended:
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())
