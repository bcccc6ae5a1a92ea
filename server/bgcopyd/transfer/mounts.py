"""Which volume a path lies on, told by the mount table: a dead mount cannot block the question."""

from __future__ import annotations

import re
import select
from pathlib import Path
from typing import TextIO

_TABLE = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\(\d{3})")


class MountTable:
    """The mount points of this process; read again when the kernel says that they changed."""

    def __init__(self, table: Path = _TABLE) -> None:
        self._volumes: dict[str, str] = {}
        self._table = table
        self._poll = select.poll()
        try:
            self._file: TextIO | None = table.open(encoding="utf-8", errors="surrogateescape")
        except OSError:
            self._file = None  # not Linux: everything counts as one volume
            return
        self._poll.register(self._file, select.POLLPRI | select.POLLERR)
        self._read()

    def _read(self) -> None:
        assert self._file is not None
        self._file.seek(0)
        volumes = {}
        for line in self._file:
            fields = line.split(" ")
            point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4])
            volumes[point] = fields[2]
        self._volumes = volumes

    def volume_of(self, path: str) -> str:
        """The device ("major:minor") of the mount that an absolute, resolved path lies on."""
        if self._file is None:
            return ""
        if self._poll.poll(0):
            self._read()
        while path not in self._volumes:
            parent = path.rpartition("/")[0]
            if not parent:
                return self._volumes.get("/", "")
            path = parent
        return self._volumes[path]

    def close(self) -> None:
        """Closes the table."""
        if self._file is not None:
            self._file.close()
            self._file = None
