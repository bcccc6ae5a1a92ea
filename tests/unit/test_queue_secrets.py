"""Secrets of jobs between the caller, the store and the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgcopyd.jobs.file import FileReport, SourceBytes, Validators
from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
)
from bgcopyd.jobs.job import Job
from bgcopyd.jobs.options import DEFAULT_OPTIONS, JobOptions
from bgcopyd.queue.secrets import JobSecrets, SecretUnreadable, disowned, has_secrets, hider
from bgcopyd.queue.transfers import AttemptReport, Failed, Received
from bgcopyd.store.keys import new_key
from bgcopyd.store.memory import MemoryStore
from bgcopyd.store.sealing import FernetSealer
from tests.support.rpc_engine import failure
from tests.support.store_values import add, change, new_job

KEY = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)
LOGIN = Credentials(KEY, "anna", "pass word")
HEADERS = (
    HttpHeader("X-Plain", "seen"),
    HttpHeader("X-Key", "first secret", secret=True),
    HttpHeader("x-key", "second secret", secret=True),
)


def job_with(headers: tuple[HttpHeader, ...] = (), *keys: CredentialsKey) -> Job:
    return new_job(options=JobOptions(http=HttpOptions(headers=headers), credentials=keys))


def test_there_and_back() -> None:
    secrets = JobSecrets(FernetSealer([new_key()]))
    values, sealed = secrets.seal_headers({"custom_headers": HEADERS, "priority": 1})
    assert [header.value for header in values["custom_headers"]] == ["seen", "", ""]
    assert values["priority"] == 1
    sealed |= secrets.seal_credentials(LOGIN)
    assert set(sealed) == {"header/1", "header/2", "credentials/SERVER/BASIC"}
    assert not any(text in b"".join(sealed.values()) for text in (b"secret", b"anna", b"pass"))
    http, credentials = secrets.open_for_run(job_with(values["custom_headers"], KEY), sealed)
    assert http.headers == HEADERS
    assert credentials == (LOGIN,)


def test_a_job_without_secrets_costs_nothing() -> None:
    secrets = JobSecrets(FernetSealer([new_key()]))
    plain = {"custom_headers": HEADERS[:1]}
    values, sealed = secrets.seal_headers(plain)
    assert values is plain
    assert sealed == {}
    job = job_with(HEADERS[:1])
    assert secrets.open_for_run(job, {}) == (job.options.http, ())
    assert not has_secrets(DEFAULT_OPTIONS)
    assert hider(job.options.http, ()) is None


@pytest.mark.parametrize(
    ("job", "named"),
    [(job_with(HEADERS), "header 'X-Key'"), (job_with((), KEY), "BASIC login for the server")],
)
def test_a_lost_key_names_the_secret(job: Job, named: str) -> None:
    writer, reader = (JobSecrets(FernetSealer([new_key()])) for _ in range(2))
    _, sealed = writer.seal_headers({"custom_headers": HEADERS})
    sealed |= writer.seal_credentials(LOGIN)
    for there in (sealed, {}, {name: value[:-5] for name, value in sealed.items()}):
        with pytest.raises(SecretUnreadable, match=f"{named} cannot be opened"):
            reader.open_for_run(job, there)


async def test_what_a_new_owner_gets() -> None:
    http = HttpOptions(headers=HEADERS, client_certificate="corp", ca_bundle="corp")
    store = MemoryStore()
    job = await add(store, new_job(options=JobOptions(http=http, credentials=(KEY,))))
    await store.transact(lambda tx: tx.put_secrets(job.job_id, {"header/1": b"x", "stray": b"y"}))
    taken = await store.transact(lambda tx: disowned(tx, job))
    assert taken.options == JobOptions(http=HttpOptions(headers=HEADERS[:1], ca_bundle="corp"))
    assert await store.transact(lambda tx: tx.secrets(job.job_id)) == {}
    plain = await change(store, job.job_id, options=DEFAULT_OPTIONS)
    assert await store.transact(lambda tx: disowned(tx, plain)) is plain


def test_what_a_server_echoes_is_hidden_in_every_text() -> None:
    hide = hider(HttpOptions(headers=HEADERS), (LOGIN, replace(LOGIN, password="abc")))
    assert hide is not None
    echo = "first secret, pass word, YW5uYTpwYXNzIHdvcmQ=, abc"
    event: Any = Failed(
        "job",
        "claim",
        0,
        replace(failure(), message=f"It says {echo}"),
        5,
        None,
        Validators(etag=echo),
        attempt=AttemptReport(
            url=f"http://h/{echo}",
            file=FileReport((HttpHeader("X", echo),), echo, (SourceBytes(echo, 1),)),
        ),
    )
    hidden = hide(event)
    assert hidden.error.message == "It says ***, ***, ***, abc"
    for text in ("first", "word", "YW5"):
        assert text not in repr(hidden)
    received = Received("job", "claim", 0, 7)
    assert hide(received) == received
