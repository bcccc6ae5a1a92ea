"""Digests of a partial file, computed from the disk behind the writer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from blake3 import blake3

from bgcopyd.jobs.file import Digest, DigestAlgorithm
from bgcopyd.transfer.partial import PartialFile


class Hash(Protocol):
    """What hashlib and its relatives have in common. `update` lets other threads run."""

    def update(self, data: bytes | memoryview, /) -> object:
        """Takes in more bytes."""

    def digest(self) -> bytes:
        """The digest of the bytes so far."""


HASHES: Mapping[DigestAlgorithm, Callable[[], Hash]] = {
    DigestAlgorithm.SHA256: hashlib.sha256,
    DigestAlgorithm.SHA512: hashlib.sha512,
    DigestAlgorithm.BLAKE3: blake3,
    DigestAlgorithm.SHA1: partial(hashlib.sha1, usedforsecurity=False),
    DigestAlgorithm.MD5: partial(hashlib.md5, usedforsecurity=False),
}


class Hashing:
    """Digests of a partial file from its start; one reading serves all of them."""

    def __init__(self, digests: tuple[Digest, ...]) -> None:
        self._expected = digests
        self._running: list[Hash] = []
        self.done = 0
        self.reset()

    @property
    def proves(self) -> bool:
        """Whether one of them is not weak."""
        return any(not digest.algorithm.weak for digest in self._expected)

    def reset(self) -> None:
        """Begins anew."""
        self._running = [HASHES[digest.algorithm]() for digest in self._expected]
        self.done = 0

    def advance(self, partial: PartialFile, end: int) -> None:
        """Takes in the bytes up to `end`."""
        if end > self.done:
            for piece in partial.pieces(self.done, end):
                for running in self._running:
                    running.update(piece)
        self.done = end

    def agrees(self) -> bool:
        """Whether the digests are the expected ones."""
        pairs = zip(self._running, self._expected, strict=True)
        return all(running.digest() == digest.value for running, digest in pairs)
