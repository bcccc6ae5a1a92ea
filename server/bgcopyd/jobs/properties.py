"""The table of a job's properties: which a caller may set, and until when each may change.

Names are those of the fields of `Job` in job.proto. BITS's codes for a property that is locked
stand at the reasons READ_ONLY_PROPERTY_AFTER_ADDFILE and READ_ONLY_PROPERTY_AFTER_RESUME.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from bgcopyd.jobs.job import Job
from bgcopyd.jobs.options import DEFAULT_OPTIONS, JobOptions
from bgcopyd.jobs.reasons import Reason

# By name; those that are absent are not set.
Values = Mapping[str, Any]


class Lock(enum.Enum):
    """Until when a property may change; in a final state none may."""

    END = "until the job's end"
    RESUME = "before the first resume"
    FILES = "before files are added"
    CREATION = "at creation only"


class Property(NamedTuple):
    """Until when it may change, and where in a Job it is kept: as field, in options or in http."""

    lock: Lock
    home: str
    attribute: str


def _job(name: str, lock: Lock = Lock.END) -> tuple[str, Property]:
    return name, Property(lock, "job", name)


def _options(name: str, lock: Lock = Lock.END) -> tuple[str, Property]:
    return name, Property(lock, "options", name)


def _http(name: str, attribute: str = "", lock: Lock = Lock.END) -> tuple[str, Property]:
    return name, Property(lock, "http", attribute or name)


PROPERTIES: Mapping[str, Property] = MappingProxyType(
    dict(
        (
            _job("type", Lock.CREATION),
            _job("display_name"),
            _job("description"),
            _job("priority"),
            _job("labels"),
            _job("minimum_retry_delay"),
            _job("no_progress_timeout"),
            _job("max_bytes_per_second"),
            _job("auto_complete"),
            _options("maximum_download_time"),
            _options("max_download_size", Lock.RESUME),
            _options("cost_policy"),
            _options("dynamic_content", Lock.RESUME),
            _options("high_performance", Lock.FILES),
            _options("on_demand_mode"),
            _http("http_method", "method", Lock.RESUME),
            _http("custom_headers", "headers"),
            _http("redirect_policy"),
            _http("allow_https_to_http"),
            _http("tls_flags"),
            _http("client_certificate"),
            _http("ca_bundle"),
            _http("proxy"),
            _http("announced_mirrors"),
            _options("peer_caching"),
            _options("notifications"),
            _options("not_before"),
            _options("deadline"),
            _options("overwrite_policy"),
            _options("retention"),
            _options("continue_on_file_error"),
        )
    )
)
# What gives a job the daemon's own identity or less protection than others have.
PRIVILEGED = ("client_certificate", "tls_flags")


def locked(name: str, job: Job) -> tuple[Reason, str] | None:
    """Why a property of the job may not change now, or None."""
    lock = PROPERTIES[name].lock
    if lock is Lock.CREATION:
        return Reason.READ_ONLY_PROPERTY, "is fixed when the job is created"
    if lock is Lock.RESUME and job.resumed:
        return (
            Reason.READ_ONLY_PROPERTY_AFTER_RESUME,
            f"may not change once the job was resumed; it is {job.state.name}",
        )
    if lock is Lock.FILES and job.progress.files_total:
        return (
            Reason.READ_ONLY_PROPERTY_AFTER_ADDFILE,
            f"may not change once the job has files; it has {job.progress.files_total}",
        )
    return None


def fields_of(values: Values, options: JobOptions = DEFAULT_OPTIONS) -> dict[str, Any]:
    """The values as fields of Job; `options` are those that the job has so far."""
    homes: dict[str, dict[str, Any]] = {"job": {}, "options": {}, "http": {}}
    for name, value in values.items():
        place = PROPERTIES[name]
        homes[place.home][place.attribute] = value
    fields = homes["job"]
    if homes["http"]:
        homes["options"]["http"] = dataclasses.replace(options.http, **homes["http"])
    if homes["options"]:
        fields["options"] = dataclasses.replace(options, **homes["options"])
    return fields


def conflict(options: JobOptions) -> tuple[str, str]:
    """A property that contradicts another, and how; two empty strings where none does."""
    on_demand = options.on_demand_mode
    fixed = options.http.method not in {"", "GET"}
    late = (
        options.not_before is not None
        and options.deadline is not None
        and options.deadline <= options.not_before
    )
    rules = (
        (
            on_demand and options.dynamic_content,
            "on_demand_mode",
            "does not go with dynamic_content",
        ),
        (on_demand and fixed, "on_demand_mode", "does not go with an http_method other than GET"),
        (late, "deadline", "is not after not_before"),
    )
    return next(((name, how) for broken, name, how in rules if broken), ("", ""))
