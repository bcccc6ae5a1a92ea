"""Hosts that the engine leaves alone: what else a run would fetch from them is not tried now."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from bgcopyd.jobs.file import File
from bgcopyd.jobs.schemes import SCHEMES
from bgcopyd.queue.transfers import Failed


def host_of(url: str) -> str:
    """Scheme, host and port of a URL that was judged."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or SCHEMES[parts.scheme].port}"


class HeldHosts:
    """The hosts that a run has been told of; ten thousand files would all hear the same."""

    def __init__(self) -> None:
        self._hosts: set[str] = set()

    def hold(self, file: File) -> bool:
        """Whether a file can come from nowhere else."""
        if not self._hosts or file.spec.mirrors:
            return False
        return host_of(file.spec.url) in self._hosts

    def without(self, failed: Failed, files: Iterable[File]) -> list[File]:
        """The files that are left to try after a failure."""
        if failed.held:
            self._hosts.add(failed.held)
        return [file for file in files if not self.hold(file)]

    def clear(self) -> None:
        """Tries all of them again."""
        self._hosts.clear()
