"""Rules of credentials (RFC 7617, RFC 6750; lengths as BITS). Pure.

No fault ever quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bgcopyd.jobs import limits
from bgcopyd.jobs.http_options import AuthScheme, AuthTarget, Credentials
from bgcopyd.jobs.reasons import Reason

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BEYOND_LATIN_1 = re.compile(r"[^\x00-\xff]")
_BEARER = re.compile(r"[\x21-\x7e]+")
_TICKETS = (AuthScheme.NTLM, AuthScheme.NEGOTIATE)


class Fault(NamedTuple):
    """What is wrong with one field of a request, and the reason of it."""

    field: str
    problem: str
    reason: Reason = Reason.INVALID_REQUEST


def key_faults(target: int, scheme: int) -> Iterator[Fault]:
    """Judges whom credentials are for, and how they are used."""
    if target not in set(AuthTarget):
        what = _unknown(target)
        yield Fault("target", f"{what}; choose SERVER or PROXY", Reason.AUTH_TARGET_INVALID)
    if scheme not in set(AuthScheme):
        names = ", ".join(one.name for one in AuthScheme)
        yield Fault("scheme", f"{_unknown(scheme)}; choose of {names}", Reason.AUTH_SCHEME_INVALID)
    if scheme == AuthScheme.BEARER and target == AuthTarget.PROXY:
        problem = "is BEARER, which is for servers alone; proxies take the other schemes"
        yield Fault("scheme", problem, Reason.AUTH_SCHEME_INVALID)


def _unknown(number: int) -> str:
    return f"has the unknown value {number}" if number else "is missing"


def credentials_faults(credentials: Credentials) -> Iterator[Fault]:
    """Judges name and password for their scheme."""
    yield from _text_faults(credentials)
    scheme, name = credentials.key.scheme, credentials.user_name
    if scheme is AuthScheme.BEARER:
        yield from _bearer_faults(credentials)
    elif scheme in _TICKETS and not name and not credentials.password:
        # BITS lends the owner's logon here. The daemon's own tickets are nobody's to spend.
        problem = f"is empty, as the password is: {scheme.name} lends no job the daemon's identity"
        yield Fault("user_name", f"{problem}; give both", Reason.NOT_SUPPORTED)
    elif not name:
        yield Fault("user_name", "is missing; only BEARER goes without")
    elif scheme is AuthScheme.BASIC and ":" in name:
        yield Fault("user_name", "has a colon, which ends the name in BASIC; use another scheme")
    if scheme is AuthScheme.NTLM:
        yield from _ntlm_faults(credentials)


def _text_faults(credentials: Credentials) -> Iterator[Fault]:
    for field, text, limit, reason in (
        (
            "user_name",
            credentials.user_name,
            limits.USER_NAME_CHARACTERS,
            Reason.USER_NAME_TOO_LARGE,
        ),
        ("password", credentials.password, limits.PASSWORD_CHARACTERS, Reason.PASSWORD_TOO_LARGE),
    ):
        if len(text) > limit:
            yield Fault(field, f"has {len(text)} characters; at most {limit} are allowed", reason)
        if _CONTROL.search(text):
            yield Fault(field, "has a control character; remove it")


def _ntlm_faults(credentials: Credentials) -> Iterator[Fault]:
    """Refuses what libcurl's NTLM would send as other characters."""
    if not credentials.user_name.isascii():
        problem = "has a character beyond ASCII, which names in NTLM cannot have here"
        yield Fault("user_name", f"{problem}; use another scheme", Reason.NOT_SUPPORTED)
    if _BEYOND_LATIN_1.search(credentials.password):
        problem = "has a character beyond Latin-1, which passwords in NTLM cannot have here"
        yield Fault("password", f"{problem}; use another scheme", Reason.NOT_SUPPORTED)


def _bearer_faults(credentials: Credentials) -> Iterator[Fault]:
    if credentials.user_name:
        yield Fault("user_name", "does not go with BEARER; leave it out")
    if not _BEARER.fullmatch(credentials.password):
        problem = "is no bearer token; give one without spaces and characters beyond ASCII"
        yield Fault("password", problem)
