"""What webhooks are sent, to whom, and when it is tried again."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.options import JobOptions, Notifications, NotifyFlag
from bgcopyd.jobs.webhook import (
    DEFAULT_STATES,
    LONGEST_PAUSE,
    PAUSES,
    Answer,
    Delivery,
    DeliveryState,
    Webhook,
    after_attempt,
    body_of,
    event_id,
    headers_of,
    message_of,
    next_time,
    secret_of,
    secret_problem,
    shown_url,
    wants,
    webhook_url_problem,
)
from tests.support.store_values import ANNA, BERT, ERROR, NOW, full_job, new_job

HOOK = Webhook("w", ANNA, "https://h/", DEFAULT_STATES, False, "", NOW, b"")
SECRETS = [secret_of(bytes([number]) * 32) for number in (1, 2)]


def sent(secrets: list[str], now: datetime) -> tuple[bytes, dict[str, str]]:
    body = body_of(message_of(HOOK, new_job(state=JobState.ERROR, error=ERROR)), "urn:x")
    delivery = message_of(HOOK, new_job())
    return body, headers_of(replace(delivery, event_id="evt_1"), secrets, body, now)


def test_an_independent_library_believes_each_secret() -> None:
    body, headers = sent(SECRETS, datetime.now(UTC))
    for secret in SECRETS:
        assert Verifier(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret_of(b"3" * 32)).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRETS[0]).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRETS[0]).verify(body, {**headers, "webhook-id": "evt_2"})
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRETS[0]).verify(*sent(SECRETS, datetime.now(UTC) - timedelta(hours=1)))


def test_the_body_is_a_cloud_event() -> None:
    job = replace(full_job(), revision=7)
    event = json.loads(body_of(message_of(HOOK, job), "urn:bgcopy:x"))
    assert {name: event[name] for name in event if name != "data"} == {
        "specversion": "1.0",
        "id": event_id(job),
        "source": "urn:bgcopy:x",
        "type": "io.bgcopy.v1.job.queued",
        "subject": job.job_id,
        "time": "2026-03-01T12:00:00.123456Z",
        "datacontenttype": "application/json",
    }
    data = event["data"]
    assert (data["job_id"], data["owner"], data["state"]) == (job.job_id, ANNA, "QUEUED")
    assert (data["revision"], data["labels"]) == (7, dict(job.labels))
    assert (data["error"]["reason"], data["error"]["http_status"]) == ("HTTP_STATUS", 404)


def test_an_event_has_one_id_and_another_event_another() -> None:
    job = new_job(revision=3)
    assert event_id(job) == event_id(replace(job, display_name="x"))
    later = replace(job, modification_time=NOW + timedelta(microseconds=1))
    others = (replace(job, revision=4), later, new_job(revision=3))
    assert len({event_id(job), *(event_id(one) for one in others)}) == 4


F = NotifyFlag


@pytest.mark.parametrize(
    ("state", "flags", "told"),
    [
        (JobState.TRANSFERRED, (F.JOB_TRANSFERRED,), True),
        (JobState.ACKNOWLEDGED, (F.JOB_TRANSFERRED,), True),
        (JobState.CANCELLED, (F.JOB_ERROR,), False),
        (JobState.ERROR, (F.JOB_ERROR,), True),
        (JobState.ERROR, (F.JOB_TRANSFERRED,), False),
        (JobState.ERROR, (F.JOB_MODIFICATION,), True),
        (JobState.ERROR, (F.JOB_ERROR, F.DISABLE), False),
        (JobState.QUEUED, (), True),
        (JobState.QUEUED, (F.DISABLE,), False),
        (JobState.SUSPENDED, (F.JOB_ERROR,), False),
    ],
)
def test_a_job_may_silence_what_it_has_flags_for(
    state: JobState,
    flags: tuple[NotifyFlag, ...],
    told: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    hook = replace(HOOK, states=(*DEFAULT_STATES, JobState.QUEUED))
    job = new_job(state=state, options=JobOptions(notifications=Notifications(flags)))
    assert wants(hook, job) is told


def test_whose_jobs_are_told_of() -> None:
    job = new_job(BERT, state=JobState.ERROR)
    assert not wants(HOOK, job)
    assert wants(replace(HOOK, all_owners=True), job)
    assert wants(HOOK, replace(job, owner=ANNA))
    assert not wants(replace(HOOK, disabled_reason="x"), replace(job, owner=ANNA))


def failed(times: int, answer: Answer, spread: float = 0.5) -> list[float | None]:
    """When it is due after each of so many failures, in seconds from then."""
    delivery = message_of(HOOK, new_job())
    dues: list[float | None] = []
    for _ in range(times):
        delivery = after_attempt(delivery, answer, Moment(NOW, 100.0), spread)
        dues.append(None if delivery.due is None else delivery.due - 100)
    assert delivery.attempts == times
    assert (delivery.http_status, delivery.error) == (answer.status, answer.error)
    return dues


def test_pauses_grow_to_a_day_and_then_it_is_given_up() -> None:
    assert failed(10, Answer(500, "x")) == [*PAUSES, None]
    delivery = replace(message_of(HOOK, new_job()), attempts=len(PAUSES))
    given_up = after_attempt(delivery, Answer(None, "x"), Moment(NOW, 0.0), 0.5)
    assert (given_up.state, given_up.due, given_up.data) == (DeliveryState.GIVEN_UP, None, "")
    assert next_time(given_up, Moment(NOW, 0.0)) is None


@given(st.floats(0, 1), st.floats(0, 1e9))
def test_no_pause_is_longer_than_a_day_nor_shorter_than_was_asked(
    spread: float, asked: float
) -> None:
    answer = Answer(503, "x", asked)
    for due, pause in zip(failed(9, answer, spread), PAUSES, strict=True):
        assert due is not None
        assert due <= LONGEST_PAUSE
        assert due >= min(asked, LONGEST_PAUSE) - 1e-6
        assert due >= pause * 0.8 - 1e-6


@pytest.mark.parametrize("status", [200, 204, 299])
def test_what_is_delivered_is_over(status: int) -> None:
    done = after_attempt(message_of(HOOK, new_job()), Answer(status), Moment(NOW, 1.0), 0.5)
    assert (done.state, done.due, done.data) == (DeliveryState.DELIVERED, None, "")
    assert (done.attempts, done.last_time, done.error) == (1, NOW, "")


@pytest.mark.parametrize("status", [100, 199, 300, 302, 400, 404, 410, 500])
def test_everything_else_is_a_failure(status: int) -> None:
    assert failed(1, Answer(status, "x")) == [5.0]


def test_when_it_is_tried_next_by_the_time_of_day() -> None:
    delivery: Delivery = replace(message_of(HOOK, new_job()), due=130.0)
    assert next_time(delivery, Moment(NOW, 100.0)) == NOW + timedelta(seconds=30)
    assert next_time(delivery, Moment(NOW, 200.0)) == NOW


def test_secrets() -> None:
    for length in (24, 64):
        assert secret_problem(secret_of(b"x" * length)) == ""
    bad: list[Any] = ["", "x", base64.b64encode(b"x" * 32).decode(), secret_of(b"x" * 23)]
    for secret in [*bad, secret_of(b"x" * 65), "whsec_\u00fc", "whsec_????"]:
        problem = secret_problem(secret)
        assert "whsec_ and 24 to 64" in problem
        assert len(secret) < 2 or secret not in problem


def test_urls() -> None:
    assert webhook_url_problem("https://h:8443/p?q=1") == ""
    assert "scheme" in webhook_url_problem("sftp://h/p")
    assert "fragment" in webhook_url_problem("https://h/#f")
    assert shown_url("https://h/p?key=1") == "https://h/p?***"
    assert shown_url("https://h/p") == "https://h/p"
