"""What an operator has set, as the engine takes it."""

from __future__ import annotations

from collections.abc import Sequence

from bgcopyd.config import Settings
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.transfer.options import EngineOptions


def engine_options(settings: Settings, stores: Sequence[S3Store]) -> EngineOptions:
    """The engine's knobs as the operator has set them; the others stay as they are."""
    return EngineOptions(
        connections_per_host=settings.connections_per_host,
        connections_per_owner=settings.connections_per_owner,
        segments_per_file=settings.segments_per_file,
        connect_timeout=settings.connect_timeout,
        header_timeout=settings.header_timeout,
        idle_timeout=settings.idle_timeout,
        low_speed_limit=settings.low_speed_limit,
        low_speed_time=settings.low_speed_time,
        schemes=settings.schemes,
        addresses=settings.addresses,
        free_space_floor=settings.free_space_floor,
        known_hosts=settings.known_hosts,
        s3_stores=stores,
        http3=settings.http3,
        ca_file=settings.ca_file,
        ca_bundles=settings.ca_bundles,
        client_certificates=settings.client_certificates,
        proxy=settings.proxy_settings,
    )
