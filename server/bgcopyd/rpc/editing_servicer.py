"""BackgroundCopyManager over gRPC: changes of jobs and files."""

from __future__ import annotations

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.api import decode, encode
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.editing import JobEditor


class EditingServicer:
    """One method per RPC, each with its caller."""

    def __init__(self, editor: JobEditor) -> None:
        self._editor = editor

    async def update_job(
        self, caller: Principal, request: pb.UpdateJobRequest
    ) -> pb.UpdateJobResponse:
        """UpdateJob."""
        job = await self._editor.update_job(caller, decode.update_job(request))
        return pb.UpdateJobResponse(job=encode.job(job))

    async def update_file(
        self, caller: Principal, request: pb.UpdateFileRequest
    ) -> pb.UpdateFileResponse:
        """UpdateFile."""
        file, job = await self._editor.update_file(caller, decode.update_file(request))
        return pb.UpdateFileResponse(file=encode.file(file), job=encode.job(job))

    async def remove_files(
        self, caller: Principal, request: pb.RemoveFilesRequest
    ) -> pb.RemoveFilesResponse:
        """RemoveFiles."""
        job, count = await self._editor.remove_files(caller, decode.remove_files(request))
        return pb.RemoveFilesResponse(job=encode.job(job), removed_files=count)

    async def replace_remote_prefix(
        self, caller: Principal, request: pb.ReplaceRemotePrefixRequest
    ) -> pb.ReplaceRemotePrefixResponse:
        """ReplaceRemotePrefix."""
        command = decode.replace_remote_prefix(request)
        job, count = await self._editor.replace_remote_prefix(caller, command)
        return pb.ReplaceRemotePrefixResponse(job=encode.job(job), replaced_files=count)

    async def request_file_ranges(
        self, caller: Principal, request: pb.RequestFileRangesRequest
    ) -> pb.RequestFileRangesResponse:
        """RequestFileRanges."""
        command = decode.request_file_ranges(request)
        job = await self._editor.request_file_ranges(caller, command)
        return pb.RequestFileRangesResponse(job=encode.job(job))
