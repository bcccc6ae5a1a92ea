"""What this server can beyond the first version of the API, for GetServerInfo."""

from __future__ import annotations

from bgcopyd.jobs.file import DigestAlgorithm

_OF_FIRST_VERSION = frozenset({DigestAlgorithm.SHA256})

FEATURES: tuple[str, ...] = (
    "announced-mirrors",
    *sorted(
        f"digest-{one.name.lower()}" for one in DigestAlgorithm if one not in _OF_FIRST_VERSION
    ),
    "expected-size",
    "webhooks",
)
