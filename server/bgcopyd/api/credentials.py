"""Messages about credentials and owners to commands."""

from __future__ import annotations

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.api import fields
from bgcopyd.api.fields import job_id
from bgcopyd.api.violations import Violations
from bgcopyd.jobs.credential_rules import credentials_faults, key_faults
from bgcopyd.jobs.http_options import AuthScheme, AuthTarget, Credentials, CredentialsKey
from bgcopyd.queue.commands import RemoveCredentials, SetCredentials, TakeOwnership


def set_credentials(request: pb.SetCredentialsRequest) -> SetCredentials:
    """Credentials to store."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    key = _key(found, request.target, request.scheme)
    credentials = None
    if key is not None:
        credentials = Credentials(key, request.user_name, request.password)
        for fault in credentials_faults(credentials):
            found.add(*fault)
    return SetCredentials(target, credentials, request.etag, found.refusal())


def remove_credentials(request: pb.RemoveCredentialsRequest) -> RemoveCredentials:
    """Credentials to forget."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    key = _key(found, request.target, request.scheme)
    return RemoveCredentials(target, key, request.etag, found.refusal())


def take_ownership(request: pb.TakeOwnershipRequest) -> TakeOwnership:
    """A job to take."""
    target = job_id(request.job_id)
    found = fields.unknown(request)
    return TakeOwnership(target, request.etag, found.refusal())


def _key(found: Violations, target: int, scheme: int) -> CredentialsKey | None:
    faults = list(key_faults(target, scheme))
    for fault in faults:
        found.add(*fault)
    return None if faults else CredentialsKey(AuthTarget(target), AuthScheme(scheme))
