"""SFTP and SCP with pinned host keys, in the terms of an HTTP answer.

libcurl hands nothing over before the body, so that a request has two parts: the first asks for
size and time alone. Whoever has replaced the file until the second is noticed by its time.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pycurl

from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.likeness import Facts, answer_of, asked_range
from bgcopyd.transfer.wire.dialects import Dialect
from bgcopyd.transfer.wire.ftp import put_range
from bgcopyd.transfer.wire.keys import key_problem

if TYPE_CHECKING:
    from bgcopyd.transfer.options import EngineOptions
    from bgcopyd.transfer.report import Ending
    from bgcopyd.transfer.wire.handles import Handle, Request

_TYPES = {
    pycurl.KHTYPE_RSA: "ssh-rsa",
    pycurl.KHTYPE_ED25519: "ssh-ed25519",
    pycurl.KHTYPE_ECDSA: "ecdsa",
    pycurl.KHTYPE_DSS: "ssh-dss",
}
# Of enum curl_khmatch; pycurl has no names for them.
_SAME, _OTHER = 0, 1


class Ssh(Dialect):
    """SFTP, or SCP, which has no ranges: its files come whole."""

    def __init__(self, name: str, bits: int, *, ranges: bool) -> None:
        self.name = name
        self.bits = bits
        self._ranges = ranges

    def set_up(self, handle: Handle, options: EngineOptions) -> None:
        """Which keys are believed, and how to log in: never with anything of the daemon's own."""
        curl, policy = handle.curl, handle.policy
        # Without a file libcurl would believe every key.
        curl.setopt(pycurl.SSH_KNOWNHOSTS, str(options.known_hosts or os.devnull))
        curl.setopt(pycurl.SSH_KEYFUNCTION, partial(_judge, handle))
        curl.setopt(pycurl.OPT_FILETIME, 1)
        curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
        ways = pycurl.SSH_AUTH_NONE
        if policy.login is not None and policy.login.password:
            ways |= pycurl.SSH_AUTH_PASSWORD | pycurl.SSH_AUTH_KEYBOARD
        if policy.login is not None and policy.certificate:
            ways |= pycurl.SSH_AUTH_PUBLICKEY
            curl.setopt(pycurl.SSH_PRIVATE_KEYFILE, policy.certificate)
        curl.setopt(pycurl.SSH_AUTH_TYPES, ways)

    def put(self, handle: Handle, request: Request) -> None:  # noqa: ARG002
        """The first part of a request: of what size and time the file is."""
        handle.curl.setopt(pycurl.TIMEOUT_MS, 0)
        handle.curl.setopt(pycurl.NOBODY, 1)
        handle.curl.unsetopt(pycurl.RANGE)

    def goes_on(self, handle: Handle) -> bool:
        """The second part is the file, from where it is wanted, where it goes so far."""
        if handle.facts is not None:
            return False
        handle.facts = _facts(handle.curl)
        asked = self._asked(handle)
        if asked is not None and asked[0] >= (handle.facts.size or 0):
            return False
        handle.curl.setopt(pycurl.NOBODY, 0)
        put_range(handle.curl, asked)
        return True

    def _asked(self, handle: Handle) -> tuple[int, int | None] | None:
        if handle.request is None or not self._ranges:
            return None
        return asked_range(handle.request.fields)

    def answer(self, handle: Handle, now: datetime) -> Answer | None:
        """By what the first part told."""
        facts, asked = handle.facts, self._asked(handle)
        if facts is None:
            return None
        if asked is not None and facts.size is None:
            # libcurl does not tell an empty file from one of unknown size; neither has ranges.
            facts = Facts(0, facts.modified)
        return answer_of(self.name, asked, facts, now)

    def changed(self, handle: Handle) -> bool:
        """Whether its time is another one than in the first part."""
        return handle.facts is not None and _modified(handle.curl) != handle.facts.modified

    def leave(self, handle: Handle) -> None:
        """Libcurl says goodbye, and waits for the answer: from now on a second, not forever."""
        handle.curl.setopt(pycurl.TIMEOUT_MS, 1)

    def certificate_problem(self, path: str) -> str:
        """Judges a private key: libssh2 takes not all of them, and breaks memory with RSA's."""
        return key_problem(path)

    def failure(self, code: int, ending: Ending, host: str) -> Failure | None:
        """By CURLcode; a refused key is told with its fingerprint."""
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            message = f"The host key of {host} is not believed: {ending.note or 'it has none'}."
            return Failure(Reason.HOST_KEY_REFUSED, _NET, message, transient=False)
        row = _FAILURES.get(code)
        if row is None:
            return None
        reason, context, text, transient = row
        return Failure(reason, context, text.format(host=host), transient)


def _judge(handle: Handle, known: Any, found: Any, match: int) -> int:  # noqa: ARG001
    """Believes a key that is known of this host; inside libcurl, before anything else is said."""
    if match == _SAME:
        return int(pycurl.KHSTAT_FINE)
    digest = hashlib.sha256(found.key).digest()
    fingerprint = base64.b64encode(digest).rstrip(b"=").decode()
    name = _TYPES.get(found.keytype, "unknown type")
    problem = "is another one than known_hosts has" if match == _OTHER else "is not in known_hosts"
    handle.note = (
        f"{name} SHA256:{fingerprint} {problem} (setting `known_hosts`); compare it with the "
        "server's own before it is added there; nothing was sent to it"
    )
    return int(pycurl.KHSTAT_REJECT)


def _facts(curl: pycurl.Curl) -> Facts:
    size = int(curl.getinfo(pycurl.CONTENT_LENGTH_DOWNLOAD_T))
    return Facts(None if size < 0 else size, _modified(curl))


def _modified(curl: pycurl.Curl) -> datetime | None:
    seconds = curl.getinfo(pycurl.FILETIME_T)
    return None if seconds <= 0 else datetime.fromtimestamp(seconds, UTC)


_NET = ErrorContext.GENERAL_TRANSPORT
_REMOTE = ErrorContext.REMOTE_FILE
_GONE = (
    Reason.REMOTE_FILE_UNAVAILABLE,
    _REMOTE,
    "The server {host} does not give the file; check the path, and who may read it.",
    False,
)
_FAILURES: dict[int, tuple[Reason, ErrorContext, str, bool]] = {
    pycurl.E_LOGIN_DENIED: (
        Reason.LOGIN_DENIED,
        _REMOTE,
        "The server {host} refuses the login; set credentials (BASIC), and what key it takes.",
        False,
    ),
    pycurl.E_REMOTE_FILE_NOT_FOUND: _GONE,
    pycurl.E_REMOTE_ACCESS_DENIED: _GONE,
    pycurl.E_SSH: (
        Reason.CONNECTION_CLOSED,
        _NET,
        "The connection to {host} failed within SSH; the transfer goes on later.",
        True,
    ),
    pycurl.E_FAILED_INIT: (
        Reason.CONNECT_FAILED,
        _NET,
        "The server {host} did not agree on a protected connection (SSH).",
        True,
    ),
}

SSH_DIALECTS: Mapping[str, Dialect] = {
    "sftp": Ssh("SFTP", pycurl.PROTO_SFTP, ranges=True),
    "scp": Ssh("SCP", pycurl.PROTO_SCP, ranges=False),
}
