"""The server's half of NTLM (MS-NLMP) over HTTP; a package of others judges the answers."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import spnego
import spnego.exceptions

from tests.support.http_hostile import Handler, Request, Wire

_SERVER = (401, "WWW_Authenticate", "authorization")
_PROXY = (407, "Proxy_Authenticate", "proxy-authorization")


def know(environment: pytest.MonkeyPatch, folder: Path, user: str, password: str) -> None:
    """Makes acceptors of this process know one user, and no answer older than NTLMv2."""
    users = folder / "ntlm-users"
    users.write_text(f":{user}:{password}\n")
    environment.setenv("NTLM_USER_FILE", str(users))
    environment.setenv("LM_COMPAT_LEVEL", "5")


class NtlmGate:
    """A handler that lets connections pass to the next one once they have logged in."""

    def __init__(self, behind: Handler, *, proxy: bool = False) -> None:
        self._behind = behind
        self._status, self._ask, self._answer = _PROXY if proxy else _SERVER
        self._known: dict[int, spnego.ContextProxy] = {}

    def __call__(self, request: Request, wire: Wire) -> None:
        acceptor = self._known.setdefault(request.connection, _acceptor())
        scheme, _, token = request.fields.get(self._answer, "").partition(" ")
        challenge = ""
        if not acceptor.complete and scheme == "NTLM":
            challenge = self._step(acceptor, base64.b64decode(token))
        if acceptor.complete:
            self._behind(request, wire)
        else:
            wire.answer(self._status, b"who?", **{self._ask: f"NTLM {challenge}".strip()})

    def _step(self, acceptor: spnego.ContextProxy, token: bytes) -> str:
        try:
            return base64.b64encode(acceptor.step(token) or b"").decode()
        except spnego.exceptions.SpnegoError:
            return ""


def _acceptor() -> spnego.ContextProxy:
    options = spnego.NegotiateOptions.use_ntlm
    return spnego.server(protocol="ntlm", options=options)
