"""Uploads by FTP to a real server: the file has its name only when all of it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import trustme

from bgcopyd.jobs.http_options import AuthScheme, AuthTarget, Credentials, CredentialsKey
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.upload import NEW_UPLOAD, Source, Upload, UploadProtocol
from bgcopyd.queue.transfers import Claimed, Finished, TransferOptions
from tests.support.ftp_server import PASSWORD, USER, FtpSite
from tests.support.http_hostile import HostileServer
from tests.support.sending import A, Keeper, Sending, sending
from tests.support.tls import write_ca

_KEY = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)
LOGIN = TransferOptions(credentials=(Credentials(_KEY, USER, PASSWORD),))
HIDDEN = ".bgcopy-job-0"
CUT = 1_000_000
ALL = {"schemes": ("ftp", "ftps", "ftpes")}


@pytest.fixture
def served(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    (folder / "in").mkdir(parents=True)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def send(one: Sending, site: FtpSite, path: str = "in/a", **fields: Any) -> Any:
    return await one.send(f"{site.url}/{path}", upload=NEW_UPLOAD, options=LOGIN, **fields)


@pytest.mark.parametrize("size", [0, 1, len(A)])
async def test_the_server_gets_the_file(tmp_path: Path, served: Path, size: int) -> None:
    with FtpSite(served, login=True) as site:
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A[:size])
            event = await send(one, site, "in/a%20b")
            assert isinstance(event, Finished), event
    assert files(served / "in") == {"a b": A[:size]}
    assert site.sent("RNFR")[0].endswith(f"in/{HIDDEN}")
    assert site.sent("RNTO")[0].endswith("in/a b")
    assert (event.size, event.attempt.received) == (size, size)
    assert (event.attempt.protocol, event.attempt.http_status) == ("FTP", None)


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
async def test_over_tls(tmp_path: Path, served: Path, tls: str) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "server.pem"
    issued = authority.issue_cert("localhost").private_key_and_cert_chain_pem
    issued.write_to_path(str(certificate))
    trusted = write_ca(authority, tmp_path)
    with FtpSite(served, login=True, tls=tls, certificate=certificate) as site:
        async with sending(tmp_path / "data", ca_file=trusted, **ALL) as one:
            one.write(A)
            event = await send(one, site)
            assert isinstance(event, Finished), event
        async with sending(tmp_path / "data", **ALL) as one:
            refused = await send(one, site, "in/b")
            assert refused.error.reason is Reason.TLS_FAILED
    assert files(served / "in") == {"a": A}


async def test_goes_on_from_what_is_there(tmp_path: Path, served: Path) -> None:
    with FtpSite(served, login=True) as site:
        site.takes = CUT
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A)
            (served / "in" / "a").write_bytes(b"old")
            first = await send(one, site)
            assert first.error.transient, first
            there = files(served / "in")
            assert there["a"] == b"old"
            size = len(there[HIDDEN])
            assert CUT <= size < len(A)
            known = one.noted[-1]
            assert known.session == f"{site.url}/in/{HIDDEN}"
            for _ in range(9):
                event = await one.send(f"{site.url}/in/a", upload=known, options=LOGIN)
                if isinstance(event, Finished):
                    break
                # The end of the connection that broke may not have been seen yet.
                assert event.error.reason is Reason.CONNECTION_CLOSED  # type: ignore[union-attr] # it has failed
            assert isinstance(event, Finished), event
            assert one.fetching.all(Claimed)[0].claimed == size
    assert files(served / "in") == {"a": A}
    assert len(site.sent("APPE")) == 1
    assert event.attempt.received == len(A) - size


def begun(one: Sending, site: FtpSite) -> Upload:
    known = (one.fetching.root / "file").stat()
    source = Source(known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns)
    return Upload(source, f"{site.url}/in/{HIDDEN}", UploadProtocol.FILING)


@pytest.mark.parametrize("there", [A[:CUT], A, A + b"more", None])
async def test_whatever_is_there(tmp_path: Path, served: Path, there: bytes | None) -> None:
    """What is longer than the file is not of it."""
    with FtpSite(served, login=True) as site:
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A)
            if there is not None:
                (served / "in" / HIDDEN).write_bytes(there)
            url = f"{site.url}/in/a"
            event = await one.send(url, upload=begun(one, site), options=LOGIN)
            assert isinstance(event, Finished), event
            # The connection's next file is not appended to anything.
            again = await send(one, site)
            assert isinstance(again, Finished), again
    assert files(served / "in") == {"a": A}
    assert len(site.sent("APPE")) == (there == A[:CUT])


async def test_a_server_that_does_not_tell_sizes(tmp_path: Path, served: Path) -> None:
    with FtpSite(served, login=True, refused=["SIZE"]) as site:
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A)
            (served / "in" / HIDDEN).write_bytes(A[:CUT])
            url = f"{site.url}/in/a"
            event = await one.send(url, upload=begun(one, site), options=LOGIN)
            assert isinstance(event, Finished), event
    assert files(served / "in") == {"a": A}
    assert not site.sent("APPE")


async def test_a_server_that_renames_nothing(tmp_path: Path, served: Path) -> None:
    with FtpSite(served, login=True, refused=["RNTO"]) as site:
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A)
            event = await send(one, site)
    assert (event.error.reason, event.error.transient) == (Reason.REMOTE_FILE_UNAVAILABLE, False)
    assert [argument.rpartition("/")[2] for argument in site.sent("DELE")] == ["a"]


@pytest.mark.parametrize(
    ("path", "full", "transient", "word"),
    [("none/a", False, False, "directory"), ("in/a", True, True, "452")],
)
async def test_a_server_that_does_not_take_it(
    tmp_path: Path, served: Path, path: str, word: str, *, full: bool, transient: bool
) -> None:
    with FtpSite(served, login=True) as site:
        site.full = full
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A)
            event = await send(one, site, path)
    assert event.error.reason is Reason.REMOTE_FILE_UNAVAILABLE
    assert event.error.transient is transient
    assert word in event.error.message
    assert PASSWORD not in repr(event)


async def test_absolute_paths(tmp_path: Path, served: Path) -> None:
    with FtpSite(served, login=True) as site:
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A)
            event = await send(one, site, "%2Fin/a%C3%BC")
            assert isinstance(event, Finished), event
    assert files(served / "in") == {"a\u00fc": A}
    assert site.sent("RNTO") == ["/in/a\u00fc"]


async def test_cancelled_it_leaves_nothing(tmp_path: Path, served: Path) -> None:
    with FtpSite(served, login=True) as site:
        site.takes = CUT
        async with sending(tmp_path / "data", **ALL) as one:
            one.write(A)
            await send(one, site)
            assert [*files(served / "in")] == [HIDDEN]
            url = f"{site.url}/in/a"
            for _ in range(2):
                assert not await one.fetching.engine.part("job", url, one.noted[-1], LOGIN)
                assert files(served / "in") == {}


async def test_a_server_that_does_not_confirm_holds_up_nothing_else(
    tmp_path: Path, served: Path
) -> None:
    """libcurl waits for that without looking at anything else."""
    with FtpSite(served, login=True) as site:
        site.confirms.clear()
        async with sending(tmp_path / "data", schemes=("http", "ftp")) as one:
            one.write(A)
            keeper = Keeper()
            with HostileServer(keeper) as other:
                one.start(f"{site.url}/in/a", upload=NEW_UPLOAD, options=LOGIN)
                assert await asyncio.to_thread(site.stored.wait, 30)
                one.start(other.url, index=1)
                assert isinstance(await one.fetching.end(1), Finished)
                site.confirms.set()
                assert isinstance(await one.fetching.end(), Finished)
    assert files(served / "in") == {"a": A}
