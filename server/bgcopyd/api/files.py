"""Files of requests, from the message to values."""

from __future__ import annotations

from collections.abc import Sequence

from bgcopy.v1 import job_pb2
from bgcopyd.api import fields
from bgcopyd.api.violations import Violations
from bgcopyd.jobs import limits, rules
from bgcopyd.jobs.file import Digest, DigestAlgorithm, FileRange, FileSpec
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.roots import PathProblem, Roots
from bgcopyd.jobs.values import changed


def file_specs(
    found: Violations, messages: Sequence[job_pb2.FileSpec], roots: Roots
) -> tuple[FileSpec, ...]:
    """Files to add, each with a destination of its own."""
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
    fields.refuse_unknown(found, message, field)
    problem = rules.url_problem(message.remote_url)
    if problem:
        found.add(f"{field}.remote_url", problem, Reason.URL_INVALID)
    digests = _digests(found, f"{field}.digests", message.digests) if message.digests else ()
    parts = ranges(found, f"{field}.ranges", message.ranges) if message.ranges else ()
    if message.expected_size < 0:
        found.add(f"{field}.expected_size", "is negative; leave it out where it is not known")
    mirrors = _mirrors(found, f"{field}.mirrors", message.mirrors) if message.mirrors else ()
    try:
        root, path, destination = roots.resolve(message.root, message.local_path)
    except PathProblem as wrong:
        reason = Reason.PATH_NOT_ALLOWED if wrong.unknown_root else Reason.PATH_INVALID
        found.add(f"{field}.{wrong.field}", wrong.problem, reason)
        return None
    size = message.expected_size if message.HasField("expected_size") else None
    spec = FileSpec(message.remote_url, root, path, destination, digests, parts, mirrors, size)
    return _replying(found, field, spec, message.reply_path, roots) if message.reply_path else spec


def _replying(
    found: Violations, field: str, spec: FileSpec, reply_path: str, roots: Roots
) -> FileSpec:
    """The file with the place of the answer to it, under the same root."""
    try:
        _, path, destination = roots.resolve(spec.root, reply_path)
    except PathProblem as wrong:
        found.add(f"{field}.reply_path", wrong.problem, Reason.PATH_INVALID)
        return spec
    return changed(spec, reply=path, reply_destination=destination)


def _digests(
    found: Violations, field: str, messages: Sequence[job_pb2.Digest]
) -> tuple[Digest, ...]:
    messages = fields.at_most(found, field, messages, limits.DIGESTS_PER_FILE, "digests")
    digests: list[Digest] = []
    seen: dict[DigestAlgorithm, int] = {}
    for position, message in enumerate(messages):
        name = f"{field}[{position}]"
        fields.refuse_unknown(found, message, name)
        algorithm = fields.enum_value(
            found, f"{name}.algorithm", message.algorithm, DigestAlgorithm, None
        )
        if algorithm is None:
            continue
        size = algorithm.size
        if len(message.value) != size:
            found.add(
                f"{name}.value",
                f"has {len(message.value)} bytes; a {algorithm.name} has {size} (raw, not hex)",
            )
        first = seen.setdefault(algorithm, position)
        if first != position:
            found.add(
                f"{name}.algorithm",
                f"is the one of {field}[{first}] as well; give one digest of each",
            )
        digests.append(Digest(algorithm, message.value))
    return tuple(digests)


def ranges(
    found: Violations, field: str, messages: Sequence[job_pb2.FileRange], *, overlap: bool = False
) -> tuple[FileRange, ...]:
    """Parts of a remote file; how many are allowed is for the queue to judge."""
    for position, message in enumerate(messages):
        fields.refuse_unknown(found, message, f"{field}[{position}]")
    parts = tuple(
        FileRange(message.offset, message.length if message.HasField("length") else None)
        for message in messages
    )
    problem = rules.ranges_problem(parts, overlap=overlap)
    if problem is not None:
        reason, text = problem
        found.add(field, text, reason)
    return parts


def _mirrors(found: Violations, field: str, urls: Sequence[str]) -> tuple[str, ...]:
    urls = fields.at_most(found, field, urls, limits.MIRRORS_PER_FILE, "URLs")
    for position, url in enumerate(urls):
        found.judge(f"{field}[{position}]", rules.url_problem(url), Reason.URL_INVALID)
    return tuple(urls)
