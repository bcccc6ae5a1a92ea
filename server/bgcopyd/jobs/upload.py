"""Uploads as values, and what of a job is for downloads alone: tables."""

from __future__ import annotations

import enum

from bgcopyd.jobs.http_options import HttpOptions, RedirectPolicy
from bgcopyd.jobs.options import DEFAULT_OPTIONS, JobOptions
from bgcopyd.jobs.schemes import WEB
from bgcopyd.jobs.values import value

METHODS = ("PUT", "POST")
FILE_SCHEMES = ("ftp", "ftps", "ftpes", "sftp")
SCHEMES = (*WEB, "s3", *FILE_SCHEMES)
# What an object in a store is born with, of a job's header fields: these, and what begins so.
OBJECT_FIELDS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-storage-class",
    "x-amz-tagging",
)
OBJECT_FIELDS_BEGIN = "x-amz-meta-"


@value(frozen=True, slots=True)
class Source:
    """What a file to upload was when its upload began; `modified` is its mtime in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int


class UploadProtocol(enum.IntEnum):
    """How a file is sent: PUT or POST, tus 1.0, or draft-ietf-httpbis-resumable-upload.

    FILING is to a server of files, under a hidden name, which is changed in the end.
    """

    PLAIN = 1
    TUS = 2
    RESUMABLE = 3
    FILING = 4


@value(frozen=True, slots=True)
class Upload:
    """What is known of a file's upload; `source` is None before its first attempt.

    `session` is the URL that the server gave to the upload, in the words of `protocol`, or the id
    that a store gave it, or that of the file while it is not whole; who knows it may write to it.
    Without one the protocol is agreed on anew.
    `parts` are the ETags of those that a store has, from the first. `reply` is where the server's
    answer is put, relative to the root of the source; empty where it is not kept.
    """

    source: Source | None = None
    session: str = ""
    protocol: UploadProtocol | None = None
    reply: str = ""
    reply_size: int | None = None
    parts: tuple[str, ...] = ()


NEW_UPLOAD = Upload()
# What the name of an answer ends with, where nobody has given it another.
REPLY_SUFFIX = ".reply"

# Properties by their names in Job: what is refused is any other value than that of a plain job.
DOWNLOADS_ONLY_OPTIONS = (
    "max_download_size",
    "dynamic_content",
    "high_performance",
    "on_demand_mode",
    "overwrite_policy",
    "continue_on_file_error",
)
DOWNLOADS_ONLY_HTTP = ("allow_https_to_http", "announced_mirrors")
# Fields of the API's FileSpec, and what holds them here.
DOWNLOADS_ONLY_FIELDS = {
    "digests": "digests",
    "ranges": "ranges",
    "mirrors": "mirrors",
    "expected_size": "size",
}
# RPCs that change or read the files of a job.
DOWNLOADS_ONLY_RPCS = (
    "UpdateFile",
    "RemoveFiles",
    "ReplaceRemotePrefix",
    "RequestFileRanges",
    "ReadFile",
)
# No redirect of an upload is followed, so that nothing could be reported or allowed.
REDIRECT_POLICIES = (HttpOptions().redirect_policy, RedirectPolicy.DISALLOW)


def downloads_only(options: JobOptions) -> list[str]:
    """The properties that an upload does not have and these options set."""
    default, http = DEFAULT_OPTIONS, options.http
    found = [
        name for name in DOWNLOADS_ONLY_OPTIONS if getattr(options, name) != getattr(default, name)
    ]
    found += [name for name in DOWNLOADS_ONLY_HTTP if getattr(http, name)]
    if http.redirect_policy not in REDIRECT_POLICIES:
        found.append("redirect_policy")
    return found


def object_field(name: str) -> bool:
    """Whether a store's object takes a header field with it."""
    lower = name.lower()
    return lower in OBJECT_FIELDS or lower.startswith(OBJECT_FIELDS_BEGIN)


def web_only(scheme: str, http: HttpOptions) -> list[str]:
    """The properties that mean nothing to servers of this scheme, and are set."""
    if scheme in WEB:
        return []
    found = [] if http.method in {"", METHODS[0]} else ["http_method"]
    if not all(scheme == "s3" and object_field(header.name) for header in http.headers):
        found.append("custom_headers")
    return found
