"""Who shows a certificate: the one name of the kind that an operator has chosen, never the CN."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from bgcopyd.callers.files import certificates
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.callers import CertificateProblem, TlsFiles, TlsMaterial
from bgcopyd.queue.clock import Clock

# More intermediates than these have no honest certificate.
_DEEPEST = 8
_MOST_KNOWN = 10_000
# A name that can stand in an owner id, a log and a table.
_NAME = re.compile(r"[!-)+-~]{1,512}")
# SPIFFE ID, sections 2.1 to 2.3.
_SPIFFE = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/[A-Za-z0-9._-]+)+")


_Kind = type[x509.UniformResourceIdentifier] | type[x509.DNSName] | type[x509.RFC822Name]
_RULES: Mapping[str, _Kind] = MappingProxyType(
    {
        "spiffe": x509.UniformResourceIdentifier,
        "uri": x509.UniformResourceIdentifier,
        "dns": x509.DNSName,
        "email": x509.RFC822Name,
    }
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A certificate that was judged by the authorities of `material`."""

    material: TlsMaterial
    end: datetime
    principal: Principal


class ShownCertificates:
    """Finds principals; whoever asks has had the certificate verified in its handshake.

    A connection outlives a change of the authorities, so they are asked again at each call.

    Args:
        rule: which name is the identity: spiffe, uri, dns or email.
        principal: the principal of an owner id.
    """

    def __init__(
        self, files: TlsFiles, rule: str, principal: Callable[[str], Principal], clock: Clock
    ) -> None:
        self._files = files
        self._rule = rule
        self._principal = principal
        self._clock = clock
        self._known: dict[bytes, _Known] = {}

    def principal(self, leaf: bytes, chain: bytes) -> Principal:
        """The principal of a certificate (PEM) that came with a chain.

        Raises:
            Refusal: CREDENTIAL_INVALID, CREDENTIAL_EXPIRED.
        """
        material = self._files.latest()
        known = self._known.get(leaf)
        if known is None or known.material is not material:
            known = self._judged(material, leaf, chain)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[leaf] = known
        if known.end <= self._clock.now():
            raise Refusal(Reason.CREDENTIAL_EXPIRED, "the client certificate has expired")
        return known.principal

    def _judged(self, material: TlsMaterial, leaf: bytes, chain: bytes) -> _Known:
        try:
            shown = certificates("the client", leaf + chain)
        except CertificateProblem:
            raise Refusal(
                Reason.CREDENTIAL_INVALID, "the client certificate is malformed"
            ) from None
        trusted = certificates("the authorities", material.clients) if material.clients else ()
        if not _anchored(shown[0], shown[1:], trusted, _DEEPEST):
            raise Refusal(
                Reason.CREDENTIAL_INVALID, "the client certificate's authority is not trusted here"
            )
        return _Known(
            material, shown[0].not_valid_after_utc, self._principal(f"x509:{self._name(shown[0])}")
        )

    def _name(self, leaf: x509.Certificate) -> str:
        try:
            found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            listed = found.value.get_values_for_type(_RULES[self._rule])
        except (x509.ExtensionNotFound, ValueError):
            listed = []
        pattern = _SPIFFE if self._rule == "spiffe" else _NAME
        if len(listed) != 1 or not pattern.fullmatch(listed[0]):
            raise Refusal(
                Reason.CREDENTIAL_INVALID,
                f"the client certificate names {len(listed)} usable identities of the kind "
                f"'{self._rule}' (subject alternative names); exactly one is needed here",
            )
        return listed[0]


def _anchored(
    one: x509.Certificate,
    chain: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    depth: int,
) -> bool:
    """Whether a way leads from a certificate to a trusted one, over those that came with it."""
    if any(one == root or _issued(one, root) for root in trusted):
        return True
    above = [other for other in chain if other != one and _issued(one, other)]
    return depth > 0 and any(_anchored(other, chain, trusted, depth - 1) for other in above)


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
