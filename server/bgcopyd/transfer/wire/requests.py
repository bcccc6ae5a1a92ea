"""The requests of one transfer: whom they may go to, how, and with which secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache

from bgcopyd.jobs.addresses import judge_host
from bgcopyd.jobs.header_rules import is_secret
from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    HttpHeader,
    HttpOptions,
    ProxyUsage,
    RedirectPolicy,
    TlsFlag,
)
from bgcopyd.jobs.proxy_rules import proxy_for
from bgcopyd.queue.transfers import TransferOptions
from bgcopyd.transfer import failures
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging import redirects
from bgcopyd.transfer.judging.plan import gets
from bgcopyd.transfer.judging.redirects import Origin, RedirectRefused
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.report import Ending
from bgcopyd.transfer.wire.dialects import WEB, Dialect
from bgcopyd.transfer.wire.handles import Request
from bgcopyd.transfer.wire.policy import Login, Policy, speaks
from bgcopyd.transfer.wire.schemes import dialect_of

_PLAIN = HttpOptions()
# Whoever sends these says how long the content is (RFC 9110 section 8.6); a job has none to send.
_WITH_CONTENT = frozenset({"PATCH", "POST", "PUT"})
_plain_policy = lru_cache(maxsize=256)(Policy)
_NOWHERE = Origin("", "", 0)


class Unusable(Exception):
    """No request can be made."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Requests:
    """Aims at one URL after the other; what is secret goes to the origin of the first alone.

    Attributes:
        tells: whether where they led is reported.
        origin: whom the requests go to.
        dialect: how.
    """

    __slots__ = (
        "_aimed",
        "_engine",
        "_first",
        "_logins",
        "_options",
        "_plain",
        "_policy",
        "_proxies",
        "_proxy_logins",
        "dialect",
        "origin",
        "tells",
    )

    def __init__(self, url: str, options: TransferOptions, engine: EngineOptions) -> None:
        http = options.http
        self._first = url
        self._options = options
        self._engine = engine
        self._plain = http == _PLAIN and not options.credentials and not engine.proxy.proxies
        self._aimed = ""
        self.origin = _NOWHERE
        self.dialect: Dialect = WEB
        self._policy = _plain_policy(options.owner)
        self._proxies: Sequence[str] = ()
        self._logins: Sequence[Login] = ()
        self._proxy_logins: Sequence[Login] = ()
        self.tells = http.redirect_policy is RedirectPolicy.ALLOW_REPORT

    def aim(self, url: str) -> Origin:
        """Makes ready for requests of a URL; its origin.

        Raises:
            Unusable: no request can be made with the job's options, or of such a URL.
        """
        try:
            origin = redirects.origin_of(url)
        except ValueError as error:
            raise Unusable(failures.url_refused(str(error))) from None
        if url != self._aimed:
            self._aimed, self.origin = "", origin
            self.dialect = self._dialect_of(origin)
            # A proxy would connect where we cannot look.
            if not self.dialect.appointed and judge_host(origin.host, self._engine.addresses):
                raise Unusable(failures.address_forbidden())
            self._aimed = url
            if self._plain and self.dialect is WEB:
                self._policy = _plain_policy(self._options.owner)
            else:
                self._choose()
                self._policy = self._make_policy()
        return origin

    def _dialect_of(self, origin: Origin) -> Dialect:
        scheme = origin.scheme
        if scheme not in self._engine.schemes:
            raise Unusable(failures.scheme_off(scheme, "the daemon's settings do not name it"))
        dialect = dialect_of(origin, self._engine.s3_stores, self._options.owner)
        if dialect is None:
            problem = f"no store has the bucket {origin.host!r} for this owner"
            raise Unusable(failures.scheme_off(scheme, problem))
        if not dialect.web and not gets(self._options.http):
            raise Unusable(failures.not_spoken("method", dialect.name))
        return dialect

    def _choose(self) -> None:
        """Lists the ways to try: proxies, and logins for server and proxy."""
        proxy, wire = self._options.http.proxy, self.dialect.wire(self._aimed)
        self._proxies = proxy_for(wire, proxy, self._engine.proxy, _variables(proxy.usage))
        self._logins = self._logins_of(AuthTarget.SERVER) if self._trusted else ()
        self._proxy_logins = self._logins_of(AuthTarget.PROXY) if self._proxies else ()

    @property
    def _trusted(self) -> bool:
        """Whether the secrets are meant for whom the requests go to."""
        return self._aimed == self._first or self.origin == redirects.origin_of(self._first)

    def _logins_of(self, target: AuthTarget) -> Sequence[Login]:
        given = [one for one in self._options.credentials if one.key.target is target]
        unspoken = next((one.key.scheme for one in given if not speaks(one.key.scheme)), None)
        if unspoken is not None:
            raise Unusable(failures.scheme_unknown(unspoken.name))
        if target is AuthTarget.SERVER:
            usable = [one for one in given if one.key.scheme in self.dialect.logins]
            if given and not usable:
                raise Unusable(failures.not_spoken("authentication scheme", self.dialect.name))
            given = usable
        return _logins(given)

    def _make_policy(self) -> Policy:
        http = self._options.http
        trusted = self._trusted
        login = next(iter(self._logins), None)
        certificate = http.client_certificate if trusted else ""
        certificate = _named(certificate, self._engine.client_certificates, "client certificate")
        problem = self.dialect.certificate_problem(certificate) if certificate else ""
        if problem:
            raise Unusable(failures.key_unusable(http.client_certificate, problem))
        return Policy(
            owner=self._options.owner,
            method="" if gets(http) else http.method,
            dialect=self.dialect,
            origin=self.origin if login is not None or certificate else None,
            login=login,
            proxy=next(iter(self._proxies), ""),
            proxy_login=next(iter(self._proxy_logins), None),
            verify_name=TlsFlag.IGNORE_CERT_CN_INVALID not in http.tls_flags,
            verify_issuer=TlsFlag.IGNORE_UNKNOWN_CA not in http.tls_flags,
            certificate=certificate,
            ca_file=_named(http.ca_bundle, self._engine.ca_bundles, "CA bundle"),
        )

    def make(self, fields: Sequence[bytes], *, apart: bool = False) -> Request:
        """The next request; `fields` are those that the transfer itself decides."""
        own = [] if self._plain or not self.dialect.web else self._own_fields()
        url = self.dialect.wire(self._aimed)
        return Request(url, self.origin, self._policy, [*fields, *own], apart=apart)

    def _own_fields(self) -> list[bytes]:
        trusted = self._trusted
        login = next(iter(self._logins), None)
        # Credentials take the place of a field of the job that would contradict them.
        dropped = "authorization" if login is not None else ""
        fields = [
            _line(header)
            for header in self._options.http.headers
            if (trusted or not is_secret(header)) and header.name.lower() != dropped
        ]
        if login is not None and AuthScheme.BEARER in login.schemes:
            fields.append(b"Authorization: Bearer " + login.password.encode())
        if self._policy.method in _WITH_CONTENT:
            fields.append(b"Content-Length: 0")
        return fields

    @property
    def unplaced(self) -> bool:
        """Whether answers do not say where in the file their bytes belong."""
        return self.dialect.unplaced

    @property
    def web(self) -> bool:
        """Whether they speak HTTP."""
        return self.dialect.web

    @property
    def proxied(self) -> bool:
        """Whether they go through a proxy."""
        return bool(self._proxies)

    # What comes after an answer or a failure.

    def follow(self, location: str, visited: set[str]) -> str:
        """Where a redirect leads.

        Raises:
            RedirectRefused: to where no job may go, or this one not.
        """
        http = self._options.http
        if not self.dialect.web:
            raise RedirectRefused("to another endpoint or region, which the settings must name")
        if not gets(http):
            raise RedirectRefused(f"a {http.method}, which is not repeated elsewhere")
        if http.redirect_policy is RedirectPolicy.DISALLOW:
            raise RedirectRefused("and the job does not allow that")
        return redirects.follow(
            self._aimed,
            location,
            visited,
            self._engine.redirects,
            https_to_http=http.allow_https_to_http,
        )

    def another_login(self, status: int) -> bool:
        """After a 401 or 407: goes on to the next credentials; False where there are none."""
        if status == 401 and len(self._logins) > 1:
            self._logins = self._logins[1:]
        elif status == 407 and len(self._proxy_logins) > 1:
            self._proxy_logins = self._proxy_logins[1:]
        else:
            return False
        self._policy = self._make_policy()
        return True

    def another_way(self, code: int, ending: Ending) -> bool:
        """After a CURLcode: goes on to the next proxy or proxy login; False where that is none."""
        if not self._proxies or not ending.by_proxy(code):
            return False
        if self.another_login(ending.connect_status):
            return True
        if len(self._proxies) < 2:
            return False
        self._proxies = self._proxies[1:]
        self._proxy_logins = self._logins_of(AuthTarget.PROXY)
        self._policy = self._make_policy()
        return True

    def failure(
        self, code: int, detail: str, ending: Ending, dialect: Dialect | None = None
    ) -> Failure:
        """What a CURLcode means for the transfer; `dialect` is that of an upload."""
        if ending.forbidden:
            proxy = redirects.shown(self._proxies[0]) if self._proxies else ""
            return failures.address_forbidden(proxy)
        if self._proxies and ending.by_proxy(code):
            proxy = redirects.shown(self._proxies[0])
            return failures.of_proxy(ending.connect_status, proxy, str(self.origin))
        known = (dialect or self.dialect).failure(code, ending, str(self.origin))
        return known or failures.of_curl(code, detail, str(self.origin))


def _logins(given: Sequence[Credentials]) -> list[Login]:
    """Who may log in, the strongest scheme first; equal names and passwords are offered together.

    libcurl has one name and password per request and picks the scheme by what the server offers. A
    bearer token is sent unasked, so it comes alone and first; alone comes also a password that NTLM
    spells in its own way.
    """
    logins: dict[tuple[str, str, bool], list[AuthScheme]] = {}
    for one in sorted(given, key=lambda one: one.key.scheme, reverse=True):
        spelled = one.key.scheme is AuthScheme.NTLM and not one.password.isascii()
        alone = spelled or one.key.scheme is AuthScheme.BEARER
        logins.setdefault((one.user_name, one.password, alone), []).append(one.key.scheme)
    return [Login(tuple(schemes), *key[:2]) for key, schemes in logins.items()]


def _line(header: HttpHeader) -> bytes:
    # libcurl would drop a field that ends with its colon.
    end = f": {header.value}" if header.value else ";"
    return f"{header.name}{end}".encode("latin-1")


def _named(name: str, store: Mapping[str, object], what: str) -> str:
    if not name:
        return ""
    if name not in store:
        raise Unusable(failures.not_configured(what, name))
    return str(store[name])


def _variables(usage: ProxyUsage) -> Mapping[str, str]:
    return os.environ if usage is ProxyUsage.AUTODETECT else {}
