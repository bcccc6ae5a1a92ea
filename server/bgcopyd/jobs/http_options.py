"""How a job talks to its servers, as values; numbers equal the enums of http.proto."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class RedirectPolicy(enum.IntEnum):
    """What a redirect may do."""

    ALLOW_SILENT = 1
    ALLOW_REPORT = 2
    DISALLOW = 3


class TlsFlag(enum.IntEnum):
    """How a server's certificate is judged otherwise than strictly."""

    ENABLE_CRL_CHECK = 1
    IGNORE_CERT_CN_INVALID = 2
    IGNORE_CERT_DATE_INVALID = 3
    IGNORE_UNKNOWN_CA = 4
    IGNORE_CERT_WRONG_USAGE = 5


class ProxyUsage(enum.IntEnum):
    """Where the proxy comes from."""

    PRECONFIG = 1
    NO_PROXY = 2
    OVERRIDE = 3
    AUTODETECT = 4


class AuthTarget(enum.IntEnum):
    """Whom credentials are for."""

    SERVER = 1
    PROXY = 2


class AuthScheme(enum.IntEnum):
    """How credentials are used."""

    BASIC = 1
    DIGEST = 2
    NTLM = 3
    NEGOTIATE = 4
    BEARER = 6


@dataclass(frozen=True, slots=True)
class HttpHeader:
    """One header field. A secret one has no value here but where a transfer is made."""

    name: str
    value: str
    secret: bool = False

    def __repr__(self) -> str:
        value = "..." if self.secret else self.value
        return f"HttpHeader({self.name!r}, {value!r})"


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """The proxy of a job; `proxies` and `bypass` with OVERRIDE alone."""

    usage: ProxyUsage = ProxyUsage.PRECONFIG
    proxies: tuple[str, ...] = ()
    bypass: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CredentialsKey:
    """What names stored credentials: one per job, target and scheme."""

    target: AuthTarget
    scheme: AuthScheme


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password, or a bearer token as password. Never shown."""

    key: CredentialsKey
    user_name: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.key!r})"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """All of it. An empty method is GET; certificates and bundles are names out of the settings."""

    method: str = ""
    headers: tuple[HttpHeader, ...] = ()
    redirect_policy: RedirectPolicy = RedirectPolicy.ALLOW_SILENT
    allow_https_to_http: bool = False
    tls_flags: tuple[TlsFlag, ...] = ()
    client_certificate: str = ""
    ca_bundle: str = ""
    proxy: ProxySettings = ProxySettings()
    announced_mirrors: bool = False
