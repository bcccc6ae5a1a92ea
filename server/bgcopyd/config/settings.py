"""The daemon's settings as one typed value."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from bgcopy._paths import default_socket, default_state_dir
from bgcopyd.config.jwt import jwt_issuers
from bgcopyd.config.listeners import Listener, TcpListener, UnixListener
from bgcopyd.config.s3 import s3_stores
from bgcopyd.config.types import (
    HOST_ROOT,
    AbsolutePath,
    AllowedNetwork,
    Bound,
    Cost,
    Directory,
    Duration,
    KnownHosts,
    Listening,
    Owner,
    Positive,
    Rate,
    ReadableFile,
    RightsText,
    RootName,
    RootRightsText,
    Size,
    StoreName,
    UrlScheme,
    Week,
    Weight,
    limit,
)
from bgcopyd.config.values import (
    group_of,
    split,
)
from bgcopyd.jobs.addresses import AddressPolicy
from bgcopyd.jobs.http_options import ProxySettings, ProxyUsage
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.principal import Principal, rights_of
from bgcopyd.jobs.proxy_rules import proxy_lists_problem
from bgcopyd.jobs.root_rules import RootRule, root_rule_of
from bgcopyd.jobs.schemes import SCHEMES, WEB
from bgcopyd.queue.plan import Rules
from bgcopyd.queue.transfers import Style


class Settings(BaseModel):
    """Everything that an operator decides. Durations are seconds, rates bytes per second.

    Each description is also the flag's help and the key's documentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    state_dir: AbsolutePath = Field(
        default_factory=default_state_dir,
        description="Directory of the queue; one daemon at a time.",
    )
    listen: tuple[Listening, ...] = Field(
        default_factory=lambda: (UnixListener(default_socket()),),
        description="unix:PATH (with ?mode=shared for every user of the machine), "
        "tcp://HOST:PORT (loopback only), tls://HOST:PORT or mtls://HOST:PORT (clients need a "
        "certificate); may be given several times.",
    )
    tls_certificate_file: AbsolutePath | None = Field(
        default=None,
        description="Certificate (PEM), with its chain, that tls:// and mtls:// listeners show.",
    )
    tls_key_file: AbsolutePath | None = Field(
        default=None,
        description="Key (PEM) of that certificate, which nobody else may be able to read.",
    )
    tls_client_ca_file: AbsolutePath | None = Field(
        default=None,
        description="Certificates (PEM) of the authorities whose clients mtls:// listeners admit.",
    )
    tls_identity: Literal["spiffe", "uri", "dns", "email"] = Field(
        default="spiffe",
        description="Which subject alternative name of a client's certificate is its identity: "
        "spiffe, uri, dns or email; it must have exactly one.",
    )
    jwt_issuers: Mapping[StoreName, ReadableFile] = Field(
        default_factory=dict,
        description="NAME=FILE, which says (TOML) whose signed tokens (JWT) are believed, by which "
        "keys and for what; may be given several times.",
    )
    rights: Mapping[Owner, RightsText] = Field(
        default_factory=dict,
        description="OWNER=WORDS, what an owner may: out of read, write, admin, take-ownership, "
        "root:NAME and none, with spaces between them; others may read and write; may be given "
        "several times.",
    )
    roots: Mapping[RootName, Directory] = Field(
        default_factory=dict,
        description="NAME=DIR, a directory that jobs may write below; the root named 'default' "
        "serves jobs that name none; may be given several times.",
    )
    root_rights: Mapping[StoreName, RootRightsText] = Field(
        default_factory=dict,
        description="NAME=WORDS, what a root is for: out of read, write, owner:ID, group:NAME and "
        "mode:0640, with spaces between them; others are everybody's; may be given several times.",
    )
    background_jobs: int = limit("background_jobs")
    background_jobs_per_owner: Bound = Field(
        default=0, description="How many of them may be of one owner; 0 for no bound."
    )
    owner_weights: Mapping[Owner, Weight] = Field(
        default_factory=dict,
        description="OWNER=WEIGHT, an owner's share of the background slots in relation to others, "
        "who have 1; from 0.01 to 100; may be given several times.",
    )
    ageing: Duration = Field(
        default=3600.0,
        description="How long a background job waits until it is lifted by one priority, "
        "where its own gets nothing; 0 for never.",
    )
    files_in_parallel: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=8, description="How many files of one job are fetched at once."
    )
    max_bytes_per_second: Rate = limit("max_bytes_per_second")
    max_bytes_per_second_per_owner: Rate = limit("max_bytes_per_second_per_owner")
    max_bytes_per_second_per_host: Rate = limit("max_bytes_per_second_per_host")
    rate_timetable: Week = limit("rate_timetable")
    connections_per_host: Annotated[int, Field(ge=1, le=256)] = Field(
        default=16,
        description="How many files of one host are fetched at once in the background on each "
        "volume, and as many more in the foreground.",
    )
    connections_per_owner: Bound = Field(
        default=0,
        description="How many files of one owner are fetched at once in the background on each "
        "volume, and as many more in the foreground; 0 for no bound.",
    )
    segments_per_file: Annotated[int, Field(ge=1, le=32)] = Field(
        default=4,
        description="How many connections one file may have, as far as each more of them makes it "
        "faster and nothing else waits for its host; 1 for one.",
    )
    time_slice: Annotated[Duration, Field(gt=0)] = Field(
        default=300.0, description="How long a background job runs while others of its rank wait."
    )
    shutdown_grace: Duration = Field(
        default=10.0, description="How long SIGTERM leaves running calls and transfers to end."
    )
    jobs_per_owner: int = limit("jobs_per_owner")
    jobs_per_machine: int = limit("jobs_per_machine")
    files_per_job: int = limit("files_per_job")
    changes_per_second: Bound = Field(
        default=100,
        description="How many calls that change something an owner may make, ten seconds' worth at "
        "once; 0 for no bound, administrators have none.",
    )
    files_per_owner: int = limit("files_per_owner")
    bytes_per_owner: Size = limit("bytes_per_owner")
    ranges_per_file: int = limit("ranges_per_file")
    watches_per_owner: int = limit("watches_per_owner")
    free_space_floor: Size = Field(
        default=0,
        description="So many bytes of each volume, as 5G, are left free of what is fetched; 0 for "
        "none.",
    )
    retention: Duration = limit("retention")
    inactivity_timeout: Duration = limit("inactivity_timeout")
    network_cost: Cost = limit("network_cost")
    history: Positive = Field(
        default=100_000,
        description="How many deleted jobs watches remember; a longer absence costs a snapshot.",
    )
    schemes: Annotated[tuple[UrlScheme, ...], BeforeValidator(split)] = Field(
        default=WEB,
        description="Schemes of the URLs that jobs may fetch or upload to, out of "
        f"{', '.join(SCHEMES)}; separated by commas, or given several times.",
    )
    shared: bool = Field(
        default=False,
        description="Whether people use this daemon who must not reach what it reaches: jobs "
        "connect to no private network then, nor to this machine.",
    )
    allow_networks: Annotated[tuple[AllowedNetwork, ...], BeforeValidator(split)] = Field(
        default=(),
        description="ADDRESS or NETWORK that jobs may connect to although it would be forbidden; "
        "separated by commas, or given several times.",
    )
    connect_timeout: Annotated[Duration, Field(gt=0)] = Field(
        default=30.0, description="How long name, connection and TLS may take together."
    )
    idle_timeout: Annotated[Duration, Field(gt=0)] = Field(
        default=60.0, description="How long a server may fall silent within its answer."
    )
    header_timeout: Annotated[Duration, Field(gt=0)] = Field(
        default=60.0, description="How long a server may take from the request to its answer."
    )
    low_speed_limit: Rate = Field(
        default=10,
        description="Bytes per second below which an answer counts as stalled; pauses for limits "
        "do not count. 0 for none.",
    )
    low_speed_time: Annotated[Duration, Field(gt=0)] = Field(
        default=300.0, description="How long an answer may be slower than `low_speed_limit`."
    )
    ca_file: ReadableFile | None = Field(
        default=None,
        description="Certificates (PEM) that servers are verified with; the system's if absent.",
    )
    ca_bundles: Mapping[StoreName, ReadableFile] = Field(
        default_factory=dict,
        description="NAME=FILE, certificates (PEM) that jobs may choose by name instead; may be "
        "given several times.",
    )
    client_certificates: Mapping[StoreName, ReadableFile] = Field(
        default_factory=dict,
        description="NAME=FILE, a certificate with its key (PEM) that jobs may show to servers; "
        "for SSH the key alone; may be given several times.",
    )
    known_hosts: KnownHosts | None = Field(
        default=None,
        description="Host keys, as OpenSSH's known_hosts has them, that SSH servers are verified "
        "with; without the file none is believed.",
    )
    http3: Literal["off", "advertised", "always"] = Field(
        default="advertised",
        description="Whether https URLs are fetched by HTTP/3: off, advertised (once the host has "
        "said that it speaks it) or always; HTTP/2 and 1.1 where UDP gets no answer.",
    )
    s3_stores: Mapping[StoreName, ReadableFile] = Field(
        default_factory=dict,
        description="NAME=FILE, which says (TOML) where an S3 store is, which buckets it has and "
        "who asks; may be given several times.",
    )
    proxy: tuple[str, ...] = Field(
        default=(),
        description="http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT for jobs that "
        "choose none; several are tried in order.",
    )
    proxy_bypass: tuple[str, ...] = Field(
        default=(),
        description="HOST, *.DOMAIN, NETWORK or <local>, reached without `proxy`; may be given "
        "several times.",
    )
    secrets_key_file: AbsolutePath | None = Field(
        default=None,
        description="Keys that stored secrets are sealed with; secrets.key in the state directory, "
        "made there, if absent.",
    )
    audit_log: AbsolutePath | None = Field(
        default=None,
        description="File (JSON Lines, mode 0600) for who created, changed, took and ended what, "
        "and who was refused; it may be moved away at any time. None if absent.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="text, or json: one object a line."
    )
    allow_root: bool = Field(
        default=False,
        description="Serve as root too; files are root's then, and every mistake has its rights.",
    )
    daily_backup: bool = Field(
        default=True, description="Back the queue up once a day; three backups are kept."
    )

    @field_validator(
        "roots", "ca_bundles", "client_certificates", "owner_weights", "rights", "root_rights"
    )
    @classmethod
    def _freeze(cls, named: Mapping[str, object]) -> Mapping[str, object]:
        return MappingProxyType(dict(named))

    @field_validator("s3_stores")
    @classmethod
    def _readable_stores(cls, files: Mapping[str, Path]) -> Mapping[str, Path]:
        s3_stores(files)
        return MappingProxyType(dict(files))

    @field_validator("jwt_issuers")
    @classmethod
    def _readable_issuers(cls, files: Mapping[str, Path]) -> Mapping[str, Path]:
        jwt_issuers(files)
        return MappingProxyType(dict(files))

    @field_validator("listen")
    @classmethod
    def _some_and_distinct(cls, listen: tuple[Listener, ...]) -> tuple[Listener, ...]:
        if not listen:
            raise ValueError("at least one listener is needed")
        doubles = {str(one) for one in listen if listen.count(one) > 1 and _fixed(one)}
        if doubles:
            raise ValueError(f"{', '.join(sorted(doubles))} is given more than once")
        return listen

    @field_validator("listen")
    @classmethod
    def _shared_or_not(cls, listen: tuple[Listener, ...]) -> tuple[Listener, ...]:
        # gRPC does not say by which of them a call came.
        if len({one.shared for one in listen if isinstance(one, UnixListener)}) > 1:
            raise ValueError("Unix sockets are shared all or none: mark each or none as shared")
        return listen

    @field_validator("schemes")
    @classmethod
    def _some_scheme(cls, schemes: tuple[str, ...]) -> tuple[str, ...]:
        if not schemes:
            raise ValueError("at least one scheme is needed")
        return tuple(dict.fromkeys(schemes))

    @field_validator("proxy")
    @classmethod
    def _proxies(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        return _judged(proxies, proxy_lists_problem(proxies, ()))

    @field_validator("proxy_bypass")
    @classmethod
    def _bypasses(cls, bypass: tuple[str, ...]) -> tuple[str, ...]:
        return _judged(bypass, proxy_lists_problem((), bypass))

    @model_validator(mode="after")
    def _whole_tls(self) -> Self:
        kinds = {one.kind for one in self.listen if isinstance(one, TcpListener)} - {"tcp"}
        needed = ["tls_certificate_file", "tls_key_file"] if kinds else []
        needed += ["tls_client_ca_file"] if "mtls" in kinds else []
        missing = [key for key in needed if getattr(self, key) is None]
        if missing:
            raise ValueError(f"{' and '.join(sorted(kinds))} listeners need {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _rights_on_roots(self) -> Self:
        for owner, text in self.rights.items():
            unknown = sorted((rights_of(text)[1] or frozenset()) - set(self.all_roots))
            if unknown:
                raise ValueError(f"the rights of {owner} name the root {unknown[0]!r}: add it")
        return self

    @model_validator(mode="after")
    def _rights_of_roots(self) -> Self:
        for name, text in self.root_rights.items():
            if name not in self.roots:
                raise ValueError(f"root_rights name the root {name!r}: add it")
            for other, place in self.roots.items():
                above = place in self.roots[name].parents and self.root_rights.get(other) != text
                if above:
                    raise ValueError(
                        f"the root {name!r} lies below {other!r}, whose users would reach it; part "
                        "them, or give both the same root_rights"
                    )
        return self

    @property
    def root_rules(self) -> Mapping[str, RootRule]:
        """What is said of roots, by name."""
        return {name: root_rule_of(text) for name, text in self.root_rights.items()}

    @property
    def root_styles(self) -> Mapping[str, Style]:
        """Group and mode of what is made below roots, by name."""
        return {
            name: Style(group_of(rule.group), rule.mode) for name, rule in self.root_rules.items()
        }

    @property
    def shared_sockets(self) -> bool:
        """Whether every user of the machine reaches the Unix sockets."""
        return any(isinstance(one, UnixListener) and one.shared for one in self.listen)

    @property
    def entitled(self) -> Mapping[str, Principal]:
        """The owners whose rights are said, by id."""
        return {owner: Principal(owner, *rights_of(text)) for owner, text in self.rights.items()}

    @property
    def all_roots(self) -> Mapping[str, Path]:
        """The roots with `fs`, the whole file system with the daemon's own rights."""
        return MappingProxyType({**self.roots, HOST_ROOT: Path("/")})

    @property
    def rules(self) -> Rules:
        """The rules as the scheduler takes them."""
        return Rules(
            background_jobs=self.background_jobs,
            time_slice=self.time_slice,
            jobs_per_owner=self.background_jobs_per_owner,
            ageing=self.ageing,
            weights=self.owner_weights,
        )

    @property
    def policy(self) -> Policy:
        """The policy as long as nobody has changed it at run time."""
        return Policy(
            jobs_per_owner=self.jobs_per_owner,
            jobs_per_machine=self.jobs_per_machine,
            files_per_job=self.files_per_job,
            files_per_owner=self.files_per_owner,
            bytes_per_owner=self.bytes_per_owner,
            ranges_per_file=self.ranges_per_file,
            watches_per_owner=self.watches_per_owner,
            background_jobs=self.background_jobs,
            max_bytes_per_second=self.max_bytes_per_second,
            max_bytes_per_second_per_owner=self.max_bytes_per_second_per_owner,
            max_bytes_per_second_per_host=self.max_bytes_per_second_per_host,
            rate_timetable=self.rate_timetable,
            retention=self.retention,
            inactivity_timeout=self.inactivity_timeout,
            network_cost=CostState[self.network_cost.upper()],
        )

    @property
    def addresses(self) -> AddressPolicy:
        """Which addresses jobs may connect to."""
        return AddressPolicy(self.shared, tuple(ip_network(one) for one in self.allow_networks))

    @property
    def proxy_settings(self) -> ProxySettings:
        """The proxies of jobs that choose none."""
        return ProxySettings(ProxyUsage.OVERRIDE, self.proxy, self.proxy_bypass)


def _judged(entries: tuple[str, ...], problem: str) -> tuple[str, ...]:
    if problem:
        raise ValueError(problem)
    return entries


def _fixed(listener: Listener) -> bool:
    """Whether the listener has one place; two free ports are two places."""
    return isinstance(listener, UnixListener) or listener.port != 0
