"""What a failed transfer is called, who can mend it, and whether the daemon tries again: tables.

Messages name the host only: no path, no query, no credentials.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from datetime import datetime

import pycurl

from bgcopyd.jobs.hresults.http import status_passes
from bgcopyd.jobs.job import ErrorContext, TransferError
from bgcopyd.jobs.reasons import Reason

_REMOTE = ErrorContext.REMOTE_FILE
_NET = ErrorContext.GENERAL_TRANSPORT
_LOCAL = ErrorContext.LOCAL_FILE


@dataclass(frozen=True, slots=True)
class Failure:
    """A TransferError in the making.

    `retry_after` seconds is what the server asked for, or for how long the host `held` (scheme,
    name and port) is left alone.
    """

    reason: Reason
    context: ErrorContext
    message: str
    transient: bool
    http_status: int | None = None
    retry_after: float | None = None
    held: str = ""

    def error(self, index: int | None, time: datetime) -> TransferError:
        """The error of the file of this index, None where there is no file."""
        return TransferError(
            reason=self.reason,
            context=self.context,
            message=self.message,
            time=time,
            transient=self.transient,
            file_index=index,
            http_status=self.http_status,
        )


PROXY_NEEDS_CREDENTIALS = 407
TOO_MANY = 429
UNAVAILABLE = 503
# Gone or forbidden in the middle of a download is often a node that lags or a link that expired.
SECOND_LOOK = frozenset({403, 404, 410})

_STATUS_TEXT = {
    401: "needs credentials: the job has none, or none that it accepts; set them and resume",
    403: "refuses access to the file; check whether the URL has expired",
    404: "does not have the file; check the URL",
    407: "is behind a proxy that needs credentials: the job has none, or none that it accepts; set "
    "them and resume",
    410: "no longer has the file; look for a new URL",
    416: "does not have the range that was asked for",
    429: "is asked too often",
    503: "is busy",
}


def of_status(status: int, host: str, retry_after: float | None = None) -> Failure:
    """The failure that an HTTP status from 400 means."""
    transient = status_passes(status)
    text = _STATUS_TEXT.get(status)
    if text is None:
        text = "has a problem" if transient else "refused the request"
    message = f"The server {host} {text} (HTTP status {status})."
    context = _NET if status == PROXY_NEEDS_CREDENTIALS else _REMOTE
    return Failure(Reason.HTTP_STATUS, context, message, transient, status, retry_after)


def unexpected_status(status: int, host: str) -> Failure:
    """A status below 400 that is no file, twice."""
    message = (
        f"The server {host} answered with HTTP status {status}, which is no file; check the URL."
    )
    return Failure(Reason.INVALID_RESPONSE, _REMOTE, message, transient=False, http_status=status)


def invalid_answer(problem: str, host: str) -> Failure:
    """An answer that contradicts itself or the request."""
    message = f"The server {host} sent {problem}; nothing of it was kept."
    return Failure(Reason.INVALID_RESPONSE, _REMOTE, message, transient=True)


def unexpected_content(host: str, *, transient: bool) -> Failure:
    """A web page where a file was expected."""
    message = (
        f"The server {host} sent a web page instead of the file; open the URL in a browser to see "
        "whether it asks for a login."
    )
    return Failure(Reason.UNEXPECTED_CONTENT, _REMOTE, message, transient)


def digest_mismatch(host: str) -> Failure:
    """The file arrived twice without the expected digest."""
    message = (
        f"The file of {host} does not have the expected digest, also when fetched again; check the "
        "digest and the source."
    )
    return Failure(Reason.DIGEST_MISMATCH, _REMOTE, message, transient=False)


def unexpected_size(host: str, expected: int | None) -> Failure:
    """Another file than the one that is wanted."""
    message = (
        f"The file of {host} does not have the {expected} bytes that were expected; check the size "
        "and the source."
    )
    return Failure(Reason.UNEXPECTED_SIZE, _REMOTE, message, transient=False)


def announced_digest_mismatch(host: str) -> Failure:
    """The bytes arrived twice without the digest that the server sends with them."""
    message = (
        f"The server {host} sends bytes with a digest that they do not have, also when fetched "
        "again; tell its operator, or give the file's own digest, which counts instead."
    )
    return Failure(Reason.ANNOUNCED_DIGEST_MISMATCH, _REMOTE, message, transient=False)


def remote_changed(host: str) -> Failure:
    """The remote file was another one each time."""
    message = f"The file on {host} changed again and again while it was fetched; try again later."
    return Failure(Reason.REMOTE_FILE_CHANGED, _REMOTE, message, transient=False)


def begin_anew(host: str) -> Failure:
    """The file must be fetched anew, and the queue must know before that happens."""
    message = f"The file on {host} has changed; it is fetched again from the start."
    return Failure(Reason.REMOTE_FILE_CHANGED, _REMOTE, message, transient=True)


def too_large(host: str, limit: int) -> Failure:
    """A file beyond the job's limit."""
    message = (
        f"The file on {host} is larger than the {limit} bytes that max_download_size allows; "
        "fetch it with a job that allows more."
    )
    return Failure(Reason.DOWNLOAD_SIZE_EXCEEDED, _REMOTE, message, transient=False)


def range_outside(host: str) -> Failure:
    """A range that the remote file does not have."""
    message = f"A range that was asked for does not lie in the file on {host}; look at its size."
    return Failure(Reason.RANGE_OUTSIDE_FILE, _REMOTE, message, transient=False)


def no_ranges(host: str) -> Failure:
    """A server that sends its files only whole, where that does not do."""
    message = (
        f"The server {host} sends the file only whole, and parts of it were asked for; fetch all "
        "of it."
    )
    return Failure(Reason.INSUFFICIENT_RANGE_SUPPORT, _REMOTE, message, transient=False)


def mirror_differs(host: str) -> Failure:
    """A mirror that has something else; it is told in the log only."""
    message = f"The mirror {host} has another file."
    return Failure(Reason.REMOTE_FILE_CHANGED, _REMOTE, message, transient=False)


def redirect_refused(problem: str, host: str) -> Failure:
    """A redirect that is not followed."""
    message = f"The server {host} redirects {problem}; use the file's final URL."
    return Failure(Reason.REDIRECT_REFUSED, _REMOTE, message, transient=False)


def url_refused(problem: str) -> Failure:
    """A URL that is not fetched."""
    message = f"The file's URL is not fetched: {problem}. Give it a plain URL."
    return Failure(Reason.INVALID_RESPONSE, _REMOTE, message, transient=False)


def address_forbidden(proxy: str = "") -> Failure:
    """An address that no job may connect to; not told, since perhaps nobody but we knew it."""
    way = (
        f"The proxy {proxy} has" if proxy else "The file's URL, or where it redirects to, leads to"
    )
    message = (
        f"{way} an address that this server's policy does not let jobs connect to; nothing was "
        "sent there. Use another, or ask the operator to allow its network (`allow_networks`)."
    )
    return Failure(Reason.ADDRESS_FORBIDDEN, _NET, message, transient=False)


def scheme_off(scheme: str, problem: str) -> Failure:
    """A URL of a scheme that is not fetched here."""
    message = f"URLs of the scheme {scheme!r} are not fetched: {problem}."
    return Failure(Reason.NOT_SUPPORTED, _REMOTE, message, transient=False)


def not_spoken(what: str, name: str) -> Failure:
    """Something of the job that means nothing to the file's server."""
    message = f"The job's {what} means nothing to a server that speaks {name}; leave it out."
    return Failure(Reason.NOT_SUPPORTED, _REMOTE, message, transient=False)


def scheme_unknown(scheme: str) -> Failure:
    """Credentials of a scheme that libcurl was built without."""
    message = f"This server cannot log in with {scheme}; use credentials of another scheme."
    return Failure(Reason.NOT_SUPPORTED, _NET, message, transient=False)


def not_configured(what: str, name: str) -> Failure:
    """A certificate or bundle that the settings do not have any more, or never had."""
    message = (
        f"The {what} {name!r} is not in the daemon's settings; choose another, or have it added."
    )
    return Failure(Reason.TLS_FAILED, _NET, message, transient=False)


def key_unusable(name: str, problem: str) -> Failure:
    """A client certificate whose file is of no use to the file's server."""
    message = f"The client certificate {name!r} cannot be used here: it {problem}."
    return Failure(Reason.LOGIN_DENIED, _NET, message, transient=False)


def of_proxy(status: int, proxy: str, host: str) -> Failure:
    """A proxy that was not there, or answered with `status` (0: not at all)."""
    if status == PROXY_NEEDS_CREDENTIALS and proxy.startswith("socks"):
        message = (
            f"The proxy {proxy} needs credentials: the job has none, or none that it accepts; set "
            "them and resume."
        )
        return Failure(Reason.PROXY_FAILED, _NET, message, transient=False)
    if status == PROXY_NEEDS_CREDENTIALS:
        return of_status(status, host)
    if status >= 300:
        message = f"The proxy {proxy} refused the way to {host} (HTTP status {status})."
        return Failure(Reason.PROXY_FAILED, _NET, message, status_passes(status), status)
    message = f"The proxy {proxy} did not make a connection to {host}; is it running?"
    return Failure(Reason.PROXY_FAILED, _NET, message, transient=True)


def timed_out(what: str, host: str, seconds: float) -> Failure:
    """A server that fell silent."""
    message = f"The server {host} {what} for {seconds:g} seconds."
    return Failure(Reason.TIMEOUT, _NET, message, transient=True)


def closed_early(host: str) -> Failure:
    """A body that ended before it was complete."""
    message = f"The connection to {host} ended before the file did."
    return Failure(Reason.CONNECTION_CLOSED, _NET, message, transient=True)


def internal(what: str) -> Failure:
    """A defect of ours; the log has the details."""
    message = f"The daemon failed at this file ({what}); see its log."
    return Failure(Reason.INTERNAL, ErrorContext.UNKNOWN, message, transient=True)


_TLS_CODES = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_SSL_CIPHER,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_INVALIDCERTSTATUS,
    }
)
# Their texts name files of the daemon's machine.
_OUR_FILES = {
    pycurl.E_SSL_CERTPROBLEM: "client certificate",
    pycurl.E_SSL_CACERT_BADFILE: "CA bundle",
}
# A server that does not take our certificate says so when it is asked for the file (TLS 1.3), which
# looks like any broken connection but for OpenSSL's text.
_CERTIFICATE_REFUSED = re.compile(r"alert (?:\w+ )*(?:certificate|ca|access)\b")
_TLS_FATAL = _TLS_CODES - {pycurl.E_SSL_CONNECT_ERROR}
_STREAM_CODES = frozenset({pycurl.E_HTTP2, 92})  # 92: CURLE_HTTP2_STREAM
_BREAKS = frozenset({pycurl.E_PARTIAL_FILE, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR})

_CURL: dict[int, tuple[Reason, ErrorContext, str]] = {
    pycurl.E_COULDNT_RESOLVE_HOST: (
        Reason.NAME_NOT_RESOLVED,
        _NET,
        "The name {host} was not found; check the URL and the network.",
    ),
    pycurl.E_COULDNT_CONNECT: (
        Reason.CONNECT_FAILED,
        _NET,
        "No connection to {host} could be made; is the server running?",
    ),
    pycurl.E_OPERATION_TIMEDOUT: (
        Reason.TIMEOUT,
        _NET,
        "The server {host} did not accept the connection in time.",
    ),
    pycurl.E_UNSUPPORTED_PROTOCOL: (
        Reason.INVALID_RESPONSE,
        _REMOTE,
        "The server {host} did not answer with HTTP/1 or HTTP/2.",
    ),
    pycurl.E_FTP_WEIRD_SERVER_REPLY: (  # CURLE_WEIRD_SERVER_REPLY
        Reason.INVALID_RESPONSE,
        _REMOTE,
        "The server {host} sent an answer that is not HTTP.",
    ),
    pycurl.E_GOT_NOTHING: (
        Reason.CONNECTION_CLOSED,
        _NET,
        "The server {host} closed the connection without an answer.",
    ),
}


def is_stream_error(code: int, version: str = "") -> bool:
    """Whether HTTP/2 itself failed, so that HTTP/1.1 may do better; GOAWAY looks like a break."""
    return code in _STREAM_CODES or (version.startswith("2") and code in _BREAKS)


def of_curl(code: int, detail: str, host: str) -> Failure:
    """The failure that a CURLcode means; `detail` (libcurl's text) is told for TLS only."""
    if code in _OUR_FILES:
        message = f"The {_OUR_FILES[code]} for {host} cannot be used; the daemon's file is broken."
        return Failure(Reason.TLS_FAILED, _NET, message, transient=False)
    refused = _CERTIFICATE_REFUSED.search(detail) is not None
    if code in _TLS_CODES or refused:
        message = f"The protected connection to {host} failed: {detail or 'TLS error'}."
        fatal = refused or code in _TLS_FATAL
        return Failure(Reason.TLS_FAILED, _NET, message, transient=not fatal)
    if code == pycurl.E_URL_MALFORMAT:
        return url_refused("it is malformed")
    known = _CURL.get(code)
    if known is None:
        return closed_early(host)
    reason, context, text = known
    return Failure(reason, context, text.format(host=host), transient=True)


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EFBIG, errno.ENAMETOOLONG})


def of_os_error(error: OSError, root: str) -> Failure:
    """The failure that the disk's error means; most pass, so the bytes wait."""
    detail = error.strerror or "input/output error"
    if error.errno in _FULL:
        message = f"There is no room left under the root {root!r} ({detail}); the transfer waits."
        return Failure(Reason.DISK_FULL, _LOCAL, message, transient=True)
    transient = error.errno not in _DENIED
    message = f"The destination under the root {root!r} cannot be written: {detail}."
    return Failure(Reason.DISK_ERROR, _LOCAL, message, transient)


def over_quota() -> Failure:
    """The owner has used up what he may keep; the bytes wait for him to complete or cancel jobs."""
    message = (
        "The files of your unfinished jobs would take more than you may keep (`bytes_per_owner`): "
        "complete or cancel jobs, or ask the operator for more; then the transfer goes on."
    )
    return Failure(Reason.SPACE_QUOTA_EXCEEDED, _LOCAL, message, transient=True)


def destination_invalid(problem: str, root: str) -> Failure:
    """A destination that is no plain file in plain directories."""
    message = f"The destination under the root {root!r} is refused: {problem}."
    return Failure(Reason.DESTINATION_INVALID, _LOCAL, message, transient=False)
