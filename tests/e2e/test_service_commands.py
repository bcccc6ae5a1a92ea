"""`bgcopyd config` and `bgcopyd store` as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path

import bgcopy
from tests.support.daemon import DaemonProcess, run_bgcopyd

NOT_FOUND, CANNOT_CREATE, IN_USE, CONFIGURATION = 66, 73, 75, 78


async def test_config_check(tmp_path: Path) -> None:
    good = await run_bgcopyd("config", "check", home=tmp_path)
    assert (good.code, good.stderr) == (0, "")
    bad = await run_bgcopyd(
        "config", "check", home=tmp_path, environment={"BGCOPY_BACKGROUND_JOB": "3"}
    )
    assert bad.code == CONFIGURATION
    assert "did you mean 'BGCOPY_BACKGROUND_JOBS'?" in bad.stderr


async def test_config_show_names_origins(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('retention = "1d"\n')
    shown = await run_bgcopyd(
        "config", "show", "--json", "--config", str(file), "--log-level", "debug",
        home=tmp_path, environment={"BGCOPY_BACKGROUND_JOBS": "7"},
    )  # fmt: skip
    assert shown.code == 0, shown.stderr
    values = json.loads(shown.stdout)
    assert values["retention"] == {"value": 86_400.0, "origin": str(file)}
    assert values["background_jobs"] == {"value": 7, "origin": "BGCOPY_BACKGROUND_JOBS"}
    assert values["log_level"] == {"value": "debug", "origin": "flag --log-level"}
    assert values["time_slice"]["origin"] == "default"


async def test_backup_beside_a_running_daemon_and_restore_without_it(
    daemon: DaemonProcess,
) -> None:
    async with bgcopy.AsyncClient(daemon.target) as client:
        kept = await client.create_job("before the backup")
        saved = await daemon.command("store", "backup")
        assert saved.code == 0, saved.stderr
        lost = await client.create_job("after the backup")
    running = await daemon.command("store", "restore")
    assert running.code == IN_USE
    assert "stop it first" in running.stderr
    assert await daemon.terminate() == 0
    restored = await daemon.command("store", "restore")
    assert restored.code == 0, restored.stderr
    await daemon.start()
    async with bgcopy.AsyncClient(daemon.target) as client:
        assert (await client.get_job(kept.job_id)).display_name == "before the backup"
        assert [info async for info in client.jobs(job_ids=[lost.job_id])] == []


async def test_store_commands_on_nothing(tmp_path: Path) -> None:
    flags = ("--state-dir", str(tmp_path / "empty"))
    checked = await run_bgcopyd("store", "check", *flags, home=tmp_path)
    assert checked.code == 0
    restored = await run_bgcopyd("store", "restore", *flags, home=tmp_path)
    assert restored.code == NOT_FOUND
    assert "no whole backup" in restored.stderr


async def test_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    flags = ("--state-dir", str(tmp_path / "file" / "state"))
    made = await run_bgcopyd("token", "create", "--principal", "anna", *flags, home=tmp_path)
    assert made.code == CANNOT_CREATE
    assert made.stdout == ""
    assert "Traceback" not in made.stderr
