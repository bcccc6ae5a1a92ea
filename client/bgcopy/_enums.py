"""Enumerations that users see; each value is the number of its proto enum.

A number that this version does not know, from a newer server, becomes UNKNOWN.
"""

from __future__ import annotations

import enum


class JobState(enum.Enum):
    """Where a job is in its life (BG_JOB_STATE)."""

    UNKNOWN = 0
    QUEUED = 1
    CONNECTING = 2
    TRANSFERRING = 3
    SUSPENDED = 4
    ERROR = 5
    TRANSIENT_ERROR = 6
    TRANSFERRED = 7
    ACKNOWLEDGED = 8
    CANCELLED = 9

    @property
    def final(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self in {JobState.ACKNOWLEDGED, JobState.CANCELLED}

    @property
    def active(self) -> bool:
        """Whether the daemon works on the job or will without being told to."""
        return self in {
            JobState.QUEUED,
            JobState.CONNECTING,
            JobState.TRANSFERRING,
            JobState.TRANSIENT_ERROR,
        }


class JobType(enum.Enum):
    """Which way the bytes go (BG_JOB_TYPE)."""

    UNKNOWN = 0
    DOWNLOAD = 1
    UPLOAD = 2
    UPLOAD_REPLY = 3


class Scope(enum.Enum):
    """What a credential is good for."""

    UNKNOWN = 0
    READ = 1
    WRITE = 2
    ADMIN = 3
    TAKE_OWNERSHIP = 4


class Priority(enum.Enum):
    """A job's rank in the queue (BG_JOB_PRIORITY)."""

    UNKNOWN = 0
    FOREGROUND = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4


class Verification(enum.Enum):
    """How sure it is that a file's bytes are the remote file's, weakest first.

    PENDING: nothing was received yet. NONE: only the transport vouches. OVERLAP: resumed without a
    validator, refetched bytes agreed. VALIDATOR: one whole answer, or parts that share a strong
    validator. DIGEST: the bytes have a digest that was asked for and
    is not weak.
    """

    UNKNOWN = -1
    PENDING = 0
    NONE = 1
    OVERLAP = 2
    VALIDATOR = 3
    DIGEST = 4


class RemovedReason(enum.Enum):
    """Why a watch forgets a job: it is gone, matches no more, or belongs to somebody else now."""

    UNKNOWN = 0
    DELETED = 1
    NO_MATCH = 2
    OWNER_CHANGED = 3


class AttemptOutcome(enum.Enum):
    """How an attempt at a file ended."""

    UNKNOWN = 0
    FINISHED = 1
    FAILED = 2
    STOPPED = 3


class ErrorContext(enum.Enum):
    """Where a transfer failed, and so who can mend it (BG_ERROR_CONTEXT)."""

    UNKNOWN = 1
    GENERAL_QUEUE_MANAGER = 2
    QUEUE_MANAGER_NOTIFICATION = 3
    LOCAL_FILE = 4
    REMOTE_FILE = 5
    GENERAL_TRANSPORT = 6
    REMOTE_APPLICATION = 7


class Reason(enum.Enum):
    """What went wrong, once for the whole API: refusals of calls from 1, of transfers from 100."""

    UNKNOWN = 0
    INVALID_REQUEST = 1
    REQUEST_ID_REUSED = 2
    PAGE_TOKEN_INVALID = 3
    PATH_INVALID = 4
    URL_INVALID = 5
    CREDENTIAL_MISSING = 6
    CREDENTIAL_INVALID = 7
    CREDENTIAL_EXPIRED = 8
    DESTINATION_IN_USE = 9
    NOT_SUPPORTED = 10
    NOT_JOB_OWNER = 11
    ADMIN_REQUIRED = 12
    PATH_NOT_ALLOWED = 13
    ADDRESS_NOT_ALLOWED = 14
    JOB_NOT_FOUND = 15
    DESCRIPTION_NOT_FOUND = 16
    INVALID_STATE = 17
    JOB_EMPTY = 18
    JOB_NOT_TRANSFERRED = 19
    DESTINATION_UNWRITABLE = 20
    ETAG_MISMATCH = 21
    JOB_QUOTA_EXCEEDED = 22
    FILE_QUOTA_EXCEEDED = 23
    WATCH_QUOTA_EXCEEDED = 24
    RESUME_TOKEN_EXPIRED = 25
    DRAINING = 26
    STORE_UNAVAILABLE = 27
    INTERNAL = 28
    READ_ONLY_PROPERTY = 29
    READ_ONLY_PROPERTY_AFTER_ADDFILE = 30
    READ_ONLY_PROPERTY_AFTER_RESUME = 31
    UNKNOWN_PROPERTY = 32
    FILE_NOT_FOUND = 33
    RANGE_INVALID = 34
    RANGES_OVERLAP = 35
    RANGE_QUOTA_EXCEEDED = 36
    RANDOM_ACCESS_NOT_SUPPORTED = 37
    AUTH_TARGET_INVALID = 38
    AUTH_SCHEME_INVALID = 39
    USER_NAME_TOO_LARGE = 40
    PASSWORD_TOO_LARGE = 41
    PROXY_INVALID = 42
    MAX_DOWNLOAD_SIZE_INVALID = 43
    MACHINE_JOB_QUOTA_EXCEEDED = 44
    FILE_NOT_READY = 45
    TOKEN_NOT_FOUND = 46
    DESTINATION_EXISTS = 47
    POLICY_ETAG_MISMATCH = 48
    SCOPE_REQUIRED = 55
    CHANGE_RATE_EXCEEDED = 56
    TOO_MANY_FILES = 60
    WEBHOOK_NOT_FOUND = 70
    WEBHOOK_QUOTA_EXCEEDED = 71
    HTTP_STATUS = 100
    NAME_NOT_RESOLVED = 101
    CONNECT_FAILED = 102
    CONNECTION_CLOSED = 103
    TIMEOUT = 104
    TLS_FAILED = 105
    INVALID_RESPONSE = 106
    CANNOT_RESUME = 107
    REMOTE_FILE_CHANGED = 108
    UNEXPECTED_CONTENT = 109
    DIGEST_MISMATCH = 110
    REDIRECT_REFUSED = 111
    DISK_FULL = 112
    DISK_ERROR = 113
    DESTINATION_INVALID = 114
    NO_PROGRESS = 115
    DOWNLOAD_TIME_EXCEEDED = 116
    DOWNLOAD_SIZE_EXCEEDED = 117
    BLOCKED_BY_COST_POLICY = 118
    DEADLINE_EXCEEDED = 119
    VALIDATION_FAILED = 120
    PROXY_FAILED = 121
    INSUFFICIENT_RANGE_SUPPORT = 122
    RANGE_OUTSIDE_FILE = 123
    INACTIVE = 124
    SECRET_UNREADABLE = 125
    LOCAL_FILE_CHANGED = 140
    SOURCE_INVALID = 141
    UPLOAD_PROTOCOL_MISMATCH = 142
    UPLOAD_TOO_LARGE = 143
    REPLY_TOO_LARGE = 144
    LOGIN_DENIED = 150
    REMOTE_FILE_UNAVAILABLE = 151
    HOST_KEY_REFUSED = 152
    ANNOUNCED_DIGEST_MISMATCH = 160
    UNEXPECTED_SIZE = 161
    ADDRESS_FORBIDDEN = 180
    SPACE_QUOTA_EXCEEDED = 181
