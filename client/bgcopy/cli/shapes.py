"""What --json prints: stable, field names as in the API, times as RFC 3339, durations in seconds.

A job: job_id display_name description state type priority owner etag revision labels progress
error error_count blocked_reason minimum_retry_delay no_progress_timeout max_bytes_per_second
auto_complete create_time modification_time transferred_time expire_time next_attempt_time
maximum_download_time max_download_size cost_policy dynamic_content high_performance on_demand_mode
http_method custom_headers redirect_policy allow_https_to_http tls_flags client_certificate
ca_bundle proxy announced_mirrors peer_caching notifications not_before deadline overwrite_policy
retention continue_on_file_error credentials download_time inactivity_time partially_completed.
Its progress: bytes_transferred bytes_total files_total files_transferred bytes_per_second fraction.
A file: index remote_url root local_path sha256 digests ranges mirrors expected_size
bytes_transferred bytes_total transferred completed verification error response_headers final_url
sources filled_ranges temporary_name validation_state reply_path reply_size. Of its digests each has
an algorithm and a value, sha256 is one of them. An error: reason context message hresult
hresult_name file_index http_status time transient. What is unknown is null. Names of states and so
on are the API's, in upper case.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from bgcopy import CreatedToken, FileInfo, JobInfo, Policy, ServerInfo, Stats, TokenInfo


def plain(value: Any) -> Any:
    """Any value of the library, for JSON."""
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def job(info: JobInfo) -> dict[str, Any]:
    """A job."""
    shape: dict[str, Any] = plain(info)
    shape["progress"]["fraction"] = info.progress.fraction
    return shape


def file(info: FileInfo) -> dict[str, Any]:
    """A file of a job."""
    shape: dict[str, Any] = plain(info)
    spec = shape.pop("spec")
    return {
        "index": shape.pop("index"),
        "remote_url": spec["url"],
        "root": spec["root"],
        "local_path": spec["path"],
        "sha256": info.spec.sha256,
        "digests": spec["digests"],
        "ranges": spec["ranges"],
        "mirrors": spec["mirrors"],
        "expected_size": spec["size"],
        "reply_path": spec["reply_path"],
        **shape,
    }


def server(info: ServerInfo, target: str) -> dict[str, Any]:
    """A daemon: target version features limits caller roots start_time."""
    shape: dict[str, Any] = plain(info)
    return {"target": target, **shape}


def policy(info: Policy) -> dict[str, Any]:
    """Limits: etag and the names of docs/policy.md."""
    shape: dict[str, Any] = plain(info)
    return shape


def stats(info: Stats) -> dict[str, Any]:
    """How a daemon does; jobs by the name of their state."""
    shape: dict[str, Any] = plain(info)
    return {**shape, "jobs": {state.name: count for state, count in info.jobs.items()}}


def token(info: TokenInfo) -> dict[str, Any]:
    """A token.

    token_id principal admin create_time expire_time revoked scopes roots last_use_time
    """
    shape: dict[str, Any] = plain(info)
    return shape


def created_token(made: CreatedToken) -> dict[str, Any]:
    """A new token: token, and what is known of it from now on."""
    return {"token": made.token, **token(made.info)}


def note(text: str) -> str:
    """A remark as a line of JSON, so that under --json all of stderr can be parsed."""
    return dumps({"event": "note", "message": text.strip()})


def dumps(shape: Any) -> str:
    """One line of JSON, in ASCII so that any terminal and any locale can take it."""
    return json.dumps(shape)
