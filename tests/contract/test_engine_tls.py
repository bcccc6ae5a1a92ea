"""TLS as a job wants it: weaker judgement, other authorities, certificates of its own."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import trustme

from bgcopyd.jobs.http_options import HttpOptions, TlsFlag
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.tls import context, write_ca, write_client

A = random.Random(1).randbytes(10_000)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def other() -> trustme.CA:
    return trustme.CA()


def whole(_: Request, wire: Wire) -> None:
    wire.answer(200, A, ETag='"a"')


async def reason(fetcher: Fetching, url: str, http: HttpOptions) -> Reason | None:
    """Why a fetch failed; None where it did not."""
    fetcher.events.clear()
    event = await fetcher.fetch(url, options=TransferOptions(http=http))
    if isinstance(event, Finished):
        return None
    assert isinstance(event, Failed)
    assert not event.error.transient
    return event.error.reason


async def test_flags_weaken_one_judgement_each_and_for_that_job_alone(
    tmp_path: Path, authority: trustme.CA, other: trustme.CA
) -> None:
    name, issuer = TlsFlag.IGNORE_CERT_CN_INVALID, TlsFlag.IGNORE_UNKNOWN_CA
    async with fetching(tmp_path / "data", ca_file=write_ca(authority, tmp_path)) as fetcher:
        with (
            HostileServer(whole, context=context(authority, "elsewhere")) as misnamed,
            HostileServer(whole, context=context(other)) as strange,
        ):
            for flags, results in (
                ((), (Reason.TLS_FAILED, Reason.TLS_FAILED)),
                ((name,), (None, Reason.TLS_FAILED)),
                ((issuer,), (Reason.TLS_FAILED, None)),
                ((name, issuer), (None, None)),
                # A connection that was accepted with a flag serves nobody without it.
                ((), (Reason.TLS_FAILED, Reason.TLS_FAILED)),
            ):
                http = HttpOptions(tls_flags=flags)
                found = [
                    await reason(fetcher, f"{host.url}/a", http) for host in (misnamed, strange)
                ]
                assert tuple(found) == results, flags


async def test_a_bundle_is_chosen_by_name(
    tmp_path: Path, authority: trustme.CA, other: trustme.CA
) -> None:
    bundles = {"other": write_ca(other, tmp_path, "other.pem")}
    ca_file = write_ca(authority, tmp_path)
    async with fetching(tmp_path / "data", ca_file=ca_file, ca_bundles=bundles) as fetcher:
        with (
            HostileServer(whole, context=context(authority)) as usual,
            HostileServer(whole, context=context(other)) as strange,
        ):
            chosen = HttpOptions(ca_bundle="other")
            assert await reason(fetcher, f"{strange.url}/a", chosen) is None
            assert await reason(fetcher, f"{strange.url}/a", HttpOptions()) is Reason.TLS_FAILED
            # It stands instead of what the daemon trusts, not beside it.
            assert await reason(fetcher, f"{usual.url}/a", HttpOptions()) is None
            assert await reason(fetcher, f"{usual.url}/a", chosen) is Reason.TLS_FAILED


async def test_a_client_certificate(
    tmp_path: Path, authority: trustme.CA, other: trustme.CA
) -> None:
    certificates = {
        "right": write_client(authority, tmp_path, "right"),
        "wrong": write_client(other, tmp_path, "wrong"),
    }
    choices = {"ca_file": write_ca(authority, tmp_path), "client_certificates": certificates}
    async with fetching(tmp_path / "data", **choices) as fetcher:
        guarded = context(authority, clients=authority)
        with HostileServer(whole, context=guarded) as host:
            right = HttpOptions(client_certificate="right")
            assert await reason(fetcher, f"{host.url}/a", right) is None
            wrong = HttpOptions(client_certificate="wrong")
            assert await reason(fetcher, f"{host.url}/a", wrong) is Reason.TLS_FAILED
            fetcher.events.clear()
            event = await fetcher.fetch(f"{host.url}/a")
            # No certificate at all is answered with a mere "handshake failure".
            assert isinstance(event, Failed)
            assert event.error.reason is Reason.TLS_FAILED
    assert len(host.requests) == 1


async def test_a_client_certificate_stays_at_its_origin(
    tmp_path: Path, authority: trustme.CA
) -> None:
    choices = {
        "ca_file": write_ca(authority, tmp_path),
        "client_certificates": {"mine": write_client(authority, tmp_path, "mine")},
    }
    guarded = HostileServer(whole, context=context(authority, clients=authority))
    with guarded as end:
        start = HostileServer(
            lambda _, wire: wire.answer(302, b"", Location=f"{end.url}/b"),
            context=context(authority, clients=authority),
        )
        async with fetching(tmp_path / "data", **choices) as fetcher:
            with start as host:
                options = TransferOptions(http=HttpOptions(client_certificate="mine"))
                event = await fetcher.fetch(f"{host.url}/a", options=options)
    assert isinstance(event, Failed)
    assert (len(host.requests), len(end.requests)) == (1, 0)


@pytest.mark.parametrize(
    "http", [HttpOptions(client_certificate="gone"), HttpOptions(ca_bundle="gone")]
)
async def test_an_unknown_name_is_a_clear_end(tmp_path: Path, http: HttpOptions) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        event = await fetcher.fetch("https://localhost:1/a", options=TransferOptions(http=http))
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.TLS_FAILED, False)
    assert "'gone'" in event.error.message


async def test_a_broken_file_of_the_daemon_is_not_shown(
    tmp_path: Path, authority: trustme.CA
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    named = {"ca_bundles": {"x": broken}, "client_certificates": {"x": broken}}
    async with fetching(tmp_path / "data", **named) as fetcher:
        with HostileServer(whole, context=context(authority)) as host:
            for http in (HttpOptions(ca_bundle="x"), HttpOptions(client_certificate="x")):
                assert await reason(fetcher, f"{host.url}/a", http) is Reason.TLS_FAILED
                assert str(tmp_path) not in repr(fetcher.events)
