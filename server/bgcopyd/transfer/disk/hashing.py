"""Digests of a partial file, computed from the disk behind the writer."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from blake3 import blake3

from bgcopyd.jobs.file import Digest, DigestAlgorithm
from bgcopyd.transfer.disk.partial import PartialFile


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


class Mismatch(enum.Enum):
    """Whose digest differs from that of the bytes: the job's, or the server's own."""

    EXPECTED = enum.auto()
    ANNOUNCED = enum.auto()


class Hashing:
    """Digests of a partial file from its start; one reading serves all of them.

    Attributes:
        announced: the digest that the server sent, which proves the transport only.
        required: the one that the first source sent for all of them.
        done: the bytes that were taken in.
    """

    def __init__(
        self,
        expected: tuple[Digest, ...],
        announced: Digest | None = None,
        required: Digest | None = None,
    ) -> None:
        self._expected = expected
        self.announced = announced
        self.required = required
        self._told = [one for one in (announced, required) if one is not None]
        wanted = {one.algorithm for one in (*expected, *self._told)}
        self._running = {algorithm: HASHES[algorithm]() for algorithm in wanted}
        self.done = 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to compute."""
        return not self._running

    @property
    def proves(self) -> bool:
        """Whether one of the job's digests is not weak."""
        return any(not digest.algorithm.weak for digest in self._expected)

    def anew(self, announced: Digest | None = None) -> Hashing:
        """Another one that begins at the file's start. A proof needs no word of the server's."""
        return Hashing(self._expected, None if self.proves else announced, self.required)

    def requiring(self, digest: Digest | None) -> Hashing:
        """Another one, with or without a digest that holds for all sources."""
        return Hashing(self._expected, self.announced, digest)

    def advance(self, file: PartialFile, end: int) -> None:
        """Takes in the bytes up to `end`."""
        if end > self.done and not self.idle:
            for piece in file.pieces(self.done, end):
                for running in self._running.values():
                    running.update(piece)
        self.done = end

    def mismatch(self) -> Mismatch | None:
        """Whose digest differs."""
        found = {algorithm: running.digest() for algorithm, running in self._running.items()}

        def differs(digests: Iterable[Digest]) -> bool:
            return any(found[one.algorithm] != one.value for one in digests)

        if differs(self._expected):
            return Mismatch.EXPECTED
        return Mismatch.ANNOUNCED if differs(self._told) else None


def agrees(file: PartialFile, start: int, end: int, digest: Digest) -> bool:
    """Whether a part of a file has this digest."""
    running = HASHES[digest.algorithm]()
    if end > start:
        for piece in file.pieces(start, end):
            running.update(piece)
    return running.digest() == digest.value
