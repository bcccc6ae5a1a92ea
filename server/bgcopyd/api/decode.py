"""Messages to commands: shapes are judged here, permission and state in the queue."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.message import Message

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.api import fields, properties
from bgcopyd.api.fields import job_id
from bgcopyd.api.files import file_specs, ranges
from bgcopyd.api.tokens import page_position, resume_position
from bgcopyd.api.violations import Violations
from bgcopyd.jobs import limits, rules
from bgcopyd.jobs.http_options import HttpOptions
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.roots import Roots
from bgcopyd.queue.commands import (
    AddFiles,
    CreateJob,
    Filter,
    ListAttempts,
    ListFiles,
    ListJobs,
    ProbeUrl,
    ReadFile,
    RemoveFiles,
    ReplaceRemotePrefix,
    RequestFileRanges,
    UpdateFile,
    UpdateJob,
    WatchJobs,
)

PROGRESS_INTERVAL = (0.1, 1.0, 3600.0)
HEARTBEAT_INTERVAL = (1.0, 30.0, 300.0)


def whole(request: Message) -> None:
    """Refuses a request with a field that a newer client knows and this server does not.

    Raises:
        Refusal: NOT_SUPPORTED.
    """
    fields.unknown(request).raise_any()


def create_job(request: pb.CreateJobRequest, roots: Roots) -> CreateJob:
    """A job to create.

    Raises:
        Refusal: what is wrong, every field at once.
    """
    found = fields.unknown(request)
    request_id = fields.request_id(found, request.request_id)
    values = properties.of_new_job(found, request.job)
    files = file_specs(found, request.files, roots)
    found.raise_any()
    content = _content("CreateJob", values, files, request.start) if request_id else b""
    return CreateJob(values, files, request.start, request_id, content)


def add_files(request: pb.AddFilesRequest, roots: Roots) -> AddFiles:
    """Files to add."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    request_id = fields.request_id(found, request.request_id)
    if not request.files:
        found.add("files", "is empty; name at least one file")
    files = file_specs(found, request.files, roots)
    content = _content("AddFiles", target, files)
    return AddFiles(target, files, request.etag, request_id, content, found.refusal())


def update_job(request: pb.UpdateJobRequest) -> UpdateJob:
    """New values of properties."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    values = properties.of_update(found, request.job, request.update_mask)
    return UpdateJob(target, values, request.etag, found.refusal())


def update_file(request: pb.UpdateFileRequest) -> UpdateFile:
    """A change of one file."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    index = fields.file_index(found, "file_index", request.file_index)
    url = request.remote_url if request.HasField("remote_url") else None
    valid = request.validation_state if request.HasField("validation_state") else None
    if url is None and valid is None:
        found.add("remote_url", "is missing, and validation_state as well; set at least one")
    if url is not None:
        found.judge("remote_url", rules.url_problem(url), Reason.URL_INVALID)
    return UpdateFile(target, index, url, valid, request.etag, found.refusal())


def remove_files(request: pb.RemoveFilesRequest) -> RemoveFiles:
    """Files to take out."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    if not request.file_indexes:
        found.add("file_indexes", "is empty; name at least one file")
    indexes = sorted(set(request.file_indexes))
    for index in indexes[:1] + indexes[-1:]:
        fields.file_index(found, "file_indexes", index)
    return RemoveFiles(target, tuple(indexes), request.etag, found.refusal())


def replace_remote_prefix(request: pb.ReplaceRemotePrefixRequest) -> ReplaceRemotePrefix:
    """Another beginning for URLs."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    for name in ("old_prefix", "new_prefix"):
        text = getattr(request, name)
        if not text or len(text) > limits.URL_CHARACTERS:
            found.add(name, f"has {len(text)} characters; 1 to {limits.URL_CHARACTERS} are allowed")
    return ReplaceRemotePrefix(
        target, request.old_prefix, request.new_prefix, request.etag, found.refusal()
    )


def request_file_ranges(request: pb.RequestFileRangesRequest) -> RequestFileRanges:
    """Parts of a file that are wanted; they may overlap."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    index = fields.file_index(found, "file_index", request.file_index)
    if not 1 <= len(request.ranges) <= limits.REQUESTED_RANGES:
        found.add(
            "ranges",
            f"has {len(request.ranges)} ranges; 1 to {limits.REQUESTED_RANGES} are allowed",
        )
    parts = ranges(found, "ranges", request.ranges[: limits.REQUESTED_RANGES], overlap=True)
    return RequestFileRanges(target, index, parts, request.etag, found.refusal())


def read_file(request: pb.ReadFileRequest) -> ReadFile:
    """Bytes to read."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    index = fields.file_index(found, "file_index", request.file_index)
    for name in ("offset", "length"):
        if getattr(request, name) < 0:
            found.add(name, "is negative")
    return ReadFile(target, index, request.offset, request.length, found.refusal())


def list_attempts(request: pb.ListAttemptsRequest) -> ListAttempts:
    """A page of attempts."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    index = None
    if request.HasField("file_index"):
        index = fields.file_index(found, "file_index", request.file_index)
    size = fields.page_size(found, request.page_size)
    before = found.attempt(lambda: page_position(request.page_token, attempts_scope(target, index)))
    return ListAttempts(target, index, size, before, found.refusal())


def probe_url(request: pb.ProbeUrlRequest) -> ProbeUrl:
    """A URL to ask about."""
    found = fields.unknown(request)
    found.judge("remote_url", rules.url_problem(request.remote_url), Reason.URL_INVALID)
    found.judge("ca_bundle", rules.store_name_problem(request.ca_bundle))
    http = HttpOptions(
        headers=properties.headers(found, "custom_headers", request.custom_headers),
        ca_bundle=request.ca_bundle,
        proxy=properties.proxy(found, "proxy", request.proxy),
    )
    found.raise_any()
    return ProbeUrl(request.remote_url, http)


def list_jobs(request: pb.ListJobsRequest) -> ListJobs:
    """A page of jobs."""
    found = fields.unknown(request)
    wanted = _filter(found, request.filter)
    size = fields.page_size(found, request.page_size)
    before = found.attempt(lambda: page_position(request.page_token, filter_scope(request.filter)))
    return ListJobs(wanted, size, before, found.refusal())


def list_files(request: pb.ListFilesRequest) -> ListFiles:
    """A page of files."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    size = fields.page_size(found, request.page_size)
    after = found.attempt(lambda: page_position(request.page_token, files_scope(target)))
    return ListFiles(target, size, -1 if after is None else after, found.refusal())


def watch_jobs(request: pb.WatchJobsRequest) -> WatchJobs:
    """A watch."""
    found = fields.unknown(request)
    wanted = _filter(found, request.filter)
    resume = found.attempt(lambda: resume_position(request.resume_token))
    intervals = {
        field: fields.interval(found, field, getattr(request, field), bounds)
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
        file_events=request.file_events,
        notified_only=request.notified_only,
        refusal=found.refusal(),
    )


def filter_scope(message: pb.JobFilter) -> bytes:
    """What the page tokens of a filter are bound to."""
    return b"jobs" + message.SerializeToString(deterministic=True)


def files_scope(target: str) -> bytes:
    """What the page tokens of a job's files are bound to."""
    return b"files" + target.encode()


def attempts_scope(target: str, index: int | None) -> bytes:
    """What the page tokens of a job's attempts are bound to."""
    return f"attempts{target}/{index}".encode()


def _filter(found: Violations, message: pb.JobFilter) -> Filter:
    fields.refuse_unknown(found, message, "filter")
    ids = []
    given = fields.at_most(found, "filter.job_ids", message.job_ids, limits.FILTER_JOB_IDS, "ids")
    for position, text in enumerate(given):
        canonical = rules.job_id_of(text)
        found.judge(f"filter.job_ids[{position}]", "" if canonical else "is not a UUID")
        ids.append(canonical or "")
    prefix = message.job_id_prefix.lower().lstrip("{")
    if not set(prefix) <= set("0123456789abcdef-") or len(prefix) > 36:
        found.add("filter.job_id_prefix", "is not the beginning of a UUID")
    numbers = fields.at_most(found, "filter.states", message.states, limits.FILTER_STATES, "states")
    states = [
        fields.enum_value(found, f"filter.states[{position}]", number, JobState, None)
        for position, number in enumerate(numbers)
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


def _content(*values: object) -> bytes:
    """A digest of what was asked for, over decoded values, not over their encoding.

    Without secrets: it is stored, and a plain digest of a short secret gives it away.
    """
    # Each part ends in a NUL, which no part holds unescaped.
    parts = "".join(f"{part}\0" for part in _flat(values))
    return hashlib.sha256(parts.encode(errors="surrogatepass")).digest()


def _flat(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping):
            # To set a property to its default is the same as to leave it out.
            told = {name: one for name, one in value.items() if one != properties.DEFAULTS[name]}
            yield repr(sorted((name, _plain(one)) for name, one in told.items()))
        elif isinstance(value, tuple):
            for spec in value:
                yield from (spec.url, spec.root, spec.path)
                yield repr((spec.digests, spec.ranges, spec.mirrors, spec.size))
                if spec.reply:
                    yield repr(spec.reply)
        else:
            yield repr(value)


def _plain(value: Any) -> Any:
    """A property without secrets and in one order; HttpHeader shows no secret by itself."""
    return sorted(value.items()) if isinstance(value, Mapping) else repr(value)
