"""Messages to commands: shapes are judged here, permission and state in the queue."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.api.tokens import page_position, resume_position
from bgcopyd.api.violations import Violations
from bgcopyd.jobs import limits, rules
from bgcopyd.jobs.file import Digest, DigestAlgorithm, FileSpec
from bgcopyd.jobs.job import JobState, JobType, Priority
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import invalid
from bgcopyd.jobs.roots import PathProblem, Roots
from bgcopyd.queue.commands import (
    AddFiles,
    CreateJob,
    Filter,
    ListFiles,
    ListJobs,
    Properties,
    WatchJobs,
)

T = TypeVar("T")

# What a caller may set on a Job; every other field is the server's.
SETTABLE = frozenset(
    {
        "type",
        "display_name",
        "description",
        "priority",
        "labels",
        "minimum_retry_delay",
        "no_progress_timeout",
        "max_bytes_per_second",
        "auto_complete",
    }
)
PROGRESS_INTERVAL = (0.1, 1.0, 3600.0)
HEARTBEAT_INTERVAL = (1.0, 30.0, 300.0)
DIGEST_SIZES: Mapping[DigestAlgorithm, int] = {DigestAlgorithm.SHA256: 32}


def job_id(text: str) -> str:
    """A job id in canonical form.

    Raises:
        Refusal: INVALID_REQUEST.
    """
    if not text:
        raise invalid("job_id", "is missing; send the UUID that CreateJob answered")
    canonical = rules.job_id_of(text)
    if canonical is None:
        raise invalid("job_id", "is not a UUID of 36 characters, as CreateJob answers")
    return canonical


def whole(request: Message) -> None:
    """Refuses a request with a field that a newer client knows and this server does not.

    Raises:
        Refusal: NOT_SUPPORTED.
    """
    if len(UnknownFieldSet(request)):
        found = Violations()
        _refuse_unknown(found, request, "request")
        found.raise_any()


def create_job(request: pb.CreateJobRequest, roots: Roots) -> CreateJob:
    """A job to create.

    Raises:
        Refusal: what is wrong, every field at once.
    """
    found = Violations()
    _refuse_unknown(found, request, "request")
    request_id = _request_id(found, request.request_id)
    properties = _properties(found, request.job)
    files = _files(found, request.files, roots)
    found.raise_any()
    content = _content("CreateJob", properties, files, request.start)
    return CreateJob(properties, files, request.start, request_id, content)


def add_files(request: pb.AddFilesRequest, roots: Roots) -> AddFiles:
    """Files to add."""
    target = job_id(request.job_id)
    found = Violations()
    _refuse_unknown(found, request, "request")
    request_id = _request_id(found, request.request_id)
    if not request.files:
        found.add("files", "is empty; name at least one file")
    files = _files(found, request.files, roots)
    content = _content("AddFiles", target, files)
    return AddFiles(target, files, request.etag, request_id, content, found.refusal())


def list_jobs(request: pb.ListJobsRequest) -> ListJobs:
    """A page of jobs."""
    found = Violations()
    _refuse_unknown(found, request, "request")
    wanted = _filter(found, request.filter)
    size = _page_size(found, request.page_size)
    before = found.attempt(lambda: page_position(request.page_token, filter_scope(request.filter)))
    return ListJobs(wanted, size, before, found.refusal())


def list_files(request: pb.ListFilesRequest) -> ListFiles:
    """A page of files."""
    target = job_id(request.job_id)
    found = Violations()
    _refuse_unknown(found, request, "request")
    size = _page_size(found, request.page_size)
    after = found.attempt(lambda: page_position(request.page_token, files_scope(target)))
    return ListFiles(target, size, -1 if after is None else after, found.refusal())


def watch_jobs(request: pb.WatchJobsRequest) -> WatchJobs:
    """A watch."""
    found = Violations()
    _refuse_unknown(found, request, "request")
    wanted = _filter(found, request.filter)
    resume = found.attempt(lambda: resume_position(request.resume_token))
    intervals = {
        field: _interval(found, field, getattr(request, field), bounds)
        if request.HasField(field)  # type: ignore[arg-type] # the two names below
        else bounds[1]
        for field, bounds in (
            ("progress_interval", PROGRESS_INTERVAL),
            ("heartbeat_interval", HEARTBEAT_INTERVAL),
        )
    }
    return WatchJobs(
        wanted,
        resume,
        intervals["progress_interval"],
        intervals["heartbeat_interval"],
        found.refusal(),
    )


def filter_scope(message: pb.JobFilter) -> bytes:
    """What the page tokens of a filter are bound to."""
    return b"jobs" + message.SerializeToString(deterministic=True)


def files_scope(target: str) -> bytes:
    """What the page tokens of a job's files are bound to."""
    return b"files" + target.encode()


def _properties(found: Violations, message: job_pb2.Job) -> Properties:
    _refuse_unknown(found, message, "job")
    present = {field.name for field, _ in message.ListFields()}
    for field in sorted(present - SETTABLE):
        found.add(f"job.{field}", "is set by the server; leave it out")
    found.judge("job.display_name", rules.display_name_problem(message.display_name))
    found.judge("job.description", rules.description_problem(message.description))
    labels = dict(message.labels) if "labels" in present else {}
    found.judge("job.labels", rules.labels_problem(labels))
    if message.max_bytes_per_second < 0:
        found.add("job.max_bytes_per_second", "is negative; 0 means no limit")
    retry = _optional(found, message, "minimum_retry_delay", 600.0)
    return Properties(
        display_name=message.display_name,
        type=_enum(found, "job.type", message.type, JobType, JobType.DOWNLOAD),
        description=message.description,
        priority=_enum(found, "job.priority", message.priority, Priority, Priority.NORMAL),
        labels=labels,
        minimum_retry_delay=max(retry, limits.MINIMUM_RETRY_DELAY_FLOOR),
        no_progress_timeout=_optional(found, message, "no_progress_timeout", 1_209_600.0),
        max_bytes_per_second=message.max_bytes_per_second,
        auto_complete=message.auto_complete,
    )


def _files(
    found: Violations, messages: Sequence[job_pb2.FileSpec], roots: Roots
) -> tuple[FileSpec, ...]:
    specs: list[FileSpec] = []
    seen: dict[str, int] = {}
    for position, message in enumerate(messages):
        spec = _file(found, f"files[{position}]", message, roots)
        if spec is None:
            continue
        first = seen.setdefault(spec.destination, position)
        if first != position:
            found.add(
                f"files[{position}].local_path",
                f"is the destination of files[{first}] as well",
                Reason.PATH_INVALID,
            )
        specs.append(spec)
    return tuple(specs)


def _file(
    found: Violations, field: str, message: job_pb2.FileSpec, roots: Roots
) -> FileSpec | None:
    _refuse_unknown(found, message, field)
    problem = rules.url_problem(message.remote_url)
    if problem:
        found.add(f"{field}.remote_url", problem, Reason.URL_INVALID)
    digests = _digests(found, f"{field}.digests", message.digests) if message.digests else ()
    try:
        root, path, destination = roots.resolve(message.root, message.local_path)
    except PathProblem as wrong:
        reason = Reason.PATH_NOT_ALLOWED if wrong.unknown_root else Reason.PATH_INVALID
        found.add(f"{field}.{wrong.field}", wrong.problem, reason)
        return None
    return FileSpec(message.remote_url, root, path, destination, digests)


def _digests(
    found: Violations, field: str, messages: Sequence[job_pb2.Digest]
) -> tuple[Digest, ...]:
    if len(messages) > limits.DIGESTS_PER_FILE:
        found.add(field, f"has {len(messages)} digests; at most {limits.DIGESTS_PER_FILE}")
        return ()
    digests = []
    for position, message in enumerate(messages):
        name = f"{field}[{position}]"
        _refuse_unknown(found, message, name)
        algorithm = _enum(found, f"{name}.algorithm", message.algorithm, DigestAlgorithm, None)
        if algorithm is None:
            continue
        size = DIGEST_SIZES[algorithm]
        if len(message.value) != size:
            found.add(
                f"{name}.value",
                f"has {len(message.value)} bytes; a {algorithm.name} has {size} (raw, not hex)",
            )
        digests.append(Digest(algorithm, message.value))
    return tuple(digests)


def _filter(found: Violations, message: pb.JobFilter) -> Filter:
    _refuse_unknown(found, message, "filter")
    if len(message.job_ids) > limits.FILTER_JOB_IDS:
        found.add(
            "filter.job_ids", f"has {len(message.job_ids)} ids; at most {limits.FILTER_JOB_IDS}"
        )
    ids = []
    for position, text in enumerate(message.job_ids[: limits.FILTER_JOB_IDS]):
        canonical = rules.job_id_of(text)
        found.judge(f"filter.job_ids[{position}]", "" if canonical else "is not a UUID")
        ids.append(canonical or "")
    prefix = message.job_id_prefix.lower().lstrip("{")
    if not set(prefix) <= set("0123456789abcdef-") or len(prefix) > 36:
        found.add("filter.job_id_prefix", "is not the beginning of a UUID")
    if len(message.states) > limits.FILTER_STATES:
        found.add(
            "filter.states", f"has {len(message.states)} states; at most {limits.FILTER_STATES}"
        )
    states = [
        _enum(found, f"filter.states[{position}]", number, JobState, None)
        for position, number in enumerate(message.states[: limits.FILTER_STATES])
    ]
    labels = dict(message.labels)
    found.judge("filter.labels", rules.labels_problem(labels))
    return Filter(
        job_ids=tuple(ids),
        job_id_prefix=prefix,
        display_name=message.display_name,
        text=message.text,
        states=frozenset(state for state in states if state is not None),
        labels=labels,
        all_owners=message.all_owners,
    )


def _enum(
    found: Violations, field: str, number: int, kind: Callable[[int], T], default: T | None
) -> T:
    """An enum's value; 0 means the default, where there is one."""
    if number == 0 and default is not None:
        return default
    try:
        return kind(number)
    except ValueError:
        found.add(field, "is missing" if number == 0 else f"has the unknown value {number}")
        return default  # type: ignore[return-value] # the violation stops the request


def _optional(found: Violations, message: job_pb2.Job, field: str, default: float) -> float:
    if not message.HasField(field):  # type: ignore[arg-type] # a name out of job.proto
        return default
    return _interval(
        found, f"job.{field}", getattr(message, field), (0.0, default, limits.LONGEST_DURATION)
    )


def _interval(
    found: Violations, field: str, message: Duration, bounds: tuple[float, float, float]
) -> float:
    shortest, default, longest = bounds
    seconds = message.seconds + message.nanos / 1e9
    if not shortest <= seconds <= longest:
        found.add(field, f"is {seconds:g} s; {shortest:g} s to {longest:g} s are allowed")
        return default
    return seconds


def _page_size(found: Violations, size: int) -> int:
    if size < 0:
        found.add("page_size", "is negative; 0 asks for the default")
    return min(size, limits.MAXIMUM_PAGE_SIZE) or limits.DEFAULT_PAGE_SIZE


def _request_id(found: Violations, text: str) -> str:
    if not text:
        return ""
    canonical = rules.job_id_of(text)
    if canonical is None:
        found.add("request_id", "is not a UUID; draw a random one for each new request")
    return canonical or ""


def _refuse_unknown(found: Violations, message: Message, field: str) -> None:
    """A field that a newer client knows and this server does not must not be ignored."""
    fields = UnknownFieldSet(message)
    for position in range(len(fields)):
        unknown = fields[position]
        found.add(
            f"{field}[{unknown.field_number}]",
            "is a field that this server does not know; it is older than the client",
            Reason.NOT_SUPPORTED,
        )


def _content(*values: object) -> bytes:
    """A digest of what was asked for, over decoded values, not over their encoding."""
    return hashlib.sha256(_canonical.encode(values).encode()).digest()


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, FileSpec):
        return (value.url, value.root, value.path, value.digests)
    if isinstance(value, Properties):
        return _fields_of_properties(value)
    if isinstance(value, Digest):
        return (value.algorithm, value.value.hex())
    raise TypeError(f"no canonical form of a {type(value).__name__}")


_canonical = json.JSONEncoder(default=_plain, sort_keys=True, check_circular=False)
_fields_of_properties = operator.attrgetter(
    *(field.name for field in dataclasses.fields(Properties))
)
