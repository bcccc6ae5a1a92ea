"""Enumerations of a job's options; each value is the number of its proto enum.

A number that this version does not know, from a newer server, becomes UNKNOWN.
"""

from __future__ import annotations

import enum


class CostState(enum.Enum):
    """What the network costs (BG_COST_STATE); an operator says which holds."""

    UNKNOWN = 0
    UNRESTRICTED = 1
    CAPPED_USAGE_UNKNOWN = 2
    BELOW_CAP = 3
    NEAR_CAP = 4
    OVERCAP_CHARGED = 5
    OVERCAP_THROTTLED = 6
    USAGE_BASED = 7
    ROAMING = 8


class PeerCachingFlag(enum.Enum):
    """Peer caching (BG_JOB_ENABLE_PEERCACHING flags); servers refuse what they do not have."""

    UNKNOWN = 0
    ENABLE_CLIENT = 1
    ENABLE_SERVER = 2
    DISABLE_BRANCH_CACHE = 3


class NotifyFlag(enum.Enum):
    """What a job tells to watches with `notified_only` (BG_NOTIFY flags)."""

    UNKNOWN = 0
    JOB_TRANSFERRED = 1
    JOB_ERROR = 2
    DISABLE = 3
    JOB_MODIFICATION = 4
    FILE_TRANSFERRED = 5
    FILE_RANGES_TRANSFERRED = 6


class OverwritePolicy(enum.Enum):
    """What complete does where a file's name is taken."""

    UNKNOWN = 0
    REPLACE = 1
    FAIL = 2
    RENAME = 3
    IF_NEWER = 4
    IF_DIFFERENT = 5


class RedirectPolicy(enum.Enum):
    """What a redirect may do (BG_HTTP_REDIRECT_POLICY)."""

    UNKNOWN = 0
    ALLOW_SILENT = 1
    ALLOW_REPORT = 2
    DISALLOW = 3


class TlsFlag(enum.Enum):
    """How a server's certificate is judged otherwise than strictly; needs an administrator."""

    UNKNOWN = 0
    ENABLE_CRL_CHECK = 1
    IGNORE_CERT_CN_INVALID = 2
    IGNORE_CERT_DATE_INVALID = 3
    IGNORE_UNKNOWN_CA = 4
    IGNORE_CERT_WRONG_USAGE = 5


class ProxyUsage(enum.Enum):
    """Where a job's proxy comes from (BG_JOB_PROXY_USAGE)."""

    UNKNOWN = 0
    PRECONFIG = 1
    NO_PROXY = 2
    OVERRIDE = 3
    AUTODETECT = 4


class AuthTarget(enum.Enum):
    """Whom credentials are for (BG_AUTH_TARGET)."""

    UNKNOWN = 0
    SERVER = 1
    PROXY = 2


class AuthScheme(enum.Enum):
    """How credentials are used (BG_AUTH_SCHEME; BEARER is ours)."""

    UNKNOWN = 0
    BASIC = 1
    DIGEST = 2
    NTLM = 3
    NEGOTIATE = 4
    BEARER = 6
