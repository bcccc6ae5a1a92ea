"""Who may do what: one table, deny by default, asked in the transaction of the change."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bgcopyd.jobs.job import Job
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.webhook import Webhook
from bgcopyd.queue.secrets import has_secrets
from bgcopyd.queue.storage import Tx


class Permission(enum.Enum):
    """What an RPC asks of its caller."""

    IDENTIFIED = "any known caller"
    OWN_JOB = "the job's owner or an administrator"
    OWNER = "the job's owner alone"
    OWN_WEBHOOK = "the webhook's owner or an administrator"
    ADMIN = "an administrator"


PERMISSIONS: Mapping[str, Permission] = MappingProxyType(
    {
        "CreateJob": Permission.IDENTIFIED,
        "GetJob": Permission.OWN_JOB,
        "ListJobs": Permission.IDENTIFIED,
        "UpdateJob": Permission.OWN_JOB,
        "AddFiles": Permission.OWN_JOB,
        "ListFiles": Permission.OWN_JOB,
        "UpdateFile": Permission.OWN_JOB,
        "RemoveFiles": Permission.OWN_JOB,
        "ReplaceRemotePrefix": Permission.OWN_JOB,
        "RequestFileRanges": Permission.OWN_JOB,
        "ReadFile": Permission.OWN_JOB,
        "ListAttempts": Permission.OWN_JOB,
        "SuspendJob": Permission.OWN_JOB,
        "ResumeJob": Permission.OWN_JOB,
        "CompleteJob": Permission.OWN_JOB,
        "CancelJob": Permission.OWN_JOB,
        "DeleteJob": Permission.OWN_JOB,
        "TakeOwnership": Permission.ADMIN,
        "SetCredentials": Permission.OWNER,
        "RemoveCredentials": Permission.OWNER,
        "WatchJobs": Permission.IDENTIFIED,
        "CreateWebhook": Permission.IDENTIFIED,
        "ListWebhooks": Permission.IDENTIFIED,
        "UpdateWebhook": Permission.OWN_WEBHOOK,
        "DeleteWebhook": Permission.OWN_WEBHOOK,
        "TestWebhook": Permission.OWN_WEBHOOK,
        "ListDeliveries": Permission.OWN_WEBHOOK,
        "ProbeUrl": Permission.IDENTIFIED,
        "GetErrorDescription": Permission.IDENTIFIED,
        "GetServerInfo": Permission.IDENTIFIED,
    }
)

ADMIN_PERMISSIONS: Mapping[str, Permission] = MappingProxyType(
    dict.fromkeys(
        (
            "GetPolicy",
            "UpdatePolicy",
            "GetStats",
            "CreateToken",
            "ListTokens",
            "RevokeToken",
            "DrainServer",
        ),
        Permission.ADMIN,
    )
)

SERVICES: Mapping[str, Mapping[str, Permission]] = MappingProxyType(
    {"BackgroundCopyManager": PERMISSIONS, "AdminService": ADMIN_PERMISSIONS}
)


def authorized(principal: Principal, job: Job | None, job_id: str) -> Job:
    """The job, if it exists and the caller may act on it; says nothing of it otherwise.

    Raises:
        Refusal: JOB_NOT_FOUND or NOT_JOB_OWNER.
    """
    if job is None:
        raise Refusal(
            Reason.JOB_NOT_FOUND, f"there is no job {job_id}", metadata={"job_id": job_id}
        )
    if job.owner != principal.id and not principal.admin:
        raise Refusal(
            Reason.NOT_JOB_OWNER,
            f"job {job_id} belongs to somebody else",
            metadata={"job_id": job_id},
        )
    return job


def owned(principal: Principal, job: Job) -> Job:
    """The job, if it is the caller's own: not even an administrator acts in its owner's name.

    Raises:
        Refusal: NOT_JOB_OWNER.
    """
    if job.owner != principal.id:
        raise Refusal(
            Reason.NOT_JOB_OWNER,
            f"job {job.job_id} belongs to somebody else, and only its owner decides on its secrets "
            "and where they are sent; an administrator may take it first",
            metadata={"job_id": job.job_id},
        )
    return job


def trusted(principal: Principal, job: Job) -> Job:
    """The job, if the caller may change what it fetches from whom.

    A job with secrets sends them there: an administrator who could add a URL would read them.

    Raises:
        Refusal: NOT_JOB_OWNER.
    """
    return owned(principal, job) if has_secrets(job.options) else job


def administered(principal: Principal, job: Job) -> Job:
    """The job, if the caller is an administrator.

    Raises:
        Refusal: ADMIN_REQUIRED.
    """
    if not principal.admin:
        raise Refusal(
            Reason.ADMIN_REQUIRED,
            "only an administrator may take a job",
            metadata={"job_id": job.job_id},
        )
    return job


def authorized_job(tx: Tx, principal: Principal, job_id: str, etag: str = "") -> Job:
    """The job of a transaction, its caller and the etag he expects checked.

    Raises:
        Refusal: as `authorized`, and ETAG_MISMATCH.
    """
    job = authorized(principal, tx.job(job_id), job_id)
    if etag and etag != job.etag:
        raise Refusal(
            Reason.ETAG_MISMATCH,
            f"job {job_id} has another etag; read it again",
            metadata={"job_id": job_id},
        )
    return job


def own_webhook(principal: Principal, webhooks: Iterable[Webhook], webhook_id: str) -> Webhook:
    """The webhook, if it exists and the caller may act on it; one of somebody else does not exist.

    Raises:
        Refusal: WEBHOOK_NOT_FOUND.
    """
    for webhook in webhooks:
        if webhook.webhook_id == webhook_id and (principal.admin or webhook.owner == principal.id):
            return webhook
    raise Refusal(
        Reason.WEBHOOK_NOT_FOUND,
        "webhook_id: there is no such webhook of yours; ListWebhooks tells those there are",
    )


def owner_scope(
    principal: Principal, *, all_owners: bool, what: str = "filter.all_owners"
) -> str | None:
    """Whose jobs a list, a watch or a webhook shows: the caller's, or everybody's (None).

    Raises:
        Refusal: ADMIN_REQUIRED.
    """
    if not all_owners:
        return principal.id
    require_admin(principal, what)
    return None


def require_admin(principal: Principal, what: str) -> None:
    """Lets administrators pass.

    Raises:
        Refusal: ADMIN_REQUIRED.
    """
    if not principal.admin:
        raise Refusal(Reason.ADMIN_REQUIRED, f"{what} needs an administrator")
