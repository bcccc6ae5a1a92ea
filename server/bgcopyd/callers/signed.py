"""Who shows a signed token (JWT, RFC 7519), by the advice of RFC 8725."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from bgcopyd.callers.keys import KeyFile, Keys, KeySet, KeyUrl
from bgcopyd.jobs.principal import Principal, Scope
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.callers import JwtIssuer
from bgcopyd.queue.clock import Clock

_LONGEST = 8192
_MOST_KNOWN = 10_000
_SUBJECT = re.compile(r"[!-~]{1,256}")
_KEY_TYPES = {"RS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", None)}
_RSA_BITS = 2048
# Its times are judged by the daemon's own clock, below.
_OPTIONS: Any = {
    "require": ["iss", "sub", "aud", "exp"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was verified with keys out of `keys`."""

    side: _Side
    keys: KeySet
    begin: float
    end: float
    principal: Principal


class _Side:
    """One issuer and his keys."""

    def __init__(self, issuer: JwtIssuer, keys: Keys) -> None:
        self.issuer = issuer
        self.keys = keys


class SignedTokens:
    """Finds principals; a token that was verified costs one look-up from then on.

    Args:
        entitled: the owners whose rights are said, by id.
    """

    def __init__(
        self, issuers: Sequence[JwtIssuer], entitled: Mapping[str, Principal], clock: Clock
    ) -> None:
        self._sides = {one.issuer: _Side(one, _keys_of(one, clock)) for one in issuers}
        self._entitled = entitled
        self._clock = clock
        self._known: dict[bytes, _Known] = {}

    async def principal(self, text: str, digest: bytes) -> Principal:
        """The principal of a token.

        Raises:
            Refusal: CREDENTIAL_INVALID, CREDENTIAL_EXPIRED.
        """
        known = self._known.get(digest)
        if known is None or known.keys is not await known.side.keys.current():
            known = await self._verified(text)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[digest] = known
        now = self._clock.now().timestamp()
        if now >= known.end:
            raise Refusal(Reason.CREDENTIAL_EXPIRED, "the token has expired")
        if now < known.begin:
            raise _invalid("is not good yet")
        return known.principal

    async def _verified(self, text: str) -> _Known:
        if len(text) > _LONGEST:
            raise _invalid(f"has more than {_LONGEST} characters")
        try:
            header = jwt.get_unverified_header(text)
            told = jwt.decode(text, options={"verify_signature": False})
        except (jwt.InvalidTokenError, RecursionError):
            raise _invalid("is malformed") from None
        side = self._sides.get(str(told.get("iss")))
        if side is None:
            raise _invalid("is of an issuer that is not known here")
        algorithm = _algorithm(header, side.issuer)
        keys, key = await _key(side.keys, str(header.get("kid", "")), algorithm)
        return self._judged(side, keys, _claims(text, key, algorithm, side.issuer))

    def _judged(self, side: _Side, keys: KeySet, claims: Mapping[str, Any]) -> _Known:
        subject, leeway = claims["sub"], side.issuer.leeway
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise _invalid("has a subject that is no name")
        begin, end = _moment(claims.get("nbf", 0)), _moment(claims["exp"])
        owner = f"jwt:{side.issuer.issuer}#{subject}"
        principal, bound = Principal(owner), self._entitled.get(owner)
        if side.issuer.scopes is not None:
            principal = Principal(owner, _granted(side.issuer.scopes, claims, side.issuer))
            bound = bound and principal.within(bound)
        return _Known(side, keys, begin - leeway, end + leeway, bound or principal)


def _keys_of(issuer: JwtIssuer, clock: Clock) -> Keys:
    if issuer.jwks_file is not None:
        return KeyFile(issuer.jwks_file)
    return KeyUrl(issuer.jwks_url, issuer.ca_file, clock)


def _algorithm(header: Mapping[str, Any], issuer: JwtIssuer) -> str:
    algorithm = header.get("alg")
    if algorithm not in issuer.algorithms:
        raise _invalid(f"has an algorithm other than {', '.join(issuer.algorithms)}")
    if "crit" in header or "b64" in header:
        raise _invalid("has a header field that is not understood")
    return str(algorithm)


async def _key(source: Keys, name: str, algorithm: str) -> tuple[KeySet, jwt.PyJWK]:
    """The key set, and of it the key of an id that fits the algorithm."""
    keys = await source.current()
    if name not in keys:
        keys = await source.after_miss()
    found = keys.get(name)
    kind, curve = _KEY_TYPES[algorithm]
    if (
        found is None
        or found.get("kty") != kind
        or found.get("alg", algorithm) != algorithm
        or (curve is not None and found.get("crv") != curve)
    ):
        raise _invalid("is signed with a key that its issuer does not have")
    try:
        key = jwt.PyJWK(dict(found), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _invalid("is signed with a key that cannot be used") from None
    if kind == "RSA" and key.key.key_size < _RSA_BITS:
        raise _invalid(f"is signed with a key of less than {_RSA_BITS} bits")
    return keys, key


def _claims(text: str, key: jwt.PyJWK, algorithm: str, issuer: JwtIssuer) -> Mapping[str, Any]:
    try:
        return jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=issuer.audience,
            issuer=issuer.issuer,
            options=_OPTIONS,
        )
    except jwt.InvalidAudienceError:
        raise _invalid("is for somebody else (aud)") from None
    except jwt.MissingRequiredClaimError as problem:
        raise _invalid(f"lacks the claim {problem.claim}") from None
    except jwt.InvalidSignatureError:
        raise _invalid("has a signature that is not its issuer's") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _invalid("is malformed") from None


def _granted(
    scopes: Mapping[str, Scope], claims: Mapping[str, Any], issuer: JwtIssuer
) -> frozenset[Scope]:
    words = _words(claims.get(issuer.scope_claim))
    return frozenset(scopes[word] for word in words if word in scopes)


def _moment(value: object) -> float:
    """A NumericDate in seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise _invalid("has a time that is none")
    return float(value)


def _words(claim: object) -> list[str]:
    """The words of a claim: a text with spaces (RFC 8693 section 4.2), or a list."""
    if isinstance(claim, str):
        return claim.split()
    return [word for word in claim if isinstance(word, str)] if isinstance(claim, list) else []


def _invalid(problem: str) -> Refusal:
    return Refusal(Reason.CREDENTIAL_INVALID, f"the token {problem}")
