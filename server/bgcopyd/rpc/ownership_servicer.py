"""BackgroundCopyManager over gRPC: credentials and owners of jobs."""

from __future__ import annotations

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.api import credentials, encode
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.ownership import Ownership


class OwnershipServicer:
    """One method per RPC, each with its caller."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    async def set_credentials(
        self, caller: Principal, request: pb.SetCredentialsRequest
    ) -> pb.SetCredentialsResponse:
        """SetCredentials."""
        job = await self._ownership.set_credentials(caller, credentials.set_credentials(request))
        return pb.SetCredentialsResponse(job=encode.job(job))

    async def remove_credentials(
        self, caller: Principal, request: pb.RemoveCredentialsRequest
    ) -> pb.RemoveCredentialsResponse:
        """RemoveCredentials."""
        command = credentials.remove_credentials(request)
        job = await self._ownership.remove_credentials(caller, command)
        return pb.RemoveCredentialsResponse(job=encode.job(job))

    async def take_ownership(
        self, caller: Principal, request: pb.TakeOwnershipRequest
    ) -> pb.TakeOwnershipResponse:
        """TakeOwnership."""
        job = await self._ownership.take_ownership(caller, credentials.take_ownership(request))
        return pb.TakeOwnershipResponse(job=encode.job(job))
