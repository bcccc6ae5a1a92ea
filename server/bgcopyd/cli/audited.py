"""What commands beside the daemon leave in the audit log that is configured."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import click

from bgcopyd.audit_log import AuditProblem, open_audit
from bgcopyd.config import ConfigurationError, load
from bgcopyd.jobs.audit import OK, AuditRow
from bgcopyd.queue.audit import Fact

# Where the entry comes from: no call, but this command.
PEER = "bgcopyd"


def written_down(row: AuditRow, **facts: Fact) -> None:
    """Leaves an entry of what was done; where that cannot be, says so."""
    try:
        audit = open_audit(load({}).settings.audit_log, lambda: datetime.now(UTC))
    except (AuditProblem, ConfigurationError) as problem:
        click.echo(f"No entry was left in the audit log: {problem}", err=True)
        return
    audit.record(row.event, f"local:{os.getuid()}", PEER, OK, **facts)
    audit.close()
