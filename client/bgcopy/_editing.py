"""The part of AsyncClient that changes jobs and their files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy import _convert as convert
from bgcopy import _models as models
from bgcopy._calls import Calls, Timeout
from bgcopy._convert_options import job_of
from bgcopy._option_enums import AuthScheme, AuthTarget
from bgcopy._options import JobProperties
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2

if TYPE_CHECKING:
    from typing import Any


class EditingCalls:
    """Changes of jobs and files; one method per RPC."""

    _calls: Calls

    async def update_job(
        self,
        job_id: str,
        *,
        display_name: str | None = None,
        etag: str = "",
        timeout: Timeout | None = None,
        **changes: Unpack[JobProperties],
    ) -> models.JobInfo:
        """Change the properties that are given, all or none; a running job goes on with them.

        ::

            await client.update_job(job_id, priority=Priority.HIGH, deadline=None)

        Args:
            job_id: the job.
            display_name: its new name; None leaves it.
            etag: the etag that the job must have; empty means any.
            timeout: the deadline of the call.
            changes: the other properties; None gives one its default again.

        Raises:
            ReadOnlyPropertyAfterResume, ReadOnlyPropertyAfterAddFile, InvalidState: too late.
            ValueError: nothing is given, or a moment has no time zone.
        """
        values: dict[str, Any] = dict(changes)
        if display_name is not None:
            values["display_name"] = display_name
        if not values:
            raise ValueError("name at least one property to change")
        request = pb.UpdateJobRequest(
            job_id=job_id,
            job=job_of(values),
            update_mask=FieldMask(paths=sorted(values)),
            etag=etag,
        )
        response = await self._calls.unary(lambda stub: stub.UpdateJob, request, timeout)
        return convert.job_info(response.job)

    async def update_file(
        self,
        job_id: str,
        file_index: int,
        *,
        url: str | None = None,
        validation_state: bool | None = None,
        etag: str = "",
        timeout: Timeout | None = None,
    ) -> models.UpdateFileResult:
        """Give an unfinished file another URL, or judge a transferred one.

        Args:
            job_id: the job.
            file_index: the file.
            url: where it comes from now; what is there is kept where the file is the same.
            validation_state: whether it is valid; an invalid one makes the job ERROR, and resume
                fetches it anew.
            etag: the etag that the job must have; empty means any.
            timeout: the deadline of the call.
        """
        request = pb.UpdateFileRequest(
            job_id=job_id,
            file_index=file_index,
            remote_url=url,
            validation_state=validation_state,
            etag=etag,
        )
        response = await self._calls.unary(lambda stub: stub.UpdateFile, request, timeout)
        return models.UpdateFileResult(
            convert.file_info(response.file), convert.job_info(response.job)
        )

    async def remove_files(
        self,
        job_id: str,
        file_indexes: Iterable[int],
        *,
        etag: str = "",
        timeout: Timeout | None = None,
    ) -> models.RemoveFilesResult:
        """Take files out of a job and delete what there is of them.

        Files that have their final name keep it; indexes that are not there count as done.
        """
        request = pb.RemoveFilesRequest(job_id=job_id, file_indexes=list(file_indexes), etag=etag)
        response = await self._calls.unary(lambda stub: stub.RemoveFiles, request, timeout)
        return models.RemoveFilesResult(convert.job_info(response.job), response.removed_files)

    async def replace_remote_prefix(
        self,
        job_id: str,
        old_prefix: str,
        new_prefix: str,
        *,
        etag: str = "",
        timeout: Timeout | None = None,
    ) -> models.ReplacePrefixResult:
        """Give another beginning to the URLs of all unfinished files that begin so."""
        request = pb.ReplaceRemotePrefixRequest(
            job_id=job_id, old_prefix=old_prefix, new_prefix=new_prefix, etag=etag
        )
        response = await self._calls.unary(lambda stub: stub.ReplaceRemotePrefix, request, timeout)
        return models.ReplacePrefixResult(convert.job_info(response.job), response.replaced_files)

    async def request_file_ranges(
        self,
        job_id: str,
        file_index: int,
        ranges: Iterable[models.FileRange],
        *,
        etag: str = "",
        timeout: Timeout | None = None,
    ) -> models.JobInfo:
        """Ask an on-demand job for parts of a file, or any other for these parts first."""
        request = pb.RequestFileRangesRequest(
            job_id=job_id,
            file_index=file_index,
            ranges=[convert.range_to_proto(one) for one in ranges],
            etag=etag,
        )
        response = await self._calls.unary(lambda stub: stub.RequestFileRanges, request, timeout)
        return convert.job_info(response.job)

    async def take_ownership(
        self, job_id: str, *, etag: str = "", timeout: Timeout | None = None
    ) -> models.JobInfo:
        """Make the caller, an administrator, the owner of a job.

        Its credentials, client certificate and secret headers are dropped.
        """
        request = pb.TakeOwnershipRequest(job_id=job_id, etag=etag)
        response = await self._calls.unary(lambda stub: stub.TakeOwnership, request, timeout)
        return convert.job_info(response.job)

    async def set_credentials(
        self,
        job_id: str,
        scheme: AuthScheme,
        *,
        user_name: str = "",
        password: str,
        target: AuthTarget = AuthTarget.SERVER,
        etag: str = "",
        timeout: Timeout | None = None,
    ) -> models.JobInfo:
        """Store credentials for a job's servers or proxies, encrypted; nothing returns them.

        Args:
            job_id: the job.
            scheme: how they are used; BEARER takes the token as password.
            user_name: at most 300 characters; empty for BEARER.
            password: at most 65,535 characters.
            target: whom they are for; those of the same target and scheme are replaced.
            etag: the etag that the job must have; empty means any.
            timeout: the deadline of the call.
        """
        request = pb.SetCredentialsRequest(
            job_id=job_id,
            target=http_pb2.AuthTarget.ValueType(target.value),
            scheme=http_pb2.AuthScheme.ValueType(scheme.value),
            user_name=user_name,
            password=password,
            etag=etag,
        )
        response = await self._calls.unary(lambda stub: stub.SetCredentials, request, timeout)
        return convert.job_info(response.job)

    async def remove_credentials(
        self,
        job_id: str,
        scheme: AuthScheme,
        *,
        target: AuthTarget = AuthTarget.SERVER,
        etag: str = "",
        timeout: Timeout | None = None,
    ) -> models.JobInfo:
        """Forget a job's credentials; absent ones count as done."""
        request = pb.RemoveCredentialsRequest(
            job_id=job_id,
            target=http_pb2.AuthTarget.ValueType(target.value),
            scheme=http_pb2.AuthScheme.ValueType(scheme.value),
            etag=etag,
        )
        response = await self._calls.unary(lambda stub: stub.RemoveCredentials, request, timeout)
        return convert.job_info(response.job)
