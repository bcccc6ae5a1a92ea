"""The one table of what the audit log tells: read by code, tests and docs alike.

Facts are fields by their paths in the request or the response; what may be secret is none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

OK = "ok"
DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """What is written of a call: the event, what it means, and its facts by name."""

    event: str
    meaning: str
    facts: Mapping[str, str] = field(default_factory=dict)


_JOB = {"job_id": "request.job_id"}
_FILE = {**_JOB, "file_index": "request.file_index"}
_LOGIN = {**_JOB, "target": "request.target", "scheme": "request.scheme"}
_HOOK = {"webhook_id": "request.webhook_id"}

# Calls that change something, whatever becomes of them.
AUDITED: Mapping[str, AuditRow] = MappingProxyType(
    {
        "CreateJob": AuditRow(
            "job.created", "a job was created", {"job_id": "response.job.job_id"}
        ),
        "UpdateJob": AuditRow(
            "job.changed",
            "properties of a job, by name",
            {**_JOB, "properties": "request.update_mask.paths"},
        ),
        "AddFiles": AuditRow("job.files_added", "files were added to a job", _JOB),
        "UpdateFile": AuditRow("job.file_changed", "a file's URL or validity", _FILE),
        "RemoveFiles": AuditRow("job.files_removed", "files were taken out of a job", _JOB),
        "ReplaceRemotePrefix": AuditRow("job.urls_changed", "the beginning of URLs", _JOB),
        "SuspendJob": AuditRow("job.suspended", "a job was stopped", _JOB),
        "ResumeJob": AuditRow("job.resumed", "a job was queued", _JOB),
        "CompleteJob": AuditRow("job.completed", "files got their names", _JOB),
        "CancelJob": AuditRow("job.cancelled", "a job was cancelled", _JOB),
        "DeleteJob": AuditRow("job.deleted", "an ended job was forgotten", _JOB),
        "TakeOwnership": AuditRow("job.taken", "a job got another owner", _JOB),
        "SetCredentials": AuditRow("credentials.set", "credentials were stored", _LOGIN),
        "RemoveCredentials": AuditRow("credentials.removed", "credentials were dropped", _LOGIN),
        "CreateWebhook": AuditRow(
            "webhook.created",
            "a webhook was made",
            {
                "webhook_id": "response.webhook.webhook_id",
                "url": "response.webhook.url",
                "all_owners": "request.all_owners",
            },
        ),
        "UpdateWebhook": AuditRow(
            "webhook.changed",
            "a webhook was disabled or enabled, or got another secret",
            {
                **_HOOK,
                "disabled": "response.webhook.disabled",
                "new_key": "request.new_secret",
                "previous_key_dropped": "request.drop_previous_secret",
            },
        ),
        "DeleteWebhook": AuditRow("webhook.deleted", "a webhook was removed", _HOOK),
        "TestWebhook": AuditRow("webhook.tested", "a test message was sent", _HOOK),
        "UpdatePolicy": AuditRow(
            "policy.changed", "limits, by name", {"limits": "request.update_mask.paths"}
        ),
        "CreateToken": AuditRow(
            "token.created",
            "a token was made, for whom",
            {
                "token_id": "response.info.token_id",
                "stands_for": "request.principal_name",
                "admin": "response.info.admin",
                "scopes": "request.scopes",
                "roots": "request.roots",
            },
        ),
        "RevokeToken": AuditRow(
            "token.revoked", "a token was ended", {"token_id": "request.token_id"}
        ),
        "DrainServer": AuditRow(
            "server.drained", "draining began, or ended (undo)", {"undo": "request.undo"}
        ),
    }
)

# Calls that change something and are not written down, and why.
UNAUDITED: Mapping[str, str] = MappingProxyType(
    {
        "RequestFileRanges": "readers of an on-demand job make many in a second; the job itself "
        "was audited, and ListAttempts tells what was fetched",
    }
)

# What is no call's outcome.
JOB_ENDED = AuditRow("job.ended", "a job is over, whoever ended it: owner, state, error")
REFUSED = AuditRow("call.refused", "a call without the right to it, by its name")
STARTED = AuditRow("daemon.started", "the daemon serves from here on")
STOPPED = AuditRow("daemon.stopped", "the daemon ended in order")
LOST = AuditRow("audit.lost", "so many entries could not be written")
# What commands beside the daemon do, with the rights of its user.
KEYS_ROTATED = AuditRow("keys.rotated", "secrets were sealed with a new key (bgcopyd secrets)")
KEYS_PRUNED = AuditRow("keys.pruned", "the earlier keys were forgotten (bgcopyd secrets)")
STORE_RESTORED = AuditRow("store.restored", "a backup took the queue's place (bgcopyd store)")
STORE_EMPTIED = AuditRow("store.emptied", "an empty queue took its place (bgcopyd store)")
OTHER_EVENTS = (
    JOB_ENDED, REFUSED, STARTED, STOPPED, LOST,
    KEYS_ROTATED, KEYS_PRUNED, STORE_RESTORED, STORE_EMPTIED,
)  # fmt: skip
