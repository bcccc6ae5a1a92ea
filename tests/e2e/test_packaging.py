"""The units, the container file, and a daemon that has as few rights as they leave it."""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bgcopy
from bgcopyd.cli.exits import Exit
from tests.support.daemon import run_bgcopyd
from tests.support.hardened import HardenedDaemon
from tests.support.http_files import process

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
UNITS = {kind: PACKAGING / "systemd" / kind / "bgcopyd.service" for kind in ("system", "user")}
# Tenths; systemd calls 2.0 and less OK, an unhardened service has 9.6.
EXPOSURE = 15


def unit(kind: str) -> configparser.SectionProxy:
    """The [Service] section."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
    parser.read_string(UNITS[kind].read_text())
    return parser["Service"]


@pytest.fixture
def installed(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A unit as if the daemon were installed where this interpreter is."""
    text = UNITS[request.param].read_text()
    path = tmp_path / "bgcopyd.service"
    path.write_text(text.replace("/usr/bin/bgcopyd", f"{Path(sys.executable).parent}/bgcopyd"))
    return path


def analyze(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize(
    ("installed", "manager"), [("system", "--system"), ("user", "--user")], indirect=["installed"]
)
def test_systemd_understands_the_units(installed: Path, manager: str, tmp_path: Path) -> None:
    done = analyze(tmp_path, "verify", manager, "--man=no", str(installed))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("installed", ["system"], indirect=True)
def test_the_unit_leaves_the_daemon_little(installed: Path, tmp_path: Path) -> None:
    done = analyze(tmp_path, "security", "--offline=yes", f"--threshold={EXPOSURE}", str(installed))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", UNITS)
def test_units_restart_only_what_a_restart_mends(kind: str) -> None:
    service = unit(kind)
    assert service["Restart"] == "on-failure"
    hopeless = {Exit.USAGE, Exit.DAMAGED, Exit.CANNOT_CREATE, Exit.CONFIGURATION}
    assert {int(code) for code in service["RestartPreventExitStatus"].split()} == hopeless


def test_the_container_runs_as_nobody_special() -> None:
    text = (PACKAGING / "Containerfile").read_text()
    last_stage = text.rpartition("\nFROM ")[2]
    users = re.findall(r"^USER (\d+):(\d+)$", last_stage, re.MULTILINE)
    assert users
    assert 0 not in {int(number) for number in users[-1]}
    assert last_stage.index("USER ") < last_stage.index("ENTRYPOINT")


@pytest.mark.mdwe
async def test_a_daemon_with_few_rights_copies_a_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    content = os.urandom(300_000)
    (source / "file").write_bytes(content)
    daemon = HardenedDaemon(tmp_path / "daemon")
    try:
        await daemon.start()
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        async with process(source) as url, bgcopy.AsyncClient(daemon.target) as client:
            digest = hashlib.sha256(content).hexdigest()
            spec = bgcopy.FileSpec(f"{url}/file", "file", sha256=digest)
            job = await client.create_job("few rights", [spec], start=True, auto_complete=True)
            await job.wait()
        assert (daemon.root_dir / "file").read_bytes() == content
    finally:
        await daemon.close()


@pytest.mark.as_root
async def test_root_is_refused_unless_told(tmp_path: Path) -> None:
    arguments = ["serve", "--state-dir", str(tmp_path / "s"), "--listen", f"unix:{tmp_path}/s.sock"]
    done = await run_bgcopyd(*arguments, home=tmp_path, environment={"BGCOPY_ALLOW_ROOT": "false"})
    assert done.code == Exit.CONFIGURATION
    assert "--allow-root" in done.stderr
    assert not (tmp_path / "s").exists()
