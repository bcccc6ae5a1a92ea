"""The keys that secrets are sealed with: where they come from, and how they are kept."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bgcopyd.store.errors import KeyProblem

CREDENTIAL = "bgcopy-key"
VARIABLE = "BGCOPY_SECRETS_KEYS"
FILE = "secrets.key"
KEY_BYTES = 32
# Far more than anybody's history of keys.
_LARGEST_FILE = 64 << 10
_PRIVATE = 0o600
_HOW = "one key a line, each of 32 random bytes in base64, as 'openssl rand -base64 32' prints"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Where the keys are. `foreign` is what the service manager hands in, and no file of ours."""

    path: Path
    foreign: bool = False

    @property
    def present(self) -> bool:
        """Whether there are keys, good or bad."""
        return self.path.exists()

    def read(self) -> tuple[bytes, ...]:
        """The keys, the newest first: the first seals, all open.

        Raises:
            KeyProblem: it is absent, open to others, or holds something else.
        """
        try:
            with self.path.open("rb") as file:
                self._judge(os.fstat(file.fileno()))
                text = file.read(_LARGEST_FILE + 1)
        except OSError as problem:
            raise KeyProblem(
                f"the key file {self.path} cannot be read: {problem.strerror}"
            ) from None
        if len(text) > _LARGEST_FILE:
            raise KeyProblem(f"{self.path} is no key file: it is too large")
        return self._parsed(text.decode("ascii", "replace"))

    def _judge(self, state: os.stat_result) -> None:
        if not stat.S_ISREG(state.st_mode):
            raise KeyProblem(f"the key file {self.path} is no plain file")
        if self.foreign:
            return
        if state.st_uid != os.geteuid():
            raise KeyProblem(
                f"the key file {self.path} belongs to user {state.st_uid}; it must be the "
                f"daemon's own (user {os.geteuid()})"
            )
        mode = stat.S_IMODE(state.st_mode)
        if mode & ~_PRIVATE:
            raise KeyProblem(
                f"the key file {self.path} has mode {mode:04o}, so that others may read it; run "
                f"'chmod 600 {self.path}', and change the key if they may have"
            )

    def _parsed(self, text: str) -> tuple[bytes, ...]:
        keys = []
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                key = base64.b64decode(line.strip().translate(_URL_SAFE), validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if len(key) != KEY_BYTES:
                raise KeyProblem(f"line {number} of {self.path} is no key; write {_HOW}")
            keys.append(key)
        if not keys:
            raise KeyProblem(f"{self.path} holds no key; write {_HOW}")
        return tuple(keys)

    def write(self, keys: Sequence[bytes]) -> None:
        """Puts the keys in the file's place, whole or not at all, and safely on disk.

        Raises:
            KeyProblem: it is not ours to write, or the disk does not take it.
        """
        if self.foreign:
            raise KeyProblem(
                f"the key in {self.path} comes from the service manager or the environment; "
                "change it there"
            )
        target = self.path.resolve()
        fresh = target.with_name(f".{target.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(base64.urlsafe_b64encode(key) + b"\n" for key in keys)
                file.flush()
                os.fsync(descriptor)
            fresh.replace(target)
            _sync(target.parent)
        except OSError as problem:
            raise KeyProblem(
                f"the key file {self.path} cannot be written: {problem.strerror}"
            ) from None


@dataclass(frozen=True, slots=True)
class KeyVariable(KeyFile):
    """Keys in the environment, with white space between them."""

    text: str = field(default="", repr=False)

    @property
    def present(self) -> bool:
        """As KeyFile."""
        return True

    def read(self) -> tuple[bytes, ...]:
        """As KeyFile."""
        return self._parsed("\n".join(self.text.split()))


_URL_SAFE = str.maketrans("-_", "+/")


def key_file(state_dir: Path, configured: Path | None, environment: Mapping[str, str]) -> KeyFile:
    """Where the keys are: the service manager's credential, a variable, the setting, or our own."""
    credentials = environment.get("CREDENTIALS_DIRECTORY", "")
    if credentials and (Path(credentials) / CREDENTIAL).exists():
        return KeyFile(Path(credentials) / CREDENTIAL, foreign=True)
    if environment.get(VARIABLE, "").strip():
        return KeyVariable(Path(f"${VARIABLE}"), foreign=True, text=environment[VARIABLE])
    return KeyFile(configured or state_dir / FILE)


def new_key() -> bytes:
    """A random key."""
    return os.urandom(KEY_BYTES)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
