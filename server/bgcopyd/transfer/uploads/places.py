"""Where a file is put on a server of files: under a hidden name, until all of it is there."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes, urlsplit

from bgcopyd.jobs.roots import PARTIAL_PREFIX

_HOME = b"/~/"


def hidden_url(url: str, job_id: str, index: int) -> str:
    """The URL of the file while it is not whole; no other job's is there."""
    return _beside(url, f"{PARTIAL_PREFIX}{job_id}-{index}")


def _beside(url: str, name: str) -> str:
    parts = urlsplit(url)
    folder = parts.path.rpartition("/")[0]
    return parts._replace(path=f"{folder}/{quote(name)}").geturl()


def root_url(url: str) -> str:
    """A URL of the server alone, for commands that name their paths themselves."""
    return urlsplit(url)._replace(path="/").geturl()


def ftp_path(url: str) -> bytes:
    """What FTP's commands call a file: relative to where the login leads, unless %2F begins it."""
    return unquote_to_bytes(urlsplit(url).path[1:])


def sftp_path(url: str) -> bytes:
    """What SFTP calls it: absolute, or relative to the home directory; quoted for libcurl."""
    path = unquote_to_bytes(urlsplit(url).path).removeprefix(_HOME)
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%s"' % escaped
