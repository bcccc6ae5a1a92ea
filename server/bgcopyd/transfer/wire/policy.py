"""What requests must have in common to share a connection, and how libcurl is told of it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import pycurl

from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.wire.dialects import WEB, Dialect

_BITS: dict[AuthScheme, int] = {
    AuthScheme.BASIC: pycurl.HTTPAUTH_BASIC,
    AuthScheme.DIGEST: pycurl.HTTPAUTH_DIGEST,
    AuthScheme.NTLM: pycurl.HTTPAUTH_NTLM,
    AuthScheme.NEGOTIATE: pycurl.HTTPAUTH_NEGOTIATE,
}
_FEATURES = {AuthScheme.NTLM: pycurl.VERSION_NTLM, AuthScheme.NEGOTIATE: pycurl.VERSION_SPNEGO}


@dataclass(frozen=True, slots=True)
class Login:
    """A name and password, and the schemes that they may be used with. Never shown."""

    schemes: tuple[AuthScheme, ...]
    user_name: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.schemes!r})"


@dataclass(frozen=True, slots=True)
class Policy:
    """Requests of equal policies share connections, TLS sessions and what servers were told.

    libcurl itself would let a connection that one owner has logged in on serve the next one in
    several cases, so it never gets to choose: each policy has handles and connections of its own.
    `login` and `certificate` (a path) are for `origin` alone; `proxy` is a URL, "" none; `ca_file`
    "" stands for what the daemon trusts. `method` "" is GET.
    """

    owner: str = ""
    method: str = ""
    origin: Origin | None = None
    login: Login | None = None
    proxy: str = ""
    proxy_login: Login | None = None
    verify_name: bool = True
    verify_issuer: bool = True
    certificate: str = ""
    ca_file: str = ""
    dialect: Dialect = WEB

    def __repr__(self) -> str:
        return f"Policy({self.owner!r}, {self.origin!s})"


def speaks(scheme: AuthScheme) -> bool:
    """Whether this libcurl was built with the scheme; NTLM has gone from many."""
    feature = _FEATURES.get(scheme)
    return feature is None or bool(pycurl.version_info()[4] & feature)


def obey(curl: pycurl.Curl, policy: Policy, options: EngineOptions) -> None:
    """Sets all that the policy decides on a new handle.

    Raises:
        pycurl.error: libcurl cannot do it.
    """
    trusted = str(options.ca_file or "")
    _trust(curl, policy.ca_file or trusted, file=pycurl.CAINFO, folder=pycurl.CAPATH)
    curl.setopt(pycurl.SSL_VERIFYPEER, int(policy.verify_issuer))
    curl.setopt(pycurl.SSL_VERIFYHOST, 2 if policy.verify_name else 0)
    # Both are always said: an empty list and no proxy at all would let the environment decide.
    curl.setopt(pycurl.PROXY, policy.proxy)
    curl.setopt(pycurl.NOPROXY, "")
    if policy.certificate:
        curl.setopt(pycurl.SSLCERT, policy.certificate)
        curl.setopt(pycurl.SSLKEY, policy.certificate)
    # A bearer token is a field of each request; it is here to keep its connections apart.
    if policy.login is not None and AuthScheme.BEARER not in policy.login.schemes:
        curl.setopt(pycurl.HTTPAUTH, _bits(policy.login))
        curl.setopt(pycurl.USERNAME, policy.login.user_name.encode())
        curl.setopt(pycurl.PASSWORD, _password(policy.login))
    if policy.proxy:
        # By what the daemon trusts, whatever the job says of servers.
        _trust(curl, trusted, file=pycurl.PROXY_CAINFO, folder=pycurl.PROXY_CAPATH)
    if policy.proxy_login is not None:
        curl.setopt(pycurl.PROXYAUTH, _bits(policy.proxy_login))
        curl.setopt(pycurl.PROXYUSERNAME, policy.proxy_login.user_name.encode())
        curl.setopt(pycurl.PROXYPASSWORD, _password(policy.proxy_login))


def _bits(login: Login) -> int:
    return sum(_BITS[scheme] for scheme in set(login.schemes))


def _password(login: Login) -> bytes:
    # NTLM wants UTF-16, and libcurl makes it from one byte for each character.
    return login.password.encode("latin-1" if login.schemes == (AuthScheme.NTLM,) else "utf-8")


def _trust(curl: pycurl.Curl, ca_file: str, *, file: int, folder: int) -> None:
    # The wheel's libcurl does not know where this system keeps its certificates.
    paths = ssl.get_default_verify_paths()
    if ca_file or paths.cafile:
        curl.setopt(file, ca_file or paths.cafile)
    elif paths.capath:
        curl.setopt(folder, paths.capath)
