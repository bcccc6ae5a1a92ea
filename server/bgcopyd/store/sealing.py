"""Secrets at rest: Fernet (AES-128-CBC with HMAC-SHA256), and the change of its keys."""

from __future__ import annotations

import base64
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bgcopyd.queue.secrets import Unsealable
from bgcopyd.store import rows
from bgcopyd.store.directory import StateDirectory
from bgcopyd.store.errors import KeyProblem, translated
from bgcopyd.store.keys import FILE, KeyFile, key_file, new_key
from bgcopyd.store.schema import open_database

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

logger = logging.getLogger(__name__)

NAMED = 10


class FernetSealer:
    """Seals with the first of some keys and opens with all."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    @cached_property
    def _fernet(self) -> MultiFernet:
        # Many queues hold no secret, and the library takes 9 MiB: it is loaded for the first one.
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in self._keys])

    def seal(self, secret: str) -> bytes:
        """As Sealer."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """As Sealer."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as above

        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise Unsealable from None


def open_sealer(state_dir: Path, configured: Path | None) -> FernetSealer:
    """The sealer of a daemon, which holds the state directory; makes its key at the first start.

    Raises:
        KeyProblem: there is a key, and it cannot be used.
    """
    file = key_file(state_dir, configured, os.environ)
    if file.path == state_dir / FILE and not file.path.exists():
        file.write([new_key()])
        logger.info("made the key that secrets are sealed with: %s", file.path)
    return FernetSealer(file.read())


def rotate(state_dir: Path, file: KeyFile) -> int:
    """Seals all secrets with a new key, which becomes the first; how many there are.

    The earlier keys stay, for backups. No daemon may run: it would go on sealing with its first
    key, and could not open what a newer one has sealed.

    Raises:
        StateDirectoryLocked: a daemon runs.
        KeyProblem: a secret cannot be opened, or the file not be written; nothing was changed.
    """
    with StateDirectory(state_dir):
        earlier = file.read() if file.present else ()
        keys = (new_key(), *earlier)
        # The key must be safe before anything is that only it can open.
        return _reseal(state_dir, keys, lambda: file.write(keys))


def prune(state_dir: Path, file: KeyFile) -> int:
    """Seals all secrets with the first key and forgets the others; how many these were.

    Raises:
        StateDirectoryLocked: a daemon runs.
        KeyProblem: a secret cannot be opened, or the file not be written; the keys are unchanged.
    """
    with StateDirectory(state_dir):
        keys = file.read()
        _reseal(state_dir, keys, lambda: None)
        if len(keys) > 1 and not file.foreign:
            file.write(keys[:1])
        return len(keys) - 1


def _reseal(state_dir: Path, keys: Sequence[bytes], before_commit: Callable[[], None]) -> int:
    sealer = FernetSealer(keys)
    with closing(open_database(state_dir)) as db:
        try:
            # Nothing of what was sealed before is left in the file's free pages.
            db.execute("PRAGMA secure_delete = ON")
            db.execute("BEGIN IMMEDIATE")
            fresh, webhooks = _resealed(db, sealer), _resealed_webhooks(db, sealer)
            before_commit()
            db.executemany("UPDATE secret SET sealed = ? WHERE job = ? AND name = ?", fresh)
            db.executemany("UPDATE webhook SET sealed = ? WHERE id = ?", webhooks)
            db.execute("COMMIT")
        except sqlite3.Error as problem:
            raise translated(state_dir, problem) from None
        return len(fresh) + len(webhooks)


def _resealed(db: sqlite3.Connection, sealer: FernetSealer) -> list[tuple[bytes, int, str]]:
    fresh = []
    lost: dict[str, None] = {}
    found = db.execute(
        "SELECT s.sealed, s.job, s.name, j.id FROM secret s JOIN job j ON j.seq = s.job"
    )
    for sealed, job, name, key in found:
        try:
            fresh.append((sealer.seal(sealer.open(sealed)), job, name))
        except Unsealable:
            lost[rows.id_text(key)] = None
    _judge_lost(list(lost), "job", "cancel these jobs")
    return fresh


def _resealed_webhooks(db: sqlite3.Connection, sealer: FernetSealer) -> list[tuple[bytes, str]]:
    fresh = []
    lost = []
    for webhook_id, sealed in db.execute("SELECT id, sealed FROM webhook"):
        try:
            fresh.append((sealer.seal(sealer.open(sealed)), webhook_id))
        except Unsealable:
            lost.append(webhook_id)
    _judge_lost(lost, "webhook", "delete these webhooks")
    return fresh


def _judge_lost(lost: Sequence[str], what: str, way_out: str) -> None:
    if not lost:
        return
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    raise KeyProblem(
        f"no key opens the secrets of {what} {', '.join(lost[:NAMED])}{more}; give the key file "
        f"that they were sealed with, or {way_out} first"
    )
