"""The table of a job's properties: which a caller may set, and until when each may change.

Names are those of the fields of `Job` in job.proto. BITS's codes for a property that is locked
stand at the reasons READ_ONLY_PROPERTY_AFTER_ADDFILE and READ_ONLY_PROPERTY_AFTER_RESUME.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from bgcopyd.jobs.job import Job
from bgcopyd.jobs.reasons import Reason


class Lock(enum.Enum):
    """Until when a property may change; in a final state none may."""

    END = "until the job's end"
    RESUME = "before the first resume"
    FILES = "before files are added"
    CREATION = "at creation only"


PROPERTIES: Mapping[str, Lock] = MappingProxyType(
    {
        "type": Lock.CREATION,
        "display_name": Lock.END,
        "description": Lock.END,
        "priority": Lock.END,
        "labels": Lock.END,
        "minimum_retry_delay": Lock.END,
        "no_progress_timeout": Lock.END,
        "max_bytes_per_second": Lock.END,
        "auto_complete": Lock.END,
        "maximum_download_time": Lock.END,
        "max_download_size": Lock.RESUME,
        "cost_policy": Lock.END,
        "dynamic_content": Lock.RESUME,
        "high_performance": Lock.FILES,
        "on_demand_mode": Lock.END,
        "http_method": Lock.RESUME,
        "custom_headers": Lock.END,
        "redirect_policy": Lock.END,
        "allow_https_to_http": Lock.END,
        "tls_flags": Lock.END,
        "client_certificate": Lock.END,
        "ca_bundle": Lock.END,
        "proxy": Lock.END,
        "peer_caching": Lock.END,
        "notifications": Lock.END,
        "not_before": Lock.END,
        "deadline": Lock.END,
        "overwrite_policy": Lock.END,
        "retention": Lock.END,
        "continue_on_file_error": Lock.END,
    }
)


def locked(name: str, job: Job) -> tuple[Reason, str] | None:
    """Why a property of the job may not change now, or None."""
    lock = PROPERTIES[name]
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
