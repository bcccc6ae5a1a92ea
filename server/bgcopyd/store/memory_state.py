"""What the queue in memory holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job
from bgcopyd.jobs.webhook import Delivery, Webhook
from bgcopyd.queue.clock import ClockMark
from bgcopyd.queue.storage import AgeMark, Directory, Farewell, Request, Token, Tombstone


@dataclass
class State:
    """All that is stored. Values are immutable, so a copy of the tables is a snapshot."""

    number: int = 0
    oldest: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    files: dict[tuple[str, int], File] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    requests: dict[tuple[str, str], Request] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    tombstones: list[Tombstone] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)
    ages: list[AgeMark] = field(default_factory=list)
    removed_to: dict[str, int] = field(default_factory=dict)
    secrets: dict[tuple[str, str], bytes] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    policy: Mapping[str, object] = field(default_factory=dict)
    directories: dict[Directory, float] = field(default_factory=dict)
    clock_mark: ClockMark | None = None
    farewells: dict[str, Farewell] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    deliveries: dict[tuple[str, int], Delivery] = field(default_factory=dict)

    def copy(self) -> State:
        """A snapshot."""
        return State(
            self.number,
            self.oldest,
            dict(self.jobs),
            dict(self.files),
            dict(self.claims),
            dict(self.requests),
            set(self.gone),
            list(self.tombstones),
            dict(self.tokens),
            list(self.ages),
            dict(self.removed_to),
            dict(self.secrets),
            dict(self.attempts),
            self.policy,
            dict(self.directories),
            self.clock_mark,
            dict(self.farewells),
            dict(self.webhooks),
            dict(self.deliveries),
        )
