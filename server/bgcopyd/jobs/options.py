"""The properties of a job that most jobs leave at their defaults, kept together.

A job that sets none of them shares DEFAULT_OPTIONS, so that they cost the common job nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from bgcopyd.jobs.http_options import CredentialsKey, HttpOptions

MAXIMUM_DOWNLOAD_TIME = 90 * 86_400.0
MINIMUM_NOTIFICATION_INTERVAL = 0.5


class CostState(enum.IntEnum):
    """What the network costs; equal to the enum of the same name in job.proto."""

    UNRESTRICTED = 1
    CAPPED_USAGE_UNKNOWN = 2
    BELOW_CAP = 3
    NEAR_CAP = 4
    OVERCAP_CHARGED = 5
    OVERCAP_THROTTLED = 6
    USAGE_BASED = 7
    ROAMING = 8


class PeerCachingFlag(enum.IntEnum):
    """Peer caching; equal to the enum of the same name in job.proto."""

    ENABLE_CLIENT = 1
    ENABLE_SERVER = 2
    DISABLE_BRANCH_CACHE = 3


class NotifyFlag(enum.IntEnum):
    """What a job tells of; equal to the enum of the same name in job.proto."""

    JOB_TRANSFERRED = 1
    JOB_ERROR = 2
    DISABLE = 3
    JOB_MODIFICATION = 4
    FILE_TRANSFERRED = 5
    FILE_RANGES_TRANSFERRED = 6


class OverwritePolicy(enum.IntEnum):
    """What Complete does where a name is taken; equal to the enum in job.proto."""

    REPLACE = 1
    FAIL = 2
    RENAME = 3
    IF_NEWER = 4
    IF_DIFFERENT = 5


@dataclass(frozen=True, slots=True)
class Notifications:
    """What a job tells to those who ask for notifications only; the interval in seconds."""

    flags: tuple[NotifyFlag, ...] = (NotifyFlag.JOB_TRANSFERRED, NotifyFlag.JOB_ERROR)
    minimum_interval: float = MINIMUM_NOTIFICATION_INTERVAL


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Further properties of a job; job.proto says what each means.

    Durations are seconds; `retention` None is the server's, an empty `cost_policy` any cost.
    `credentials` names what is stored for the job; it is no property that a caller sets.
    """

    maximum_download_time: float = MAXIMUM_DOWNLOAD_TIME
    max_download_size: int | None = None
    cost_policy: tuple[CostState, ...] = ()
    dynamic_content: bool = False
    high_performance: bool = False
    on_demand_mode: bool = False
    http: HttpOptions = HttpOptions()
    peer_caching: tuple[PeerCachingFlag, ...] = ()
    notifications: Notifications = Notifications()
    not_before: datetime | None = None
    deadline: datetime | None = None
    overwrite_policy: OverwritePolicy = OverwritePolicy.REPLACE
    retention: float | None = None
    continue_on_file_error: bool = False
    credentials: tuple[CredentialsKey, ...] = ()


DEFAULT_OPTIONS = JobOptions()
