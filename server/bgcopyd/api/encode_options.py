"""The options of a job to its message; secrets have no value here."""

from __future__ import annotations

from bgcopy.v1 import http_pb2, job_pb2
from bgcopyd.api.encode_times import duration, timestamp
from bgcopyd.jobs.http_options import HttpHeader, ProxySettings
from bgcopyd.jobs.options import JobOptions, Notifications


def header(value: HttpHeader) -> http_pb2.HttpHeader:
    """A header field; a secret one without its value."""
    shown = "" if value.secret else value.value
    return http_pb2.HttpHeader(name=value.name, value=shown, secret=value.secret)


def job_options(value: JobOptions) -> job_pb2.Job:
    """A Job that holds the options and nothing else."""
    http = value.http
    return job_pb2.Job(
        maximum_download_time=duration(value.maximum_download_time),
        max_download_size=value.max_download_size,
        cost_policy=[int(one) for one in value.cost_policy],  # type: ignore[misc] # same numbers, tested
        dynamic_content=value.dynamic_content,
        high_performance=value.high_performance,
        on_demand_mode=value.on_demand_mode,
        http_method=http.method,
        custom_headers=[header(one) for one in http.headers],
        redirect_policy=int(http.redirect_policy),  # type: ignore[arg-type] # same numbers, tested
        allow_https_to_http=http.allow_https_to_http,
        tls_flags=[int(one) for one in http.tls_flags],  # type: ignore[misc] # same numbers, tested
        client_certificate=http.client_certificate,
        ca_bundle=http.ca_bundle,
        proxy=_proxy(http.proxy),
        announced_mirrors=http.announced_mirrors,
        peer_caching=[int(one) for one in value.peer_caching],  # type: ignore[misc] # same numbers, tested
        notifications=_notifications(value.notifications),
        not_before=timestamp(value.not_before),
        deadline=timestamp(value.deadline),
        overwrite_policy=int(value.overwrite_policy),  # type: ignore[arg-type] # same numbers, tested
        retention=None if value.retention is None else duration(value.retention),
        continue_on_file_error=value.continue_on_file_error,
        credentials=[
            http_pb2.CredentialsKey(target=int(key.target), scheme=int(key.scheme))  # type: ignore[arg-type] # same numbers, tested
            for key in value.credentials
        ],
    )


def _proxy(value: ProxySettings) -> http_pb2.ProxySettings:
    return http_pb2.ProxySettings(
        usage=int(value.usage),  # type: ignore[arg-type] # same numbers, tested
        proxies=value.proxies,
        bypass=value.bypass,
    )


def _notifications(value: Notifications) -> job_pb2.NotificationSettings:
    return job_pb2.NotificationSettings(
        flags=[int(flag) for flag in value.flags],  # type: ignore[misc] # same numbers, tested
        minimum_interval=duration(value.minimum_interval),
    )
