"""Who may do what: one table, deny by default, asked in the transaction of the change."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bgcopyd.jobs.job import Job
from bgcopyd.jobs.principal import Principal, Scope, scope_words
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal, invalid
from bgcopyd.jobs.roots import Roots
from bgcopyd.jobs.values import changed
from bgcopyd.jobs.webhook import Webhook
from bgcopyd.queue.secrets import has_secrets
from bgcopyd.queue.storage import Tx


class Permission(enum.Enum):
    """What an RPC asks of its caller, besides the scope of his credential."""

    OPEN = "anybody, without a credential"
    IDENTIFIED = "any known caller"
    OWN_JOB = "the job's owner or an administrator"
    OWNER = "the job's owner alone"
    TAKER = "who has the scope take-ownership"
    OWN_WEBHOOK = "the webhook's owner or an administrator"
    ADMIN = "an administrator"


@dataclass(frozen=True, slots=True)
class Need:
    """What an RPC asks of its caller; `scope` None is none."""

    permission: Permission
    scope: Scope | None = None


PERMISSIONS: Mapping[str, Need] = MappingProxyType(
    {
        "CreateJob": Need(Permission.IDENTIFIED, Scope.WRITE),
        "GetJob": Need(Permission.OWN_JOB, Scope.READ),
        "ListJobs": Need(Permission.IDENTIFIED, Scope.READ),
        "UpdateJob": Need(Permission.OWN_JOB, Scope.WRITE),
        "AddFiles": Need(Permission.OWN_JOB, Scope.WRITE),
        "ListFiles": Need(Permission.OWN_JOB, Scope.READ),
        "UpdateFile": Need(Permission.OWN_JOB, Scope.WRITE),
        "RemoveFiles": Need(Permission.OWN_JOB, Scope.WRITE),
        "ReplaceRemotePrefix": Need(Permission.OWN_JOB, Scope.WRITE),
        "RequestFileRanges": Need(Permission.OWN_JOB, Scope.WRITE),
        "ReadFile": Need(Permission.OWN_JOB, Scope.READ),
        "ListAttempts": Need(Permission.OWN_JOB, Scope.READ),
        "SuspendJob": Need(Permission.OWN_JOB, Scope.WRITE),
        "ResumeJob": Need(Permission.OWN_JOB, Scope.WRITE),
        "CompleteJob": Need(Permission.OWN_JOB, Scope.WRITE),
        "CancelJob": Need(Permission.OWN_JOB, Scope.WRITE),
        "DeleteJob": Need(Permission.OWN_JOB, Scope.WRITE),
        "TakeOwnership": Need(Permission.TAKER, Scope.WRITE),
        "SetCredentials": Need(Permission.OWNER, Scope.WRITE),
        "RemoveCredentials": Need(Permission.OWNER, Scope.WRITE),
        "WatchJobs": Need(Permission.IDENTIFIED, Scope.READ),
        "CreateWebhook": Need(Permission.IDENTIFIED, Scope.WRITE),
        "ListWebhooks": Need(Permission.IDENTIFIED, Scope.READ),
        "UpdateWebhook": Need(Permission.OWN_WEBHOOK, Scope.WRITE),
        "DeleteWebhook": Need(Permission.OWN_WEBHOOK, Scope.WRITE),
        "TestWebhook": Need(Permission.OWN_WEBHOOK, Scope.WRITE),
        "ListDeliveries": Need(Permission.OWN_WEBHOOK, Scope.READ),
        # It changes nothing, but makes the daemon connect to where the caller wants.
        "ProbeUrl": Need(Permission.IDENTIFIED, Scope.WRITE),
        "GetErrorDescription": Need(Permission.IDENTIFIED),
        "GetServerInfo": Need(Permission.IDENTIFIED),
    }
)

ADMIN_PERMISSIONS: Mapping[str, Need] = MappingProxyType(
    {
        "GetPolicy": Need(Permission.ADMIN, Scope.READ),
        "UpdatePolicy": Need(Permission.ADMIN, Scope.WRITE),
        "GetStats": Need(Permission.ADMIN, Scope.READ),
        "CreateToken": Need(Permission.ADMIN, Scope.WRITE),
        "ListTokens": Need(Permission.ADMIN, Scope.READ),
        "RevokeToken": Need(Permission.ADMIN, Scope.WRITE),
        "DrainServer": Need(Permission.ADMIN, Scope.WRITE),
    }
)

# grpc.health.v1.Health; its servicer has no List.
HEALTH_PERMISSIONS: Mapping[str, Need] = MappingProxyType(
    dict.fromkeys(("Check", "Watch"), Need(Permission.OPEN))
)

# What has no row is not served.
SERVICES: Mapping[str, Mapping[str, Need]] = MappingProxyType(
    {
        "BackgroundCopyManager": PERMISSIONS,
        "AdminService": ADMIN_PERMISSIONS,
        "Health": HEALTH_PERMISSIONS,
    }
)


def require_scope(principal: Principal, scope: Scope | None) -> None:
    """Lets callers pass whose credential has the scope.

    Raises:
        Refusal: SCOPE_REQUIRED.
    """
    if scope is not None and scope not in principal.scopes:
        raise Refusal(
            Reason.SCOPE_REQUIRED,
            f"the call needs the scope '{scope.word}', which your credential lacks; use one that "
            "has it",
            metadata={"scope": scope.word},
        )


def require_root(principal: Principal, root: str) -> None:
    """Lets callers pass whose credential is good for the root.

    Raises:
        Refusal: PATH_NOT_ALLOWED.
    """
    if principal.roots is not None and root not in principal.roots:
        raise Refusal(
            Reason.PATH_NOT_ALLOWED,
            f"the file lies under the root '{root}', which your credential is not good for",
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


def taken(principal: Principal, job: Job) -> Job:
    """The job, if the caller may become its owner.

    Raises:
        Refusal: ADMIN_REQUIRED, SCOPE_REQUIRED.
    """
    if principal.admin:
        require_scope(principal, Scope.TAKE_OWNERSHIP)
    elif Scope.TAKE_OWNERSHIP not in principal.scopes:
        raise Refusal(
            Reason.ADMIN_REQUIRED,
            "only an administrator may take a job, or who has the scope take-ownership",
            metadata={"job_id": job.job_id},
        )
    return job


def authorized_job(tx: Tx, principal: Principal, job_id: str, etag: str = "") -> Job:
    """The job of a transaction, its caller and the etag he expects checked.

    Raises:
        Refusal: as `authorized`, and ETAG_MISMATCH.
    """
    return expected(authorized(principal, tx.job(job_id), job_id), etag)


def expected(job: Job, etag: str) -> Job:
    """The job, if it has the etag that its caller expects; an empty one is any.

    Raises:
        Refusal: ETAG_MISMATCH.
    """
    if etag and etag != job.etag:
        raise Refusal(
            Reason.ETAG_MISMATCH,
            f"job {job.job_id} has another etag; read it again",
            metadata={"job_id": job.job_id},
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


def judge_token(giver: Principal, given: Principal, roots: Roots) -> None:
    """Judges the rights of a new token: nobody gives what he has not himself.

    Raises:
        Refusal: SCOPE_REQUIRED, PATH_NOT_ALLOWED, INVALID_REQUEST.
    """
    missing = given.scopes - giver.scopes
    if missing:
        problem = f"has {', '.join(scope_words(missing))}, which your own credential lacks"
        raise invalid("scopes", problem, Reason.SCOPE_REQUIRED)
    if giver.roots is not None and not (given.roots or {""}) <= giver.roots:
        problem = f"goes beyond those of your own credential: {', '.join(sorted(giver.roots))}"
        raise invalid("roots", problem, Reason.PATH_NOT_ALLOWED)
    names = roots.open_to(changed(given, roots=None)).names
    unknown = sorted((given.roots or frozenset()) - set(names))
    if unknown:
        there = ", ".join(names) or "none"
        problem = f"has '{unknown[0]}', which is no root that is open to such a token: {there}"
        raise invalid("roots", problem)
