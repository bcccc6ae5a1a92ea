"""NTLM, with a daemon on the system's libcurl: the one in pycurl's wheel has none."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

import bgcopy
from bgcopy import AuthScheme, AuthTarget, FileSpec, ProxySettings, ProxyUsage
from tests.support.daemon import SYSTEM_PYCURL, DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.http_proxies import forwarder
from tests.support.ntlm import NtlmGate, know

pytestmark = pytest.mark.needs(SYSTEM_PYCURL.name)

A = random.Random(1).randbytes(200_000)


@pytest.fixture
async def ntlm_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_daemon: Callable[..., DaemonProcess]
) -> DaemonProcess:
    know(monkeypatch, tmp_path, "anna", "sécret")
    return await make_daemon(environment={"PYTHONPATH": str(SYSTEM_PYCURL)}).start()


@pytest.fixture
async def client(ntlm_daemon: DaemonProcess) -> AsyncIterator[bgcopy.AsyncClient]:
    async with bgcopy.AsyncClient(ntlm_daemon.target) as connected:
        yield connected


def whole(_: Request, wire: Wire) -> None:
    wire.answer(200, A, ETag='"a"')


async def new(client: bgcopy.AsyncClient, url: str, path: str) -> bgcopy.Job:
    return await client.create_job(path, [FileSpec(f"{url}/a", path)], auto_complete=True)


async def login(
    client: bgcopy.AsyncClient, job: bgcopy.Job, password: str, target: AuthTarget
) -> None:
    await client.set_credentials(
        job.job_id, AuthScheme.NTLM, user_name="anna", password=password, target=target
    )


async def status(job: bgcopy.Job) -> int | None:
    """The answer that the job has failed with."""
    await job.resume()
    with pytest.raises(bgcopy.TransferFailed) as failed:
        await job.wait(30)
    error = failed.value.job.error
    assert error is not None
    assert not error.transient
    return error.http_status


async def test_a_server_hears_who_is_there(
    client: bgcopy.AsyncClient, ntlm_daemon: DaemonProcess
) -> None:
    with HostileServer(NtlmGate(whole)) as host:
        known = await new(client, host.url, "known")
        await login(client, known, "sécret", AuthTarget.SERVER)
        await known.resume()
        await known.wait(30)
        # The connection of the first is logged in; whoever brings no password must not get it.
        assert await status(await new(client, host.url, "nobody")) == 401
        wrong = await new(client, host.url, "wrong")
        await login(client, wrong, "other", AuthTarget.SERVER)
        assert await status(wrong) == 401
    assert (ntlm_daemon.root_dir / "known").read_bytes() == A
    assert [path.name for path in ntlm_daemon.root_dir.iterdir() if path.name[0] != "."] == [
        "known"
    ]


async def test_a_proxy_hears_who_is_there(
    client: bgcopy.AsyncClient, ntlm_daemon: DaemonProcess
) -> None:
    gate = NtlmGate(forwarder(), proxy=True)
    with HostileServer(whole) as host, HostileServer(gate) as proxy:
        settings = ProxySettings(ProxyUsage.OVERRIDE, proxies=(proxy.url,))
        for path, password in (("known", "sécret"), ("wrong", "other")):
            job = await new(client, host.url, path)
            await job.update(proxy=settings)
            await login(client, job, password, AuthTarget.PROXY)
            if path == "known":
                await job.resume()
                await job.wait(30)
            else:
                assert await status(job) == 407
    assert (ntlm_daemon.root_dir / "known").read_bytes() == A
