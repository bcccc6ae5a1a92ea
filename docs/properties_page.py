"""Writes docs/properties.md from the table of properties and the comments of job.proto."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bgcopy.cli.properties import PARSERS
from bgcopyd.jobs.properties import PRIVILEGED, PROPERTIES, Lock

PAGE = Path(__file__).with_name("properties.md")
PROTO = Path(__file__).parents[1] / "protos" / "bgcopy" / "v1" / "job.proto"

# What BITS calls it, where it has it.
BITS = {
    "type": "GetType",
    "display_name": "SetDisplayName",
    "description": "SetDescription",
    "priority": "SetPriority",
    "minimum_retry_delay": "SetMinimumRetryDelay",
    "no_progress_timeout": "SetNoProgressTimeout",
    "maximum_download_time": "SetMaximumDownloadTime",
    "max_download_size": "BITS_JOB_PROPERTY_MAX_DOWNLOAD_SIZE",
    "cost_policy": "BITS_JOB_PROPERTY_ID_COST_FLAGS",
    "dynamic_content": "BITS_JOB_PROPERTY_DYNAMIC_CONTENT",
    "high_performance": "BITS_JOB_PROPERTY_HIGH_PERFORMANCE",
    "on_demand_mode": "BITS_JOB_PROPERTY_ON_DEMAND_MODE",
    "http_method": "SetHttpMethod",
    "custom_headers": "SetCustomHeaders, MakeCustomHeadersWriteOnly",
    "redirect_policy": "SetSecurityFlags",
    "allow_https_to_http": "SetSecurityFlags",
    "tls_flags": "SetSecurityFlags",
    "client_certificate": "SetClientCertificateByName",
    "proxy": "SetProxySettings",
    "peer_caching": "SetPeerCachingFlags",
    "notifications": "SetNotifyFlags, BITS_JOB_PROPERTY_MINIMUM_NOTIFICATION_INTERVAL_MS",
}
LOCKS = {
    Lock.END: "until the end",
    Lock.RESUME: "before the first resume",
    Lock.FILES: "before files are added",
    Lock.CREATION: "at creation",
}

_HEAD = """\
# Properties of a job

Made from the daemon's table by `make docs`; change that, not this page.

CreateJob sets them, UpdateJob changes those that its mask names, `bgcopy set JOB NAME=VALUE` does
so by hand and `create_job(..., name=value)` in Python. A property that is named and not set gets
its default. In a final state (ACKNOWLEDGED, CANCELLED) nothing changes any more: INVALID_STATE,
`BG_E_INVALID_STATE`. One that is locked is refused by name, with `BG_E_READ_ONLY_PROPERTY`,
`BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE` or `BG_E_READ_ONLY_PROPERTY_AFTER_RESUME`. A running job
goes on with its new properties; where they concern its requests, its transfers begin again from
the bytes that are safely on disk.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_table()]) + "\n"


def _table() -> Iterator[str]:
    yield "| property | may change | in BITS | what it is |"
    yield "|---|---|---|---|"
    comments = _comments()
    for name, one in PROPERTIES.items():
        when = LOCKS[one.lock] + (", by an administrator" if name in PRIVILEGED else "")
        yield f"| `{name}` | {when} | {BITS.get(name, '')} | {comments[name]} |"
    yield ""
    yield (
        "On the command line: " + ", ".join(f"`{name}`" for name in PARSERS) + "; headers by `-H`."
    )


def _comments() -> dict[str, str]:
    """The comment of each field of Job."""
    body = PROTO.read_text(encoding="utf-8").partition("message Job {")[2]
    found = {}
    for match in re.finditer(r"((?:  // [^\n]*\n)+)  [^/\n]*?(\w+) = \d+;", body):
        lines = re.findall(r"// ([^\n]*)", match[1])
        found[match[2]] = " ".join(lines).replace("|", "\\|")
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
