"""Credentials: what each target and scheme takes, with the reason of each refusal."""

from __future__ import annotations

import pytest

from bgcopyd.jobs.credential_rules import credentials_faults, key_faults
from bgcopyd.jobs.http_options import AuthScheme, AuthTarget, Credentials, CredentialsKey
from bgcopyd.jobs.reasons import Reason

SERVER, PROXY = AuthTarget.SERVER, AuthTarget.PROXY
BAD = Reason.INVALID_REQUEST
SCHEME = Reason.AUTH_SCHEME_INVALID


@pytest.mark.parametrize(
    ("target", "scheme", "faults"),
    [
        *[(SERVER, scheme, []) for scheme in AuthScheme],
        *[(PROXY, scheme, []) for scheme in AuthScheme if scheme is not AuthScheme.BEARER],
        (PROXY, AuthScheme.BEARER, [("scheme", SCHEME)]),
        (0, 1, [("target", Reason.AUTH_TARGET_INVALID)]),
        (3, 1, [("target", Reason.AUTH_TARGET_INVALID)]),
        (1, 0, [("scheme", SCHEME)]),
        (1, 5, [("scheme", SCHEME)]),
        (1, 7, [("scheme", SCHEME)]),
        (-1, -1, [("target", Reason.AUTH_TARGET_INVALID), ("scheme", SCHEME)]),
    ],
)
def test_targets_and_schemes(target: int, scheme: int, faults: list[tuple[str, Reason]]) -> None:
    assert [(fault.field, fault.reason) for fault in key_faults(target, scheme)] == faults


@pytest.mark.parametrize(
    ("scheme", "name", "password", "faults"),
    [
        ("BASIC", "u", "p", []),
        ("BASIC", "u", "", []),
        ("BASIC", "ü" * 300, "x" * 65_535, []),
        ("BASIC", "u" * 301, "p", [("user_name", Reason.USER_NAME_TOO_LARGE)]),
        ("BASIC", "u", "x" * 65_536, [("password", Reason.PASSWORD_TOO_LARGE)]),
        ("BASIC", "", "p", [("user_name", BAD)]),
        ("BASIC", "a:b", "p", [("user_name", BAD)]),
        ("DIGEST", "a:b", "p", []),
        ("BASIC", "a\r\nb", "p", [("user_name", BAD)]),
        ("BASIC", "u", "p\0", [("password", BAD)]),
        ("DIGEST", "u", "p\x85", [("password", BAD)]),
        ("NTLM", r"DOMAIN\u", "p", []),
        ("NTLM", "u", "pässword", []),
        ("NTLM", "ü", "p", [("user_name", Reason.NOT_SUPPORTED)]),
        ("NTLM", "u", "p€", [("password", Reason.NOT_SUPPORTED)]),
        ("NTLM", "", "", [("user_name", Reason.NOT_SUPPORTED)]),
        ("NEGOTIATE", "", "", [("user_name", Reason.NOT_SUPPORTED)]),
        ("NEGOTIATE", "", "p", [("user_name", BAD)]),
        ("DIGEST", "", "", [("user_name", BAD)]),
        ("BEARER", "", "abc.DEF-_~+/=", []),
        ("BEARER", "u", "abc", [("user_name", BAD)]),
        ("BEARER", "", "", [("password", BAD)]),
        ("BEARER", "", "a b", [("password", BAD)]),
        ("BEARER", "", "ä", [("password", BAD)]),
    ],
)
def test_names_and_passwords(
    scheme: str, name: str, password: str, faults: list[tuple[str, Reason]]
) -> None:
    credentials = Credentials(CredentialsKey(SERVER, AuthScheme[scheme]), name, password)
    found = list(credentials_faults(credentials))
    assert [(fault.field, fault.reason) for fault in found] == faults


def test_no_fault_quotes_a_value() -> None:
    for scheme in AuthScheme:
        credentials = Credentials(
            CredentialsKey(SERVER, scheme), "secr:et\n" * 50, "hidden\n" * 10**4
        )
        for fault in credentials_faults(credentials):
            assert "secr" not in fault.problem
            assert "hidden" not in fault.problem
