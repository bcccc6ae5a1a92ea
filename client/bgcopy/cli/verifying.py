"""`verify`: whether the bytes on the daemon's disk have their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from bgcopy import AsyncClient, DigestAlgorithm, FileInfo
from bgcopy.cli import words
from bgcopy.cli.exits import Exit
from bgcopy.cli.lookup import find
from bgcopy.cli.options import shared
from bgcopy.cli.session import Session, run
from bgcopy.cli.verbs import job_argument

_PAGE = 1000


@click.command()
@job_argument
@shared
@click.pass_obj
def verify(session: Session, /, job: str) -> int:
    """Read the whole files of a job again and compare them with their expected digests.

    Exit code 10 where one differs; files without an expected digest are printed with theirs.
    """
    return run(_verify(session, job))


@dataclass(frozen=True)
class _Checked:
    """A file that was read again; without digests where it is unfinished."""

    file: FileInfo
    digests: Mapping[DigestAlgorithm, str]

    @property
    def sha256(self) -> str:
        """The one that is printed."""
        return self.digests.get(DigestAlgorithm.SHA256, "")

    @property
    def code(self) -> Exit:
        """What it means for the command."""
        if not self.file.transferred:
            return Exit.UNFINISHED
        expected = self.file.spec.digests
        right = all(self.digests[one.algorithm] == one.value for one in expected)
        return Exit.OK if right else Exit.INTEGRITY

    @property
    def verdict(self) -> str:
        """What it means in a word."""
        if self.code is Exit.OK:
            return "ok" if self.file.spec.digests else "no digest expected"
        return "differs" if self.code is Exit.INTEGRITY else "unfinished"


async def _verify(session: Session, word: str) -> int:
    async with session.client() as client:
        job_id = await find(client, word)
        checked = [
            _Checked(file, await _digests(client, job_id, file) if file.transferred else {})
            async for file in client.files(job_id, page_size=_PAGE)
        ]
    if session.json:
        session.data_json([_shape(one) for one in checked])
    else:
        for one in checked:
            path = words.clean(one.file.spec.path)
            session.data(f"{one.sha256 or '-':64}  {path}  {one.verdict}")
    codes = {one.code for one in checked}
    return next((code for code in (Exit.INTEGRITY, Exit.UNFINISHED) if code in codes), Exit.OK)


def _shape(one: _Checked) -> dict[str, Any]:
    digests = {algorithm.name.lower(): value for algorithm, value in one.digests.items()}
    return {"index": one.file.index, "sha256": None, **digests, "verdict": one.verdict}


async def _digests(client: AsyncClient, job_id: str, file: FileInfo) -> dict[DigestAlgorithm, str]:
    """Digests of a file as it lies on the daemon's disk: SHA-256, and all that are expected."""
    wanted = (DigestAlgorithm.SHA256, *(one.algorithm for one in file.spec.digests))
    hashes = _hashes(wanted)
    async for piece in client.read_file(job_id, file.index):
        for one in hashes.values():
            one.update(piece)
    return {algorithm: one.hexdigest() for algorithm, one in hashes.items()}


def _hashes(wanted: Iterable[DigestAlgorithm]) -> dict[DigestAlgorithm, Any]:
    hashes: dict[DigestAlgorithm, Any] = {}
    for algorithm in wanted:
        if algorithm is DigestAlgorithm.BLAKE3:
            hashes[algorithm] = _blake3()
        else:
            hashes[algorithm] = hashlib.new(algorithm.name.lower(), usedforsecurity=False)
    return hashes


def _blake3() -> Any:
    try:
        from blake3 import blake3  # noqa: PLC0415 - the daemon has it, a client alone need not
    except ImportError:
        raise click.UsageError(
            "blake3 digests are checked with the Python package blake3; install bgcopy[server]"
        ) from None
    return blake3()
