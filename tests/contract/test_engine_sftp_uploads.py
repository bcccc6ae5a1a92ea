"""Uploads by SFTP to a real SSH server: the file has its name only when all of it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
)
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.upload import NEW_UPLOAD, Source, Upload, UploadProtocol
from bgcopyd.queue.transfers import Claimed, Finished, Noted, Stopped, TransferOptions
from tests.support.sending import A, sending
from tests.support.ssh_server import PASSWORD, USER, SshSite, ssh_site

_KEY = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)
LOGIN = TransferOptions(credentials=(Credentials(_KEY, USER, PASSWORD),))
HIDDEN = ".bgcopy-job-0"
CUT = 1_000_000


@pytest.fixture
def served(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    (folder / "in").mkdir(parents=True)
    return folder


def options(site: SshSite, tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"schemes": ("sftp",), "known_hosts": site.known_hosts(tmp_path, **more)}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("size", [0, 1, len(A)])
async def test_the_server_gets_the_file(tmp_path: Path, served: Path, size: int) -> None:
    async with (
        ssh_site(served) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A[:size])
        event = await one.send(site.url("sftp", "in/a%20b"), upload=NEW_UPLOAD, options=LOGIN)
        assert isinstance(event, Finished), event
    assert files(served / "in") == {"a b": A[:size]}
    assert site.renames == [(HIDDEN, "a b")]
    assert (event.size, event.attempt.received) == (size, size)
    assert (event.attempt.protocol, event.attempt.http_status) == ("SFTP", None)


async def test_where_it_is_put_is_known_before_a_byte_is_sent(tmp_path: Path, served: Path) -> None:
    async with (
        ssh_site(served) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        fetcher = one.fetching
        fetcher.engine.on_events(fetcher.take)
        one.write(A)
        one.start(site.url("sftp", "in/a"), upload=NEW_UPLOAD, options=LOGIN)
        await fetcher.first(Noted)
        fetcher.engine.proceed("job", 0)
        noted = await fetcher.until(
            lambda: next((e.upload for e in fetcher.all(Noted) if e.upload.session), None)
        )
        assert noted.session == site.url("sftp", f"in/{HIDDEN}")
        assert noted.protocol is UploadProtocol.FILING
        assert files(served / "in") == {}
        fetcher.engine.stop("job")
        assert isinstance(await fetcher.end(), Stopped)


async def test_goes_on_from_what_is_there(tmp_path: Path, served: Path) -> None:
    async with (
        ssh_site(served, cut_write=CUT) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        url = site.url("sftp", "in/a")
        (served / "in" / "a").write_bytes(b"old")
        first = await one.fails(url, upload=NEW_UPLOAD, options=LOGIN)
        assert first.error.transient, first
        there = files(served / "in")
        assert there["a"] == b"old"
        size = len(there[HIDDEN])
        assert CUT <= size < len(A)
        assert there[HIDDEN] == A[:size]
        site.writes.clear()
        event = await one.send(url, upload=one.noted[-1], options=LOGIN)
        assert isinstance(event, Finished), event
        assert one.fetching.all(Claimed)[0].claimed == size
    assert min(site.writes) == size
    assert files(served / "in") == {"a": A}
    assert event.attempt.received == len(A) - size


def begun(folder: Path, url: str) -> Upload:
    known = (folder / "file").stat()
    source = Source(known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns)
    return Upload(source, f"{url.rpartition('/')[0]}/{HIDDEN}", UploadProtocol.FILING)


@pytest.mark.parametrize("there", [A, A + b"more", None])
async def test_whatever_is_there(tmp_path: Path, served: Path, there: bytes | None) -> None:
    """What is longer than the file is not of it."""
    async with (
        ssh_site(served) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        if there is not None:
            (served / "in" / HIDDEN).write_bytes(there)
        url = site.url("sftp", "in/a")
        event = await one.send(url, upload=begun(one.fetching.root, url), options=LOGIN)
        assert isinstance(event, Finished), event
    assert files(served / "in") == {"a": A}
    assert (not site.writes) is (there == A)


async def test_a_server_that_renames_over_nothing(tmp_path: Path, served: Path) -> None:
    async with (
        ssh_site(served, strict_rename=True) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        (served / "in" / "a").write_bytes(b"old")
        event = await one.send(site.url("sftp", "in/a"), upload=NEW_UPLOAD, options=LOGIN)
        assert isinstance(event, Finished), event
    assert files(served / "in") == {"a": A}
    assert len(site.renames) == 2


async def test_a_server_that_renames_nothing(tmp_path: Path, served: Path) -> None:
    async with (
        ssh_site(served, no_rename=True) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        event = await one.fails(site.url("sftp", "in/a"), upload=NEW_UPLOAD, options=LOGIN)
    assert (event.error.reason, event.error.transient) == (Reason.REMOTE_FILE_UNAVAILABLE, False)
    assert "rename" in event.error.message


async def test_names_that_have_to_be_quoted(tmp_path: Path, served: Path) -> None:
    async with (
        ssh_site(served) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        name = 'a "b" \\c\' \u00fc'
        url = site.url("sftp", "in/a%20%22b%22%20%5Cc'%20%C3%BC")
        event = await one.send(url, upload=NEW_UPLOAD, options=LOGIN)
        assert isinstance(event, Finished), event
        home = await one.send(site.url("sftp", "~/at%20home"), upload=NEW_UPLOAD, options=LOGIN)
        assert isinstance(home, Finished), home
    assert files(served / "in") == {name: A}
    assert (served / "at home").read_bytes() == A


async def test_no_such_directory(tmp_path: Path, served: Path) -> None:
    async with (
        ssh_site(served) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        event = await one.fails(site.url("sftp", "none/a"), upload=NEW_UPLOAD, options=LOGIN)
    assert (event.error.reason, event.error.transient) == (Reason.REMOTE_FILE_UNAVAILABLE, False)
    assert "directory" in event.error.message


async def test_wrong_logins_and_keys(tmp_path: Path, served: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    wrong = TransferOptions(credentials=(Credentials(_KEY, USER, "hidden"),))
    async with ssh_site(served) as site:
        async with sending(tmp_path / "data", **options(site, tmp_path)) as one:
            one.write(A)
            event = await one.fails(site.url("sftp", "in/a"), upload=NEW_UPLOAD, options=wrong)
            assert event.error.reason is Reason.LOGIN_DENIED
            assert "hidden" not in repr(event)
        site.logins.clear()
        async with sending(tmp_path / "data", **options(site, tmp_path, key=other)) as one:
            event = await one.fails(site.url("sftp", "in/a"), upload=NEW_UPLOAD, options=LOGIN)
            assert event.error.reason is Reason.HOST_KEY_REFUSED
        assert not site.logins
    assert files(served / "in") == {}


async def test_a_source_that_changes(tmp_path: Path, served: Path) -> None:
    async with (
        ssh_site(served, cut_write=CUT) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        url = site.url("sftp", "in/a")
        await one.fails(url, upload=NEW_UPLOAD, options=LOGIN)
        one.write(A[::-1])
        event = await one.fails(url, upload=one.noted[-1], options=LOGIN)
        assert event.error.reason is Reason.LOCAL_FILE_CHANGED
        assert [*files(served / "in")] == [HIDDEN]
        # Cancelled: nothing stays there, and there is nothing to drop a second time.
        for _ in range(2):
            assert not await one.fetching.engine.part("job", url, one.noted[-1], LOGIN)
            assert files(served / "in") == {}


async def test_header_fields_mean_nothing(tmp_path: Path, served: Path) -> None:
    http = HttpOptions(headers=(HttpHeader("X-A", "1"),))
    async with (
        ssh_site(served) as site,
        sending(tmp_path / "data", **options(site, tmp_path)) as one,
    ):
        one.write(A)
        event = await one.fails(
            site.url("sftp", "in/a"), upload=NEW_UPLOAD, options=LOGIN, http=http
        )
    assert event.error.reason is Reason.NOT_SUPPORTED
