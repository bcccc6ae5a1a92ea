"""tusd in a process of its own: the server of tus that its authors run (its handler and store)."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("tusd")
BINARY = Path(__file__).parents[2] / ".tools" / "tusd"


@dataclass(frozen=True, slots=True)
class Tusd:
    """A running server: where uploads are created, and the directory that they lie in."""

    url: str
    files: Path

    def contents(self) -> list[bytes]:
        """What uploads have brought so far; their descriptions lie beside them."""
        found = [path for path in self.files.iterdir() if not path.suffix]
        return [path.read_bytes() for path in found]


@asynccontextmanager
async def tusd(directory: Path, *options: str) -> AsyncIterator[Tusd]:
    """A server on a free port, with files of its own; `-limit=N`, `-resumable`."""
    program = await asyncio.to_thread(built)
    directory.mkdir()
    child = await asyncio.create_subprocess_exec(
        str(program),
        *options,
        str(directory),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield Tusd((await child.stdout.readline()).decode().strip(), directory)
    finally:
        child.stdin.close()
        await child.wait()


def built() -> Path:
    """The program, built where it is not there yet or older than its source."""
    BINARY.parent.mkdir(exist_ok=True)
    with BINARY.with_suffix(".lock").open("w") as lock:
        # Workers of one test run must not build it twice.
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(path.stat().st_mtime for path in SOURCE.iterdir())
        if not BINARY.exists() or BINARY.stat().st_mtime < newest:
            environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
            subprocess.run(
                ["go", "build", "-buildvcs=false", "-o", str(BINARY), "."],
                cwd=SOURCE,
                env=environment,
                check=True,
            )
            BINARY.touch()
    return BINARY


if __name__ == "__main__":
    built()
