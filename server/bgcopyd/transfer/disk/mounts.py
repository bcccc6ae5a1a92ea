"""Which volume a path lies on, told by the mount table: a dead mount cannot block the question."""

from __future__ import annotations

import os
import re
import select
import weakref
from pathlib import Path

_TABLE = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\(\d{3})")


class MountTable:
    """The mount points of this process; read again when the kernel says that they changed."""

    def __init__(self, table: Path = _TABLE) -> None:
        self._volumes: dict[str, str] = {}
        self._poll = select.poll()
        try:
            self._descriptor = os.open(table, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # not Linux: everything counts as one volume
        weakref.finalize(self, os.close, self._descriptor)
        self._poll.register(self._descriptor, select.POLLPRI | select.POLLERR)
        self._read()

    def _read(self) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        pieces = []
        while piece := os.read(self._descriptor, 1 << 16):
            pieces.append(piece)
        volumes = {}
        for line in os.fsdecode(b"".join(pieces)).splitlines():
            fields = line.split(" ")
            point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4])
            volumes[point] = fields[2]
        self._volumes = volumes

    def volume_of(self, path: str) -> str:
        """The device ("major:minor") of the mount that an absolute, resolved path lies on."""
        if self._poll.poll(0):
            self._read()
        path = "/" + path.lstrip("/")  # below the root "/" it begins with two
        while path not in self._volumes:
            parent = path.rpartition("/")[0]
            if not parent:
                return self._volumes.get("/", "")
            path = parent
        return self._volumes[path]
