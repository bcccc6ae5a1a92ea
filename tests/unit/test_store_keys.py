"""Key files, and the change of keys: whatever happens, some key opens every secret."""

from __future__ import annotations

import base64
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bgcopyd.queue.secrets import Unsealable
from bgcopyd.store import sealing
from bgcopyd.store.connection import DATABASE
from bgcopyd.store.directory import StateDirectory
from bgcopyd.store.errors import KeyProblem, StateDirectoryLocked
from bgcopyd.store.keys import CREDENTIAL, FILE, VARIABLE, KeyFile, key_file, new_key
from bgcopyd.store.sealing import FernetSealer, open_sealer, prune, rotate
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import add, new_job


def written(path: Path, text: str, mode: int = 0o600) -> KeyFile:
    path.write_text(text)
    path.chmod(mode)
    return KeyFile(path)


def test_the_first_start_makes_a_private_key_that_stays(tmp_path: Path) -> None:
    sealed = open_sealer(tmp_path, None).seal("hidden")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / FILE]
    assert open_sealer(tmp_path, None).open(sealed) == "hidden"


def test_what_has_no_secret_loads_no_cipher(tmp_path: Path) -> None:
    program = (
        "import sys, bgcopyd.daemon\n"
        "from pathlib import Path\n"
        "from bgcopyd.store.sealing import open_sealer\n"
        "sealer = open_sealer(Path(sys.argv[1]), None)\n"
        "assert 'cryptography' not in sys.modules\n"
        "assert sealer.open(sealer.seal('hidden')) == 'hidden'\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


def test_where_the_key_comes_from(tmp_path: Path) -> None:
    configured = tmp_path / "configured"
    assert key_file(tmp_path, None, {}) == KeyFile(tmp_path / FILE)
    assert key_file(tmp_path, configured, {}) == KeyFile(configured)
    there = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert key_file(tmp_path, configured, there) == KeyFile(configured)
    given = {VARIABLE: f" {base64.b64encode(bytes(32)).decode()} {'A' * 42}Q= "}
    variable = key_file(tmp_path, configured, given)
    assert variable.read() == (bytes(32), bytes(31) + b"\x04")
    assert "AAAA" not in repr(variable)
    assert key_file(tmp_path, None, {VARIABLE: " "}) == KeyFile(tmp_path / FILE)
    (tmp_path / CREDENTIAL).touch()
    there |= given
    assert key_file(tmp_path, configured, there) == KeyFile(tmp_path / CREDENTIAL, foreign=True)


def test_a_configured_file_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match="cannot be read: No such file"):
        open_sealer(tmp_path, tmp_path / "absent")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o700, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = written(tmp_path / "k", base64.b64encode(new_key()).decode(), mode)
    with pytest.raises(KeyProblem, match=f"mode {mode:04o}.*chmod 600"):
        file.read()
    assert KeyFile(file.path, foreign=True).read()


def test_a_file_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "k", base64.b64encode(new_key()).decode(), 0o400)
    assert file.read()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KeyProblem, match="belongs to user"):
        file.read()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no key"),
        ("\n \n", "holds no key"),
        ("hidden", "line 1 of .* is no key"),
        ("\nQUJD\n", "line 2 of .* is no key"),
        ("ä" * 43, "line 1 of .* is no key"),
        ("x" * 70_000, "too large"),
    ],
)
def test_what_is_no_key_is_refused_without_quoting_it(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(KeyProblem, match=problem) as refused:
        written(tmp_path / "k", text).read()
    assert "hidden" not in str(refused.value)


def test_both_alphabets_and_directories(tmp_path: Path) -> None:
    key = b"\xfb\xff" * 16
    texts = base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()
    assert written(tmp_path / "k", "\n\n".join(texts)).read() == (key, key)
    with pytest.raises(KeyProblem):
        KeyFile(tmp_path).read()


def test_all_keys_open_and_the_first_seals() -> None:
    old, new = new_key(), new_key()
    sealed = FernetSealer([old]).seal("x")
    both = FernetSealer([new, old])
    assert both.open(sealed) == "x"
    with pytest.raises(Unsealable):
        FernetSealer([old]).open(both.seal("x"))


async def stored(state: Path, sealer: FernetSealer, count: int = 2) -> list[str]:
    """Jobs with a secret each; their ids."""
    store = await SQLiteStore.open(state)
    jobs = [await add(store, new_job()) for _ in range(count)]
    for job in jobs:
        sealed = {"header/0": sealer.seal(job.job_id)}
        await store.transact(lambda tx, job=job, sealed=sealed: tx.put_secrets(job.job_id, sealed))  # type: ignore[misc] # defaults pin the values
    await store.close()
    return [job.job_id for job in jobs]


async def opened(state: Path, job_ids: list[str], sealer: FernetSealer) -> bool:
    store = await SQLiteStore.open(state)
    try:
        for job_id in job_ids:
            sealed = await store.transact(lambda tx, job_id=job_id: tx.secrets(job_id))  # type: ignore[misc] # a default pins the value
            assert sealer.open(sealed["header/0"]) == job_id
    except Unsealable:
        return False
    finally:
        await store.close()
    return True


async def test_rotate_then_prune(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / FILE)
    jobs = await stored(tmp_path, open_sealer(tmp_path, None))
    (old,) = file.read()
    assert rotate(tmp_path, file) == 2
    new, *rest = file.read()
    assert rest == [old]
    assert not await opened(tmp_path, jobs, FernetSealer([old]))
    assert await opened(tmp_path, jobs, FernetSealer([new]))
    assert prune(tmp_path, file) == 1
    assert file.read() == (new,)
    assert prune(tmp_path, file) == 0
    assert await opened(tmp_path, jobs, open_sealer(tmp_path, None))


async def test_prune_seals_anew_what_an_earlier_key_has_sealed(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    jobs = await stored(tmp_path, FernetSealer([old]))
    file = KeyFile(tmp_path / FILE)
    file.write([new, old])
    assert prune(tmp_path, file) == 1
    assert await opened(tmp_path, jobs, FernetSealer([new]))


async def test_nothing_changes_while_a_daemon_runs(tmp_path: Path) -> None:
    open_sealer(tmp_path, None)
    file = KeyFile(tmp_path / FILE)
    before = file.read()
    with StateDirectory(tmp_path):
        for change in (rotate, prune):
            with pytest.raises(StateDirectoryLocked):
                change(tmp_path, file)
    assert file.read() == before


async def test_nothing_changes_where_a_secret_cannot_be_opened(tmp_path: Path) -> None:
    sealer = FernetSealer([new_key()])
    jobs = await stored(tmp_path, sealer)
    file = KeyFile(tmp_path / FILE)
    with pytest.raises(KeyProblem, match=r"no key opens the secrets of job .*"):
        rotate(tmp_path, file)
    assert not file.path.exists()
    file.write([new_key(), new_key()])
    before = file.read()
    for change in (rotate, prune):
        with pytest.raises(KeyProblem) as refused:
            change(tmp_path, file)
        assert all(job in str(refused.value) for job in jobs)
    assert file.read() == before
    assert await opened(tmp_path, jobs, sealer)


async def test_a_key_is_on_disk_before_anything_is_sealed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await stored(tmp_path, open_sealer(tmp_path, None))
    file = KeyFile(tmp_path / FILE)

    class Crashing(sqlite3.Connection):
        def executemany(self, *values: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("crash")

    def open_crashing(state: Path) -> sqlite3.Connection:
        return sqlite3.connect(state / DATABASE, isolation_level=None, factory=Crashing)

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "open_database", open_crashing)
        with pytest.raises(Exception, match="crash"):
            rotate(tmp_path, file)
    assert len(file.read()) == 2
    assert await opened(tmp_path, jobs, open_sealer(tmp_path, None))


def test_a_credential_of_the_service_manager_is_read_only(tmp_path: Path) -> None:
    keys = new_key(), new_key()
    text = "".join(f"{base64.b64encode(key).decode()}\n" for key in keys)
    file = KeyFile(written(tmp_path / CREDENTIAL, text, 0o440).path, foreign=True)
    with pytest.raises(KeyProblem, match="service manager"):
        rotate(tmp_path, file)
    prune(tmp_path, file)
    assert file.path.read_text() == text


async def test_keys_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [base64.b64encode(new_key()).decode() for _ in range(2)]
    monkeypatch.setenv(VARIABLE, keys[0])
    jobs = await stored(tmp_path, open_sealer(tmp_path, None))
    assert not (tmp_path / FILE).exists()
    with pytest.raises(KeyProblem, match="environment; change it there"):
        rotate(tmp_path, key_file(tmp_path, None, os.environ))
    monkeypatch.setenv(VARIABLE, f"{keys[1]} {keys[0]}")
    assert prune(tmp_path, key_file(tmp_path, None, os.environ)) == 1
    monkeypatch.setenv(VARIABLE, keys[1])
    assert await opened(tmp_path, jobs, open_sealer(tmp_path, None))
    monkeypatch.setenv(VARIABLE, "planted")
    with pytest.raises(KeyProblem, match=f"line 1 of .{VARIABLE} is no key") as refused:
        open_sealer(tmp_path, None)
    assert "planted" not in str(refused.value)
