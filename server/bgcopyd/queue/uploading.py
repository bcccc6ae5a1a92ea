"""Uploads among the use cases: what is refused of them, and what they are born with."""

from __future__ import annotations

from collections.abc import Sequence

from bgcopyd.jobs.file import File, FileSpec
from bgcopyd.jobs.job import Job, JobType
from bgcopyd.jobs.limits import PATH_COMPONENT_BYTES
from bgcopyd.jobs.properties import Values
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal, Violation, invalid
from bgcopyd.jobs.schemes import WEB, scheme_of
from bgcopyd.jobs.upload import (
    DOWNLOADS_ONLY_FIELDS,
    DOWNLOADS_ONLY_RPCS,
    METHODS,
    NEW_UPLOAD,
    REPLY_SUFFIX,
    SCHEMES,
    downloads_only,
    web_only,
)
from bgcopyd.jobs.values import changed

_ALONE = "is for downloads alone; leave it out of an upload"


def upload_values(values: Values, kind: JobType) -> Values:
    """The properties of a job of this type; an upload whose method is left out is a PUT."""
    if kind is JobType.DOWNLOAD or values.get("http_method", ""):
        return values
    return {**values, "http_method": METHODS[0]}


def judge_upload(job: Job) -> None:
    """Judges whether a job has nothing that its type does not have.

    Raises:
        Refusal: NOT_SUPPORTED, INVALID_REQUEST.
    """
    if not job.uploads:
        return
    found = [Violation(f"job.{name}", _ALONE) for name in downloads_only(job.options)]
    if found:
        raise _not_supported(found)
    if job.options.http.method not in METHODS:
        raise invalid("job.http_method", "is no method of an upload; use PUT or POST")


def judge_upload_files(job: Job, present: int, files: Sequence[FileSpec]) -> None:
    """Judges whether files may be added to a job.

    Raises:
        Refusal: NOT_SUPPORTED, TOO_MANY_FILES.
    """
    _judge_replies(job, files)
    if not job.uploads:
        return
    if present + len(files) > 1:
        problem = "an upload has one file; create a job for each"
        raise Refusal(
            Reason.TOO_MANY_FILES, f"files: {problem}", violations=[Violation("files", problem)]
        )
    _judge_schemes(job, files)
    found = [
        Violation(f"files[{position}].{name}", _ALONE)
        for position, spec in enumerate(files)
        for name, ours in DOWNLOADS_ONLY_FIELDS.items()
        if getattr(spec, ours) not in {None, ()}
    ]
    if found:
        raise _not_supported(found)


def _judge_schemes(job: Job, files: Sequence[FileSpec]) -> None:
    for position, spec in enumerate(files):
        scheme = scheme_of(spec.url)
        if scheme not in SCHEMES:
            problem = f"has the scheme '{scheme}'; uploads go by {', '.join(SCHEMES)} alone"
            raise _not_supported([Violation(f"files[{position}].remote_url", problem)])
        names = web_only(scheme, job.options.http)
        if scheme not in WEB and job.type is JobType.UPLOAD_REPLY:
            names.append("type")
        if names:
            problem = f"means nothing to a server that is asked by {scheme}; leave it out"
            raise _not_supported([Violation(f"job.{name}", problem) for name in names])


def _judge_replies(job: Job, files: Sequence[FileSpec]) -> None:
    wanted = job.type is JobType.UPLOAD_REPLY
    for position, spec in enumerate(files):
        field = f"files[{position}].reply_path"
        if spec.reply and not wanted:
            raise _not_supported([Violation(field, "is for type UPLOAD_REPLY alone; leave it out")])
        if wanted and spec.reply == spec.path:
            raise invalid(field, "is the file to send; choose another", Reason.PATH_INVALID)
        name = spec.path.rpartition("/")[2] + REPLY_SUFFIX
        if wanted and not spec.reply and len(name.encode()) > PATH_COMPONENT_BYTES:
            raise invalid(field, "is needed: the file's own name is too long for another ending")


def judge_rpc(job: Job, rpc: str) -> None:
    """Judges whether an RPC is for the job's type.

    Raises:
        Refusal: NOT_SUPPORTED.
    """
    if job.type is JobType.UPLOAD_REPLY and rpc == "ReadFile":
        return
    if job.uploads and rpc in DOWNLOADS_ONLY_RPCS:
        raise Refusal(
            Reason.NOT_SUPPORTED,
            f"{rpc} is for downloads alone and job {job.job_id} is an upload; cancel it and create "
            "another where it shall change",
            metadata={"job_id": job.job_id},
        )


def new_file(job: Job, index: int, spec: FileSpec) -> File:
    """A file of the job. One that is uploaded claims no destination: it may have many readers.

    The answer to it does.
    """
    if not job.uploads:
        return File(job.job_id, index, spec)
    upload, destination = NEW_UPLOAD, ""
    if job.type is JobType.UPLOAD_REPLY:
        upload = changed(NEW_UPLOAD, reply=spec.reply or f"{spec.path}{REPLY_SUFFIX}")
        destination = spec.reply_destination or f"{spec.destination}{REPLY_SUFFIX}"
    kept = changed(spec, destination=destination, reply="", reply_destination="")
    return File(job.job_id, index, kept, upload=upload)


def _not_supported(found: Sequence[Violation]) -> Refusal:
    first = found[0]
    return Refusal(
        Reason.NOT_SUPPORTED, f"{first.field}: {first.description}", violations=list(found)
    )
