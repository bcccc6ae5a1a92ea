"""The README's section for a team: its commands, as they stand there."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

import pytest

import bgcopy
from tests.support.daemon import clean_environment
from tests.support.network import answers, free_port

README = Path(__file__).resolve().parents[2] / "README.md"
HOST = "files.example.org"
PORT = "7447"


def commands() -> list[str]:
    """Those of the section's first session, whole, without the installation."""
    section = README.read_text().partition("## For a team\n")[2]
    session = section.partition("```console\n")[2].partition("```")[0]
    lines = session.replace("\\\n", " ").splitlines()
    found = [line.removeprefix("$ ") for line in lines]
    assert found[0].startswith("pip install")
    return found[1:]


@pytest.mark.needs("openssl")
async def test_from_nothing_to_tls_with_two_users(tmp_path: Path) -> None:
    certificate, *tokens, serve = commands()
    assert len(tokens) == 2
    port = free_port()
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    # The host is this one.
    environment = clean_environment(tmp_path)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    certificate = certificate.replace(HOST, "localhost")
    serve = serve.replace(PORT, str(port)).replace("/srv/downloads", str(downloads))

    async def start(command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *shlex.split(command),
            cwd=tmp_path,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def run(command: str) -> str:
        process = await start(command)
        out, _ = await process.communicate()
        assert process.returncode == 0, command
        return out.decode()

    await run(certificate)
    anna, ben = [(await run(command)).split()[-1] for command in tokens]
    daemon = await start(serve)
    try:
        assert await answers(port, daemon)
        trust = (tmp_path / "cert.pem").read_bytes()
        target = f"localhost:{port}"
        async with (
            bgcopy.AsyncClient(target, token=anna, root_certificates=trust) as hers,
            bgcopy.AsyncClient(target, token=ben, root_certificates=trust) as his,
        ):
            job = await hers.create_job("of Anna's", timeout=40)
            assert (await hers.get_job(job.job_id)).owner == "user:anna"
            with pytest.raises(bgcopy.PermissionDenied):
                await his.get_job(job.job_id)
    finally:
        daemon.terminate()
        await daemon.wait()
    assert daemon.returncode == 0
