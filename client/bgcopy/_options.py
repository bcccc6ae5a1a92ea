"""The properties of a job that a caller sets, and their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from bgcopy._enums import Priority
from bgcopy._option_enums import (
    AuthScheme,
    AuthTarget,
    CostState,
    NotifyFlag,
    OverwritePolicy,
    PeerCachingFlag,
    ProxyUsage,
    RedirectPolicy,
    TlsFlag,
)


@dataclass(frozen=True, slots=True)
class HttpHeader:
    """One header field of a job's requests, or of an answer.

    Args:
        name: a token, case-insensitive.
        value: its value; empty where the server tells of a secret one.
        secret: write-only: kept encrypted, sent to the file's own origin alone, never returned.
    """

    name: str
    value: str = ""
    secret: bool = False

    def __repr__(self) -> str:
        shown = "..." if self.secret else repr(self.value)
        return f"HttpHeader({self.name!r}, {shown}, secret={self.secret})"


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """The proxy of a job.

    Args:
        usage: where it comes from.
        proxies: with OVERRIDE alone: `http://host:port`, `https://` or `socks5h://`, in order.
        bypass: with OVERRIDE alone: hosts reached directly, as `*.example.com`, `10.0.0.0/8`,
            `<local>`.
    """

    usage: ProxyUsage = ProxyUsage.PRECONFIG
    proxies: tuple[str, ...] = ()
    bypass: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """What a job tells to watches with `notified_only`.

    Args:
        flags: of what it tells.
        minimum_interval: the least pause between two events of its byte progress.
    """

    flags: tuple[NotifyFlag, ...] = (NotifyFlag.JOB_TRANSFERRED, NotifyFlag.JOB_ERROR)
    minimum_interval: timedelta = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class CredentialsKey:
    """Names credentials that a job has; says nothing of them."""

    target: AuthTarget
    scheme: AuthScheme


class JobProperties(TypedDict, total=False):
    """What `create_job` takes and `update_job` changes, as keyword arguments.

    `None` gives a property its default. Durations are timedeltas, moments aware datetimes; the
    API's `Job` message says what each means, docs/properties.md when each may change.
    """

    description: str | None
    priority: Priority | None
    labels: Mapping[str, str] | None
    minimum_retry_delay: timedelta | None
    no_progress_timeout: timedelta | None
    max_bytes_per_second: int | None
    auto_complete: bool | None
    maximum_download_time: timedelta | None
    max_download_size: int | None
    cost_policy: Iterable[CostState] | None
    dynamic_content: bool | None
    high_performance: bool | None
    on_demand_mode: bool | None
    http_method: str | None
    custom_headers: Iterable[HttpHeader] | None
    redirect_policy: RedirectPolicy | None
    allow_https_to_http: bool | None
    tls_flags: Iterable[TlsFlag] | None
    client_certificate: str | None
    ca_bundle: str | None
    proxy: ProxySettings | None
    announced_mirrors: bool | None
    peer_caching: Iterable[PeerCachingFlag] | None
    notifications: NotificationSettings | None
    not_before: datetime | None
    deadline: datetime | None
    overwrite_policy: OverwritePolicy | None
    retention: timedelta | None
    continue_on_file_error: bool | None
