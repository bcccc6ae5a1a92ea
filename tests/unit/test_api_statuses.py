"""What a refusal is on the wire: complete, and small whatever is in it."""

from __future__ import annotations

from typing import Any

import pytest
from google.rpc import error_details_pb2 as details_pb2
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.api.statuses import MESSAGE_BYTES, STATUS_BYTES, code_of, status_of
from bgcopyd.api.violations import KEPT, Violations
from bgcopyd.jobs.reasons import REASONS, Reason
from bgcopyd.jobs.refusal import Quota, Refusal, Violation, invalid

REFUSALS = [reason for reason in Reason if REASONS[reason].code is not None]
WIDE = st.text(st.characters(exclude_categories=["Cs"]), max_size=50).map(lambda text: text * 80)


def details_of(refusal: Refusal) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for packed in status_of(refusal).details:
        message = getattr(details_pb2, packed.type_url.rpartition(".")[2])()
        assert packed.Unpack(message)
        assert type(message).__name__ not in found
        found[type(message).__name__] = message
    return found


@given(
    st.sampled_from(REFUSALS),
    WIDE,
    st.lists(st.builds(Violation, WIDE, WIDE), max_size=40),
)
def test_a_status_is_never_large(reason: Reason, message: str, wrong: list[Violation]) -> None:
    refusal = Refusal(
        reason,
        message,
        violations=wrong,
        quota=Quota("jobs_per_owner", 1, 1),
        metadata={"job_id": "3b241101-e2bb-4255-8caf-4136c566a962", "state": "TRANSFERRING"},
        retry_after=1.0,
    )
    status = status_of(refusal)
    assert status.ByteSize() < STATUS_BYTES
    assert len(status.message.encode()) <= MESSAGE_BYTES
    told = details_of(refusal)
    left = len(wrong) - len(told["BadRequest"].field_violations) if wrong else 0
    assert told["ErrorInfo"].metadata.get("omitted", "0") == str(left)


@pytest.mark.parametrize("reason", REFUSALS)
def test_every_refusal_names_itself(reason: Reason) -> None:
    refusal = Refusal(reason, "no", metadata={"job_id": "x"})
    info = details_of(refusal)["ErrorInfo"]
    spec = REASONS[reason]
    assert (info.domain, info.reason) == ("bgcopy.v1", reason.name)
    assert info.metadata["hresult"] == f"0x{spec.hresult:08X}"
    assert info.metadata["hresult_name"] == spec.hresult_name
    assert status_of(refusal).code == code_of(reason) != 0


def test_details_go_where_they_apply() -> None:
    job = {"job_id": "x"}
    kinds = {
        Reason.INVALID_STATE: {"ErrorInfo", "PreconditionFailure"},
        Reason.JOB_NOT_FOUND: {"ErrorInfo", "ResourceInfo"},
        Reason.NOT_JOB_OWNER: {"ErrorInfo"},
        Reason.ETAG_MISMATCH: {"ErrorInfo"},
    }
    for reason, wanted in kinds.items():
        assert set(details_of(Refusal(reason, "no", metadata=job))) == wanted
    assert set(details_of(invalid("f", "is bad"))) == {"ErrorInfo", "BadRequest"}
    delay = details_of(Refusal(Reason.DRAINING, "no", retry_after=1.5))["RetryInfo"].retry_delay
    assert (delay.seconds, delay.nanos) == (1, 500_000_000)


@given(st.integers(1, 500))
def test_violations_are_counted_beyond_those_kept(count: int) -> None:
    found = Violations()
    found.add("first", "is bad", Reason.URL_INVALID)
    for number in range(count - 1):
        found.add(f"field{number}", "is bad", Reason.PATH_INVALID)
    refusal = found.refusal()
    assert refusal is not None
    assert refusal.reason is Reason.URL_INVALID
    assert len(refusal.violations) == min(count, KEPT)
    told = details_of(refusal)
    shown = len(told["BadRequest"].field_violations)
    assert int(told["ErrorInfo"].metadata.get("omitted", "0")) == count - shown


def test_no_violation_is_no_refusal() -> None:
    found = Violations()
    found.judge("field", "")
    assert found.attempt(lambda: 7) == 7
    found.raise_any()


def test_a_refused_attempt_is_taken_down() -> None:
    def refuse() -> int:
        raise invalid("page_token", "is: bad", Reason.PAGE_TOKEN_INVALID)

    found = Violations()
    assert found.attempt(refuse) is None
    refusal = found.refusal()
    assert refusal is not None
    assert refusal.reason is Reason.PAGE_TOKEN_INVALID
    assert refusal.violations == (Violation("page_token", "is: bad"),)
