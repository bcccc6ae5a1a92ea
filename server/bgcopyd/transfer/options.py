"""The engine's knobs, each with what it costs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bgcopyd import __version__
from bgcopyd.jobs.addresses import UNSHARED, AddressPolicy
from bgcopyd.jobs.http_options import ProxySettings
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.jobs.schemes import WEB
from bgcopyd.queue.transfers import Style


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine behaves. Times are seconds, sizes bytes, rates bytes per second (0 = none).

    Attributes:
        connections_per_host: how many background transfers of one host run at once on one volume,
            and as many foreground ones. Each costs a socket, two descriptors and about 40 KiB;
            servers may refuse a greedy client.
        segments_per_file: how many connections one file may have, as far as each more of them pays;
            those to other files of its host count as well.
        segment_bytes: no connection is given less of a file.
        segment_window: how long is measured what a number of connections brings.
        segment_gain: which share of its ideal gain a further connection has to bring.
        segment_worth: what one connection brings within so many seconds is left to it.
        segment_patience: a connection that brings nothing for so long while others do is replaced.
        connections_per_owner: how many background transfers of one owner run at once on one
            volume, and as many foreground ones; 0 for no bound.
        connections: how many transfers run at once on one volume, an eighth of them foreground
            ones. With `settling` it has to fit under the limit of open files, two for each.
        settling: how many files may wait for their last fdatasync before no more are started. Each
            holds a descriptor.
        sync_threads: threads per volume that wait in fdatasync. They share journal commits: 2,000
            small files took 1.9 s with 1, 0.47 s with 4 and 0.24 s with 8 threads on ext4. Each
            costs a stack (about 60 KiB resident) once it is needed.
        connect_timeout: name, TCP and TLS together.
        header_timeout: from the request to the end of the answer's headers.
        idle_timeout: longest silence within a body.
        low_speed_limit, low_speed_time: a body that brings less than so many bytes per second for
            so long counts as stalled; pauses of our own do not count.
        redirects: how many hops are followed.
        restarts: how often one attempt may begin anew because the remote file changed.
        host_memory: how long it is remembered what a host cannot do.
        breaker_failures: how many failures in a row make a host be left alone.
        breaker_pause, breaker_longest: for how long at first, doubled each time, and at most.
        longest_asked: how much of a Retry-After holds for transfers that have not asked yet.
        second_look: pause before a request is repeated whose answer nobody expected.
        claim_interval, claim_bytes: a running transfer is synced and claimed once this much time
            has passed and this much is new. Smaller loses less in a crash and costs an fdatasync
            and a store write each.
        claim_most: so much that is new is claimed before that.
        report_interval: pause between two reports of how far transfers are.
        buffer: what libcurl reads at once. It is one buffer per volume; each piece is one copy.
        limited_buffer: the same under a rate limit: the burst.
        part_bytes: what goes to an S3 store comes in parts of at least so many bytes, and one after
            the other: what is lost in an interruption. Each costs two requests' time, a second
            read and a write of the queue. A store takes 10,000 of them, none below 5 MiB.
        root_styles: group and mode of what is made below roots, by their names.
        free_space_floor: so much of each volume is left free of what is fetched; 0 for none.
        allocate_from: files at least this large have their space reserved.
        close_grace: how long close() waits for a volume that does not answer.
        user_agent: what servers see.
        schemes: of the URLs that are fetched.
        addresses: which of them may be connected to.
        known_hosts: the host keys that SSH servers are believed, as OpenSSH writes them; none
            without it.
        http3: when HTTP/3 is tried: "off", "advertised" (by the host) or "always".
        s3_stores: where buckets are, and who asks for what is in them.
        ca_file: certificates to trust instead of the system's.
        ca_bundles: the same by name, for jobs that choose one.
        client_certificates: certificates with their keys (PEM) by name, likewise.
        proxy: the proxies of jobs that choose none.
        probe_timeout: how long a probe may take, with redirects.
    """

    connections_per_host: int = 16
    segments_per_file: int = 4
    segment_bytes: int = 4 << 20
    segment_window: float = 0.5
    segment_gain: float = 0.5
    segment_worth: float = 4.0
    segment_patience: float = 10.0
    connections_per_owner: int = 0
    connections: int = 1024
    settling: int = 256
    sync_threads: int = 8
    connect_timeout: float = 30.0
    header_timeout: float = 60.0
    idle_timeout: float = 60.0
    low_speed_limit: int = 10
    low_speed_time: float = 300.0
    redirects: int = 10
    restarts: int = 3
    host_memory: float = 600.0
    breaker_failures: int = 5
    breaker_pause: float = 2.0
    breaker_longest: float = 300.0
    longest_asked: float = 3600.0
    second_look: float = 2.0
    claim_interval: float = 1.0
    claim_bytes: int = 4 << 20
    claim_most: int = 64 << 20
    report_interval: float = 0.25
    buffer: int = 512 << 10
    limited_buffer: int = 16 << 10
    part_bytes: int = 16 << 20
    root_styles: Mapping[str, Style] = field(default_factory=dict)
    free_space_floor: int = 0
    allocate_from: int = 1 << 20
    close_grace: float = 10.0
    user_agent: str = f"bgcopy/{__version__}"
    schemes: Collection[str] = WEB
    addresses: AddressPolicy = UNSHARED
    known_hosts: Path | None = None
    http3: str = "advertised"
    s3_stores: Sequence[S3Store] = ()
    ca_file: Path | None = None
    ca_bundles: Mapping[str, Path] = field(default_factory=dict)
    client_certificates: Mapping[str, Path] = field(default_factory=dict)
    proxy: ProxySettings = ProxySettings()
    probe_timeout: float = 30.0
