"""FTP downloads from a real server."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Verification
from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
    ProxySettings,
    ProxyUsage,
)
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Claimed, Failed, Finished, TransferOptions
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.ftp_server import PASSWORD, USER, FtpSite
from tests.support.http_hostile import HostileServer
from tests.support.http_proxies import SocksServer, forwarder

A = random.Random(1).randbytes(300_000)
B = A[:200_000] + random.Random(2).randbytes(100_000)
HALF = 150_000
OVERLAP = 64 << 10
DAY = 86_400
FTP = {"schemes": ("http", "https", "ftp")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the server has: a file that has rested for two days."""
    made = tmp_path / "served"
    made.mkdir()
    put(made, A)
    return made


def put(folder: Path, content: bytes, *, age: float = 2 * DAY) -> None:
    file = folder / "a b.bin"
    file.write_bytes(content)
    moment = int(time.time() - age)
    os.utime(file, (moment, moment))


def login(
    password: str = PASSWORD, scheme: AuthScheme = AuthScheme.BASIC, user: str = USER
) -> TransferOptions:
    key = CredentialsKey(AuthTarget.SERVER, scheme)
    return TransferOptions(credentials=(Credentials(key, user, password),))


async def whole(fetcher: Fetching, url: str, content: bytes = A, **fields: Any) -> Finished:
    """Fetches a file, which must be that one."""
    event = await fetcher.fetch(url, **fields)
    assert isinstance(event, Finished), event
    assert await fetcher.placed(event) == content
    return event


async def failed(fetcher: Fetching, url: str, **fields: Any) -> Failed:
    event = await fetcher.fetch(url, **fields)
    assert isinstance(event, Failed), event
    return event


async def test_a_file_and_what_is_told_of_it(tmp_path: Path, folder: Path) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            event = await whole(fetcher, f"{site.url}/a%20b.bin", digests=sha256(A))
    assert event.verification is Verification.DIGEST
    report = event.attempt
    assert (report.protocol, report.http_status) == ("FTP", None)
    assert (report.received, report.address) == (len(A), f"127.0.0.1:{site.port}")
    assert report.file.response_headers == ()
    assert site.sent("USER") == ["anonymous"]
    assert not {"PORT", "EPRT"} & {command for command, _ in site.commands}


async def cut_off(fetcher: Fetching, site: FtpSite) -> dict[str, Any]:
    """Brings half of a file; what is known of it then."""
    site.cut = HALF
    event = await failed(fetcher, f"{site.url}/a%20b.bin")
    assert event.error.transient
    assert HALF <= event.claimed < len(A)
    assert event.size == len(A)
    fetcher.events.clear()
    site.commands.clear()
    return {"claimed": event.claimed, "size": event.size, "validators": event.validators}


@pytest.mark.parametrize(
    ("age", "refused", "proof"),
    [
        (2 * DAY, (), Verification.VALIDATOR),
        (60, (), Verification.OVERLAP),
        (2 * DAY, ("MDTM",), Verification.OVERLAP),
    ],
)
async def test_resumes_by_what_the_server_knows_of_the_file(
    tmp_path: Path,
    folder: Path,
    age: float,
    refused: tuple[str, ...],
    proof: Verification,
) -> None:
    put(folder, A, age=age)
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder, refused=refused) as site:
            known = await cut_off(fetcher, site)
            event = await whole(fetcher, f"{site.url}/a%20b.bin", **known)
    assert event.verification is proof
    # A granted offset is no proof that it is kept.
    assert site.starts() == [known["claimed"] - OVERLAP]


@pytest.mark.parametrize("refused", [(), ("MDTM",)])
@pytest.mark.parametrize("new", [B[: HALF - 1] + b"x" + B[HALF:], A + b"more", A[:1000], b""])
async def test_another_file_is_fetched_from_its_start(
    tmp_path: Path, folder: Path, new: bytes, refused: tuple[str, ...]
) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder, refused=refused) as site:
            known = await cut_off(fetcher, site)
            put(folder, new, age=3 * DAY)
            await whole(fetcher, f"{site.url}/a%20b.bin", new, **known)
    assert fetcher.all(Claimed)[0].claimed == 0


async def test_a_younger_file_of_the_same_size_is_another(tmp_path: Path, folder: Path) -> None:
    new = A[:1000] + b"x" + A[1001:]
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            known = await cut_off(fetcher, site)
            # The overlap alone would not have told.
            put(folder, new, age=0)
            await whole(fetcher, f"{site.url}/a%20b.bin", new, **known)


@pytest.mark.parametrize("refused", [{"SIZE"}, {"REST"}, {"SIZE", "MDTM", "REST"}])
async def test_servers_that_cannot_resume_begin_anew(
    tmp_path: Path, folder: Path, refused: set[str]
) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            known = await cut_off(fetcher, site)
            site.refused = refused
            event = await whole(fetcher, f"{site.url}/a%20b.bin", **known)
    # Without a size nothing but the server's word says that this is all of it.
    unsure = "SIZE" in refused
    assert event.verification is (Verification.NONE if unsure else Verification.VALIDATOR)


@pytest.mark.parametrize("size", [0, 1, len(A)])
async def test_all_that_is_here_already_is_compared(
    tmp_path: Path, folder: Path, size: int
) -> None:
    put(folder, A[:size])
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            await whole(fetcher, f"{site.url}/a%20b.bin", A[:size], have=A[:size], size=size)


async def test_parts_of_a_file(tmp_path: Path, folder: Path) -> None:
    ranges = (FileRange(1000, 10), FileRange(250_000, None))
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            url = f"{site.url}/a%20b.bin"
            event = await whole(fetcher, url, A[1000:1010] + A[250_000:], ranges=ranges)
            assert event.verification is Verification.NONE
            fetcher.events.clear()
            outside = await failed(fetcher, url, ranges=(FileRange(len(A), 1),))
        assert outside.error.reason is Reason.RANGE_OUTSIDE_FILE
        fetcher.events.clear()
        with FtpSite(folder, refused=["REST"]) as site:
            whole_only = await failed(
                fetcher, f"{site.url}/a%20b.bin", ranges=(FileRange(250_000, None), FileRange(9, 1))
            )
        assert whole_only.error.reason is Reason.INSUFFICIENT_RANGE_SUPPORT


async def test_the_address_in_a_passive_answer_is_ignored(tmp_path: Path, folder: Path) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder, lying=True) as site:
            await whole(fetcher, f"{site.url}/a%20b.bin")
    assert site.sent("PASV")


async def test_logins(tmp_path: Path, folder: Path) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder, login=True) as site:
            url = f"{site.url}/a%20b.bin"
            for options in (TransferOptions(), login("wrong")):
                event = await failed(fetcher, url, options=options)
                assert (event.error.reason, event.error.transient) == (Reason.LOGIN_DENIED, False)
                fetcher.events.clear()
            await whole(fetcher, url, options=login())
            fetcher.events.clear()
            # Whoever may, opens the door for nobody else.
            event = await failed(fetcher, url)
            assert event.error.reason is Reason.LOGIN_DENIED
            fetcher.events.clear()
            unspoken = await failed(fetcher, url, options=login(scheme=AuthScheme.DIGEST))
            assert unspoken.error.reason is Reason.NOT_SUPPORTED
    assert PASSWORD not in repr(fetcher.events)


async def test_what_the_server_does_not_have(tmp_path: Path, folder: Path) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            for path in ("none", "no/such/file"):
                event = await failed(fetcher, f"{site.url}/{path}")
                assert event.error.reason is Reason.REMOTE_FILE_UNAVAILABLE
                assert not event.error.transient
                assert path not in event.error.message
                fetcher.events.clear()


async def test_what_is_http_s_alone_is_refused(tmp_path: Path, folder: Path) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        options = TransferOptions(http=HttpOptions(method="POST"))
        event = await failed(fetcher, "ftp://localhost:1/x", options=options)
    assert event.error.reason is Reason.NOT_SUPPORTED


async def test_a_scheme_that_the_settings_do_not_name(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        event = await failed(fetcher, "ftp://localhost:1/x")
    assert (event.error.reason, event.error.transient) == (Reason.NOT_SUPPORTED, False)


async def test_a_web_server_does_not_send_anybody_to_ftp(tmp_path: Path, folder: Path) -> None:
    with FtpSite(folder) as site:
        where = f"{site.url}/a%20b.bin"
        with HostileServer(lambda _, wire: wire.answer(302, b"", Location=where)) as server:
            async with fetching(tmp_path / "data", **FTP) as fetcher:
                event = await failed(fetcher, f"{server.url}/a")
    assert event.error.reason is Reason.REDIRECT_REFUSED
    assert not site.commands


@pytest.mark.parametrize(("other", "proof"), [(A, Verification.OVERLAP), (B, None)])
async def test_an_ftp_mirror_goes_on_where_the_overlap_agrees(
    tmp_path: Path, folder: Path, other: bytes, proof: Verification | None
) -> None:
    put(folder, other)

    def half(request: Any, wire: Any) -> None:
        wire.head(200, Content_Length=len(A))
        wire.send(A[: 2 * HALF - 30_000])
        wire.close()

    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with HostileServer(half) as server, FtpSite(folder) as site:
            event = await fetcher.fetch(f"{server.url}/a", mirrors=(f"{site.url}/a%20b.bin",))
    assert site.starts()
    if proof is None:
        assert isinstance(event, Failed)
    else:
        assert isinstance(event, Finished)
        assert event.verification is proof
        assert await fetcher.placed(event) == A


async def test_a_probe(tmp_path: Path, folder: Path) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            found = await fetcher.engine.probe(f"{site.url}/a%20b.bin", TransferOptions())
            assert (found.size, found.accepts_ranges, found.protocol) == (len(A), True, "FTP")
            assert (found.http_status, found.etag) == (None, "")
            assert found.last_modified.endswith("GMT")
            assert found.suggested_name == "a b.bin"
            put(folder, b"")
            found = await fetcher.engine.probe(f"{site.url}/a%20b.bin", TransferOptions())
            assert (found.size, found.error) == (0, None)
            found = await fetcher.engine.probe(f"{site.url}/none", TransferOptions())
            assert found.error is not None
            assert found.error.reason is Reason.REMOTE_FILE_UNAVAILABLE


async def test_through_proxies_both_connections_are_tunnelled(tmp_path: Path, folder: Path) -> None:
    secret = HttpHeader("X-Key", "hidden", secret=True)
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site, HostileServer(forwarder()) as web, SocksServer() as socks:
            for proxy in (web.url, socks.url):
                settings = ProxySettings(ProxyUsage.OVERRIDE, (proxy,))
                http = HttpOptions(proxy=settings, headers=(secret,))
                options = TransferOptions(http=http)
                await whole(fetcher, f"{site.url}/a%20b.bin", options=options)
                fetcher.events.clear()
    assert [request.method for request in web.requests] == ["CONNECT", "CONNECT"]
    assert "hidden" not in repr(web.requests)


@pytest.mark.parametrize("liar", ["deaf", "behind"])
async def test_an_offset_that_is_granted_and_not_kept_makes_no_wrong_file(
    tmp_path: Path, folder: Path, liar: str
) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            known = await cut_off(fetcher, site)
            site.shift = -known["claimed"] if liar == "deaf" else -1000
            event = await fetcher.fetch(f"{site.url}/a%20b.bin", **known)
            assert isinstance(event, Finished), event
            assert await fetcher.placed(event) == A


async def test_data_that_ends_before_the_size_is_not_all(tmp_path: Path, folder: Path) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        with FtpSite(folder) as site:
            site.short = HALF
            event = await failed(fetcher, f"{site.url}/a%20b.bin")
            assert event.error.transient
            assert HALF <= event.claimed < len(A)
            fetcher.events.clear()
            site.short = None
            known: dict[str, Any] = {"claimed": event.claimed, "size": len(A)}
            await whole(fetcher, f"{site.url}/a%20b.bin", **known, validators=event.validators)


CHANGES = {
    "same": A,
    "early": b"x" + A[1:],
    "late": A[:-1] + b"x",
    "near": A[:HALF] + b"x" * 1000 + A[HALF + 1000 :],
    "longer": A + b"more",
    "shorter": A[:100_000],
}


@pytest.mark.parametrize("shift", [0, -1000, -len(A)])
@pytest.mark.parametrize(
    "refused", [set(), {"MDTM"}, {"SIZE"}, {"REST"}, {"SIZE", "MDTM"}], ids=sorted
)
async def test_no_server_makes_a_wrong_file(
    tmp_path: Path, folder: Path, refused: set[str], shift: int
) -> None:
    async with fetching(tmp_path / "data", **FTP) as fetcher:
        for name, now in CHANGES.items():
            put(folder, A)
            with FtpSite(folder) as site:
                known = await cut_off(fetcher, site)
                if name != "same":
                    put(folder, now, age=3 * DAY)
                site.refused, site.shift = refused, shift
                event = await fetcher.fetch(f"{site.url}/a%20b.bin", **known)
                assert isinstance(event, Finished), (name, event)
                brought = await fetcher.placed(event)
            fetcher.events.clear()
            if event.verification is Verification.OVERLAP:
                # Of what came before the change nothing but its end was looked at.
                assert len(brought) == len(now)
                assert brought == now or name == "early", name
            else:
                assert brought == now, name
