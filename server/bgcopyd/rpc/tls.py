"""TLS of listeners, by files that may change; 1.2 is the least that gRPC's core offers."""

from __future__ import annotations

import grpc

from bgcopyd.queue.callers import TlsFiles, TlsMaterial


def credentials(files: TlsFiles, *, clients: bool) -> grpc.ServerCredentials:
    """Credentials of one listener that follow the files; with `clients` it wants certificates."""
    shown = files.latest()

    def fresh() -> grpc.ServerCertificateConfiguration | None:
        """Asked on a thread of gRPC before each handshake; None is no change."""
        nonlocal shown
        latest = files.latest()
        if latest is shown:
            return None
        shown = latest
        return _configuration(latest, clients=clients)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(shown, clients=clients),
        fresh,  # type: ignore[arg-type] # the stubs forget None
        require_client_authentication=clients,
    )


def _configuration(material: TlsMaterial, *, clients: bool) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(material.key, material.chain)], root_certificates=material.clients if clients else None
    )
