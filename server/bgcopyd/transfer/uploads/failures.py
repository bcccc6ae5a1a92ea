"""What a failed upload is called, who can mend it, and whether the daemon tries again."""

from __future__ import annotations

import errno
from collections.abc import Sequence

import pycurl

from bgcopyd.jobs.hresults.http import status_passes
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer.failures import PROXY_NEEDS_CREDENTIALS, Failure
from bgcopyd.transfer.failures import of_status as of_any_status

_LOCAL = ErrorContext.LOCAL_FILE
_APPLICATION = ErrorContext.REMOTE_APPLICATION

_STATUS_TEXT = {
    401: "needs credentials: the job has none, or none that it accepts; set them and resume",
    403: "does not let the job upload; check whether the URL has expired",
    404: "has no place of this URL to upload to; check it",
    405: "takes no upload by this method at this URL; check both",
    409: "cannot take the file now; the upload is tried again",
    410: "no longer takes uploads at this URL",
    411: "does not take the upload as it is sent",
    413: "takes no file of this size",
    415: "takes no file of this type; check the Content-Type of the job",
    429: "is asked too often; the upload is tried again later",
    503: "is busy; the upload is tried again later",
    507: "has no room for the file; the upload is tried again later",
}


def of_status(status: int, host: str, retry_after: float | None = None) -> Failure:
    """The failure that an HTTP status from 400 means."""
    if status == PROXY_NEEDS_CREDENTIALS:
        return of_any_status(status, host, retry_after)
    transient = status_passes(status)
    text = _STATUS_TEXT.get(status)
    if text is None:
        text = "has a problem; the upload is tried again" if transient else "refused the upload"
    message = f"The server {host} {text} (HTTP status {status})."
    return Failure(Reason.HTTP_STATUS, _APPLICATION, message, transient, status, retry_after)


# What stores answer where the same request may do better: it came too slowly, or not as it was.
_STORE_PASSES = frozenset(
    {
        "BadDigest",
        "IncompleteBody",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
    }
)
_STORE_TEXT = {
    "AccessDenied": "does not let the daemon's key write there",
    "EntityTooLarge": "takes no file of this size",
    "NoSuchBucket": "does not have the bucket",
    "RequestTimeTooSkewed": "has another time of day than this machine",
}


def of_store(status: int, code: str, host: str, retry_after: float | None) -> Failure:
    """The failure that a store's answer means; its errors come with a status below 300 as well."""
    transient = code in _STORE_PASSES or (
        status_passes(status) if status >= 400 else code not in _STORE_TEXT
    )
    text = _STORE_TEXT.get(code) or (
        "has a problem; the upload is tried again" if transient else "refused the upload"
    )
    detail = f"{code}, HTTP status {status}" if code else f"HTTP status {status}"
    message = f"The store {host} {text} ({detail})."
    reason = Reason.HTTP_STATUS if status >= 400 else Reason.INVALID_RESPONSE
    return Failure(reason, _APPLICATION, message, transient, status, retry_after)


def unexpected_status(status: int, host: str, *, transient: bool) -> Failure:
    """A status below 400 that does not say that the file has arrived."""
    message = (
        f"The server {host} answered the upload with HTTP status {status}, which does not say that "
        "it has the file; check the URL."
    )
    return Failure(Reason.INVALID_RESPONSE, _APPLICATION, message, transient, http_status=status)


def answered_early(host: str) -> Failure:
    """A server that was content before it had everything."""
    message = f"The server {host} was content before it had the whole file; it is sent again."
    return Failure(Reason.INVALID_RESPONSE, _APPLICATION, message, transient=True)


def redirected(method: str, host: str, *, web: bool) -> Failure:
    """A redirect, which no upload follows; that of a store means another endpoint or region."""
    way_out = "use the final URL" if web else "its endpoint or region in the settings is wrong"
    message = f"The server {host} redirects a {method}, which is not repeated elsewhere; {way_out}."
    return Failure(Reason.REDIRECT_REFUSED, _APPLICATION, message, transient=False)


def changed(root: str) -> Failure:
    """The source is not what it was when its upload began."""
    message = (
        f"The file under the root {root!r} was changed, replaced or deleted after its upload had "
        "begun; create a new job for it as it is now."
    )
    return Failure(Reason.LOCAL_FILE_CHANGED, _LOCAL, message, transient=False)


def source_invalid(problem: str, root: str) -> Failure:
    """The source is no plain file in plain directories, or not there."""
    message = f"The file to upload under the root {root!r} is refused: {problem}."
    return Failure(Reason.SOURCE_INVALID, _LOCAL, message, transient=False)


_MISSING = frozenset({errno.ENOENT, errno.ENAMETOOLONG})
_DENIED = frozenset({errno.EACCES, errno.EPERM})


def is_missing(error: OSError) -> bool:
    """Whether there is no such file."""
    return error.errno in _MISSING


def of_os_error(error: OSError, root: str) -> Failure:
    """The failure that an error of the disk means."""
    if is_missing(error):
        return source_invalid("it is not there", root)
    if error.errno in _DENIED:
        return source_invalid("the daemon may not read it", root)
    detail = error.strerror or "input/output error"
    message = f"The file to upload under the root {root!r} cannot be read: {detail}."
    return Failure(Reason.DISK_ERROR, _LOCAL, message, transient=True)


def reply_too_large(host: str, limit: int) -> Failure:
    """An answer beyond what is kept of one."""
    message = (
        f"The server {host} has the file and answers with more than the {limit} bytes that are "
        "kept of an answer; use a job of type UPLOAD."
    )
    return Failure(Reason.REPLY_TOO_LARGE, _APPLICATION, message, transient=False)


def took_nothing(host: str, seconds: float) -> Failure:
    """A server that does not read what it is sent."""
    message = f"The server {host} took nothing for {seconds:g} seconds; the upload goes on later."
    return Failure(Reason.TIMEOUT, ErrorContext.GENERAL_TRANSPORT, message, transient=True)


def invalid_answer(problem: str, host: str) -> Failure:
    """An answer that contradicts itself or what was sent."""
    message = f"The server {host} answered the upload with {problem}; it is asked again."
    return Failure(Reason.INVALID_RESPONSE, _APPLICATION, message, transient=True)


def protocol_mismatch(protocol: str, host: str) -> Failure:
    """A server that does not speak what it said that it speaks."""
    message = (
        f"The server {host} says that it speaks {protocol} and does not answer so; check the URL."
    )
    return Failure(Reason.UPLOAD_PROTOCOL_MISMATCH, _APPLICATION, message, transient=False)


def too_large(host: str, limit: int) -> Failure:
    """A file beyond what the server says that it takes."""
    message = f"The server {host} takes files of at most {limit} bytes, and this one is larger."
    return Failure(Reason.UPLOAD_TOO_LARGE, _APPLICATION, message, transient=False)


def not_taken(name: str) -> Failure:
    """A server to which nothing is uploaded."""
    message = (
        f"Nothing is uploaded by {name} here; name a server that takes uploads, or have the "
        "daemon's operator allow it (docs/uploads.md)."
    )
    return Failure(Reason.NOT_SUPPORTED, _APPLICATION, message, transient=False)


def means_nothing(names: Sequence[str], scheme: str) -> Failure:
    """Properties of the job that its server could only ignore."""
    message = (
        f"The job's {', '.join(names)} mean nothing to a server that is asked by {scheme}; leave "
        "them out."
    )
    return Failure(Reason.NOT_SUPPORTED, _APPLICATION, message, transient=False)


def not_named(host: str) -> Failure:
    """A file that is there, all of it, and under its hidden name."""
    message = (
        f"The server {host} has all of the file and does not give it its name; check who may "
        "rename and replace files there."
    )
    return Failure(Reason.REMOTE_FILE_UNAVAILABLE, _APPLICATION, message, transient=False)


_NOT_TAKEN = (
    "does not take the file; check the path, its directory, and who may write there",
    False,
)
_FTP_REPLIES = range(400, 600)
_NOT_NOW = range(400, 500)
_FILES: dict[int, tuple[str, bool]] = {
    pycurl.E_UPLOAD_FAILED: _NOT_TAKEN,
    pycurl.E_REMOTE_FILE_NOT_FOUND: _NOT_TAKEN,
    pycurl.E_REMOTE_ACCESS_DENIED: _NOT_TAKEN,
    pycurl.E_REMOTE_DISK_FULL: ("has no room for the file; the upload is tried again later", True),
}


def of_file_server(code: int, reply: int, host: str) -> Failure | None:
    """What a CURLcode means where a file is to be put; FTP's replies from 400 to 499 pass."""
    row = _FILES.get(code)
    if row is None:
        return None
    text, transient = row
    detail = f" (FTP reply {reply})" if reply in _FTP_REPLIES else ""
    passes = transient or reply in _NOT_NOW
    message = f"The server {host} {text}{detail}."
    return Failure(Reason.REMOTE_FILE_UNAVAILABLE, _APPLICATION, message, passes)
