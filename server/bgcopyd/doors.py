"""Puts together what tells who calls: tokens, local users, certificates, and what each may."""

from __future__ import annotations

import logging

from bgcopyd.callers.certificates import ShownCertificates
from bgcopyd.callers.files import TlsFileSet
from bgcopyd.callers.peers import LocalTokens, PeerSockets
from bgcopyd.config import Settings, TcpListener
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Store, Token
from bgcopyd.queue.tokens import TokenUses, bounded
from bgcopyd.rpc.identity import Identities, own_principal

logger = logging.getLogger(__name__)


class Doors:
    """What stands at the daemon's listeners.

    Raises:
        CertificateProblem: the files of the TLS listeners cannot be used.
    """

    def __init__(self, settings: Settings, store: Store, uses: TokenUses, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._uses = uses
        self._clock = clock
        self._entitled = settings.entitled
        self._own = own_principal()
        self._local = LocalTokens(self._principal, clock)
        self.tls = _tls_files(settings)
        self.peers = PeerSockets(self._local) if settings.shared_sockets else None

    def identities(self) -> Identities:
        """Finds the principal of each call."""
        plain = not self._entitled and self.peers is None
        return Identities(
            self._store.token if plain else self._token,
            self._uses.note,
            self._clock,
            certificates=self._certificates(),
            shared=self.peers is not None,
        )

    def reload(self) -> None:
        """Reads again what may change without a restart; it is also seen where nobody says so."""
        logger.info("asked to read the certificates again")
        if self.tls is not None:
            self.tls.latest()

    async def _token(self, digest: bytes) -> Token | None:
        """A token, with no more rights than its principal has."""
        token = await self._store.token(digest)
        if token is None:
            return self._local.find(digest)
        bound = self._entitled.get(token.principal.id)
        return token if bound is None else bounded(token, bound)

    def _principal(self, owner: str) -> Principal:
        known = self._own if owner == self._own.id else self._entitled.get(owner)
        return known or Principal(owner)

    def _certificates(self) -> ShownCertificates | None:
        if self.tls is None:
            return None
        return ShownCertificates(
            self.tls, self._settings.tls_identity, self._principal, self._clock
        )


def _tls_files(settings: Settings) -> TlsFileSet | None:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    kinds = {listener.kind for listener in settings.listen if isinstance(listener, TcpListener)}
    if certificate is None or key is None or kinds <= {"tcp"}:
        return None
    return TlsFileSet(certificate, key, settings.tls_client_ca_file)
