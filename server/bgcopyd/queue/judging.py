"""What a caller may set on a job, beyond the shape of each value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bgcopyd.jobs.addresses import UNSHARED, AddressPolicy, judge_host
from bgcopyd.jobs.file import FileSpec
from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.jobs.job import Job
from bgcopyd.jobs.options import JobOptions
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.properties import PRIVILEGED, PROPERTIES, Values, conflict, locked
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Quota, Refusal, Violation, invalid
from bgcopyd.jobs.root_rules import RootRules
from bgcopyd.jobs.schemes import SCHEMES, WEB, host_of, scheme_of
from bgcopyd.queue.authorizer import owned, trusted


@dataclass(frozen=True, slots=True)
class Configured:
    """What an operator has configured, and what the engine can use.

    `url_schemes` may be fetched; those in `spoken` could be. `has_bucket` says whether an S3 store
    has one, `fills_bucket` whether jobs may upload to it.
    """

    client_certificates: Collection[str] = ()
    ca_bundles: Collection[str] = ()
    auth_schemes: Collection[AuthScheme] = tuple(AuthScheme)
    url_schemes: Collection[str] = WEB
    spoken: Collection[str] = tuple(SCHEMES)
    has_bucket: Callable[[str], bool] = lambda _: False
    addresses: AddressPolicy = UNSHARED
    root_rules: RootRules = dataclasses.field(default_factory=dict)
    fills_bucket: Callable[[str], bool] = lambda _: False

    @property
    def schemes_beyond_the_web(self) -> list[str]:
        """What else may be fetched, as a caller is told of features: "scheme-ftp"."""
        usable = set(self.url_schemes) & set(self.spoken) - set(WEB)
        return sorted(f"scheme-{scheme}" for scheme in usable)


def judge_values(
    principal: Principal, values: Values, configured: Configured, now: datetime
) -> None:
    """Judges values for their caller and this server.

    Raises:
        Refusal: ADMIN_REQUIRED, INVALID_REQUEST.
    """
    for name in PRIVILEGED:
        if values.get(name) and not principal.admin:
            raise Refusal(
                Reason.ADMIN_REQUIRED,
                f"job.{name}: needs an administrator",
                violations=[Violation(f"job.{name}", "needs an administrator")],
            )
    _judge_name("client_certificate", values, configured.client_certificates)
    _judge_name("ca_bundle", values, configured.ca_bundles)
    deadline = values.get("deadline")
    if deadline is not None and deadline <= now:
        raise invalid("job.deadline", f"is past; it is {now:%Y-%m-%d %H:%M:%S} UTC here")


def _judge_name(field: str, values: Values, known: Collection[str]) -> None:
    name = values.get(field)
    if name and name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise invalid(f"job.{field}", f"'{name}' is not configured here; there are: {there}")


def judge_owner(principal: Principal, job: Job, values: Values) -> None:
    """Judges whether somebody other than the job's owner may set the properties.

    Raises:
        Refusal: NOT_JOB_OWNER.
    """
    if "custom_headers" in values:
        owned(principal, job)
    elif any(PROPERTIES[name].home == "http" for name in values):
        trusted(principal, job)


def judge_locks(job: Job, values: Values) -> None:
    """Judges whether the job's properties may change now.

    Raises:
        Refusal: READ_ONLY_PROPERTY and its kin; the first fixes the reason, all are named.
    """
    found = [(name, lock) for name in values if (lock := locked(name, job)) is not None]
    if not found:
        return
    name, (reason, problem) = found[0]
    raise Refusal(
        reason,
        f"job.{name}: {problem}",
        violations=[Violation(f"job.{name}", problem) for name, (_, problem) in found],
        metadata={"job_id": job.job_id, "state": job.state.name, "property": name},
    )


def judge_options(options: JobOptions) -> None:
    """Judges whether the options go together.

    Raises:
        Refusal: INVALID_REQUEST.
    """
    name, problem = conflict(options)
    if name:
        raise invalid(f"job.{name}", problem)


def wants_whole_files(options: JobOptions) -> str:
    """The property that does not go with files of which only ranges are wanted, or nothing."""
    names = ("dynamic_content", "on_demand_mode")
    return next((name for name in names if getattr(options, name)), "")


def judge_files(options: JobOptions, files: Sequence[FileSpec], ranges_per_file: int) -> None:
    """Judges whether the files go with the job.

    Raises:
        Refusal: INVALID_REQUEST, RANGE_QUOTA_EXCEEDED.
    """
    for position, spec in enumerate(files):
        if not spec.ranges:
            continue
        field = f"files[{position}].ranges"
        if options.dynamic_content:
            raise invalid(field, "do not go with dynamic_content, which is always fetched whole")
        if options.on_demand_mode:
            raise invalid(field, "do not go with on_demand_mode; ask for them by RequestFileRanges")
        if len(spec.ranges) > ranges_per_file:
            raise too_many_ranges(field, len(spec.ranges), ranges_per_file)


def _judge_bucket(field: str, bucket: str, configured: Configured, *, uploads: bool) -> None:
    if not configured.has_bucket(bucket):
        problem = f"names the bucket '{bucket}', which no store has (setting `s3_stores`)"
        raise invalid(field, problem, Reason.URL_INVALID)
    if uploads and not configured.fills_bucket(bucket):
        problem = (
            f"names the bucket '{bucket}', whose store takes no uploads (`uploads` in its file)"
        )
        raise Refusal(
            Reason.NOT_SUPPORTED, f"{field}: {problem}", violations=[Violation(field, problem)]
        )


def judge_urls(
    urls: Iterable[tuple[str, str]], configured: Configured, *, uploads: bool = False
) -> None:
    """Judges whether the URLs, each with its field, are of schemes that are fetched here.

    With `uploads` they are uploaded to.

    Of hosts only those that are addresses can be judged before they are asked.

    Raises:
        Refusal: NOT_SUPPORTED, URL_INVALID, ADDRESS_NOT_ALLOWED.
    """
    for field, url in urls:
        scheme = scheme_of(url)
        if scheme not in configured.url_schemes:
            raise invalid(
                field,
                f"has the scheme '{scheme}'; this server fetches "
                f"{', '.join(configured.url_schemes)}, and its operator may add others (`schemes`)",
                Reason.URL_INVALID,
            )
        if scheme not in configured.spoken:
            problem = f"has the scheme '{scheme}', which this server's libcurl was built without"
            raise Refusal(
                Reason.NOT_SUPPORTED, f"{field}: {problem}", violations=[Violation(field, problem)]
            )
        host = host_of(url)
        bucket = host if SCHEMES[scheme].bucket else ""
        if bucket:
            _judge_bucket(field, bucket, configured, uploads=uploads)
        what = "" if bucket else judge_host(host, configured.addresses)
        if what:
            problem = (
                f"names an address that jobs may not connect to here ({what}); use another URL, or "
                "ask the operator to allow its network (`allow_networks`)"
            )
            raise invalid(field, problem, Reason.ADDRESS_NOT_ALLOWED)


def urls_of(files: Sequence[FileSpec]) -> Iterable[tuple[str, str]]:
    """All URLs of files, each with its field."""
    for position, spec in enumerate(files):
        yield f"files[{position}].remote_url", spec.url
        for number, mirror in enumerate(spec.mirrors):
            yield f"files[{position}].mirrors[{number}]", mirror


def too_many_ranges(field: str, count: int, allowed: int) -> Refusal:
    """The refusal of a file with more ranges than are allowed."""
    problem = f"has {count} ranges and {allowed} are allowed; merge neighbours"
    return Refusal(
        Reason.RANGE_QUOTA_EXCEEDED,
        f"{field}: {problem}",
        quota=Quota("ranges_per_file", allowed, count),
        violations=[Violation(field, problem)],
    )
