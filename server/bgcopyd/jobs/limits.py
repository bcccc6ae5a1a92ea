"""Limits of what a request may hold. BITS's own values stand beside ours where they differ."""

from __future__ import annotations

from dataclasses import dataclass

DISPLAY_NAME_CHARACTERS = 256
DESCRIPTION_CHARACTERS = 1024
URL_CHARACTERS = 2200
PATH_BYTES = 4096
PATH_COMPONENT_BYTES = 255
LABELS = 64
LABEL_KEY_CHARACTERS = 63
LABEL_VALUE_CHARACTERS = 256
DIGESTS_PER_FILE = 8
FILTER_JOB_IDS = 1000
FILTER_STATES = 64
DEFAULT_PAGE_SIZE = 100
MAXIMUM_PAGE_SIZE = 1000
PAGE_BYTES = 1 << 20
REQUEST_BYTES = 4 << 20
MINIMUM_RETRY_DELAY_FLOOR = 5.0
LONGEST_DURATION = 10 * 365 * 86_400.0
REQUEST_ID_RETENTION = 86_400.0
MIRRORS_PER_FILE = 16
HEADERS_CHARACTERS = 16_384
PROXY_LIST_CHARACTERS = 4000
USER_NAME_CHARACTERS = 300
PASSWORD_CHARACTERS = 65_535
REQUESTED_RANGES = 1000
RESPONSE_HEADERS_BYTES = 16 << 10
ATTEMPTS_PER_JOB = 1000
FLAGS = 32
FILE_INDEXES = 1 << 24


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that an operator sets (BITS: 60 jobs per user, 200 files per job)."""

    jobs_per_owner: int = 100_000
    files_per_job: int = 100_000
    watches_per_owner: int = 1_100
    ranges_per_file: int = 10_000
