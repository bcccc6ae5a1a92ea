"""How uploads to servers of files are put to libcurl, and what comes of them, in HTTP's terms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.body import Body
from bgcopyd.transfer.uploads.filing import DROP, LOOK, NAME, REPLACE, SEND
from bgcopyd.transfer.uploads.places import ftp_path, root_url, sftp_path
from bgcopyd.transfer.wire.dialects import Dialect
from bgcopyd.transfer.wire.ftp import FTP_DIALECTS, size_told
from bgcopyd.transfer.wire.ssh import SSH_DIALECTS

if TYPE_CHECKING:
    from bgcopyd.transfer.options import EngineOptions
    from bgcopyd.transfer.report import Ending
    from bgcopyd.transfer.wire.handles import Handle, Request

_STATUSES = {
    (LOOK, pycurl.E_REMOTE_FILE_NOT_FOUND): 404,
    (DROP, pycurl.E_QUOTE_ERROR): 404,
    (NAME, pycurl.E_QUOTE_ERROR): 409,
    (REPLACE, pycurl.E_QUOTE_ERROR): 409,
}


class FileSender(Dialect):
    """A dialect of a server of files, the other way round.

    Args:
        base: how its files are fetched.
    """

    def __init__(self, base: Dialect) -> None:
        self.name, self.bits, self.logins = base.name, base.bits, base.logins
        self._base = base

    def wire(self, url: str) -> str:
        """The URL as libcurl takes it."""
        return self._base.wire(url)

    def set_up(self, handle: Handle, options: EngineOptions) -> None:
        """As for fetching, without times of modification."""
        self._base.set_up(handle, options)
        handle.curl.setopt(pycurl.OPT_FILETIME, 0)
        handle.curl.setopt(pycurl.UPLOAD_BUFFERSIZE, 256 << 10)

    def put(self, handle: Handle, request: Request) -> None:
        """Looks at a file, sends one, or has commands carried out."""
        curl, body = handle.curl, request.content
        # Whatever the request before has left; older libcurls remember that they have appended.
        curl.setopt(pycurl.TIMEOUT_MS, 0)
        curl.setopt(pycurl.APPEND, 0)
        curl.setopt(pycurl.RESUME_FROM_LARGE, 0)
        curl.unsetopt(pycurl.QUOTE)
        sends = request.method == SEND
        curl.setopt(pycurl.UPLOAD, int(sends))
        curl.setopt(pycurl.NOBODY, int(not sends))
        if sends and isinstance(body, Body):
            _carry(curl, body)
        elif request.method != LOOK:
            curl.setopt(pycurl.URL, root_url(request.url))
            curl.setopt(pycurl.QUOTE, self._commands(request))

    def _commands(self, request: Request) -> list[bytes]:
        """What gives the file its name, or deletes it."""
        raise NotImplementedError

    def told(self, handle: Handle, code: int) -> Answer | None:
        """What the end of a request means: 404 no such file, 409 a command that is refused."""
        method = "" if handle.request is None else handle.request.method
        if code == 0:
            size = self._size(handle) if method == LOOK else None
            fields = {} if size is None else {"content-length": (str(size),)}
            return Answer(200, "", fields, self.name)
        status = _STATUSES.get((method, code))
        return None if status is None else Answer(status, "", {}, self.name)

    def _size(self, handle: Handle) -> int | None:
        """How large the file is that was looked at."""
        raise NotImplementedError

    def answer(self, handle: Handle, now: datetime) -> Answer | None:  # noqa: ARG002
        """Nothing comes before a body."""
        return None

    def certificate_problem(self, path: str) -> str:
        """As for fetching."""
        return self._base.certificate_problem(path)

    def leave(self, handle: Handle) -> None:
        """As for fetching."""
        self._base.leave(handle)

    def failure(self, code: int, ending: Ending, host: str) -> Failure | None:
        """Its own, then as for fetching."""
        own = upload_failures.of_file_server(code, ending.reply, host)
        return own or self._base.failure(code, ending, host)


def _carry(curl: pycurl.Curl, body: Body) -> None:
    """Sets what is sent; libcurl counts from the file's start and seeks to where it goes on."""
    start = body.start

    def seek(offset: int, origin: int) -> int:
        return body.seek(offset - start, origin)

    curl.setopt(pycurl.INFILESIZE_LARGE, body.end)
    curl.setopt(pycurl.RESUME_FROM_LARGE, start)
    curl.setopt(pycurl.READFUNCTION, body.read)
    curl.setopt(pycurl.SEEKFUNCTION, seek)


def target_of(request: Request) -> str:
    """The URL whose name a file is to get."""
    return request.fields[0].decode()


class SftpSender(FileSender):
    """SFTP."""

    def _commands(self, request: Request) -> list[bytes]:
        here = sftp_path(request.url)
        if request.method == DROP:
            return [b"rm " + here]
        there = sftp_path(target_of(request))
        naming = b"rename %s %s" % (here, there)
        return [b"*rm " + there, naming] if request.method == REPLACE else [naming]

    def _size(self, handle: Handle) -> int | None:
        # libcurl does not tell an empty file from one of unknown size.
        return max(int(handle.curl.getinfo(pycurl.CONTENT_LENGTH_DOWNLOAD_T)), 0)


class FtpSender(FileSender):
    """FTP, plain and over TLS."""

    def set_up(self, handle: Handle, options: EngineOptions) -> None:
        """Paths are sent as they are: no command before has led to another directory."""
        super().set_up(handle, options)
        handle.curl.setopt(pycurl.FTP_FILEMETHOD, pycurl.FTPMETHOD_NOCWD)

    def _commands(self, request: Request) -> list[bytes]:
        here = ftp_path(request.url)
        if request.method == DROP:
            return [b"DELE " + here]
        there = ftp_path(target_of(request))
        naming = [b"RNFR " + here, b"RNTO " + there]
        return [b"*DELE " + there, *naming] if request.method == REPLACE else naming

    def _size(self, handle: Handle) -> int | None:
        return size_told(handle.lines)


# A store's dialects are made by it; these are always the same ones.
FILE_SENDERS: Mapping[Dialect, FileSender] = {
    SSH_DIALECTS["sftp"]: SftpSender(SSH_DIALECTS["sftp"]),
    **{dialect: FtpSender(dialect) for dialect in FTP_DIALECTS.values()},
}
