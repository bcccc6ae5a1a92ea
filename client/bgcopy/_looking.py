"""The part of AsyncClient that looks at bytes, attempts and URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from bgcopy import _convert as convert
from bgcopy import _models as models
from bgcopy._calls import Calls, Timeout
from bgcopy._convert_options import header_to_proto, proxy_to_proto
from bgcopy._options import HttpHeader, ProxySettings
from bgcopy._pages import each
from bgcopy.v1 import background_copy_manager_pb2 as pb


class LookingCalls:
    """What changes nothing; one method per RPC, and iterators over pages."""

    _calls: Calls

    async def read_file(
        self, job_id: str, file_index: int, *, offset: int = 0, length: int = 0
    ) -> AsyncIterator[bytes]:
        """The bytes of a file that are safely on the daemon's disk, finished or not, in pieces.

        ::

            async for piece in client.read_file(job_id, 0):
                out.write(piece)

        Args:
            job_id: the job.
            file_index: the file.
            offset: the first byte.
            length: how many bytes at most; 0 is all that are there.

        Raises:
            FileNotReady: the offset lies beyond what is there.
        """
        request = pb.ReadFileRequest(
            job_id=job_id, file_index=file_index, offset=offset, length=length
        )
        async for message in self._calls.stream(lambda stub: stub.ReadFile, request):
            yield message.data

    async def list_attempts(
        self,
        job_id: str,
        *,
        file_index: int | None = None,
        page_size: int = 0,
        page_token: str = "",
        timeout: Timeout | None = None,
    ) -> models.AttemptPage:
        """One page of the attempts at a job's files, newest first; `attempts` goes through all."""
        request = pb.ListAttemptsRequest(
            job_id=job_id, file_index=file_index, page_size=page_size, page_token=page_token
        )
        response = await self._calls.unary(lambda stub: stub.ListAttempts, request, timeout)
        return models.AttemptPage(
            tuple(convert.attempt(one) for one in response.attempts), response.next_page_token
        )

    def attempts(
        self,
        job_id: str,
        *,
        file_index: int | None = None,
        page_size: int = 0,
        timeout: Timeout | None = None,
    ) -> AsyncIterator[models.Attempt]:
        """The attempts at a job's files, newest first, page by page; `timeout` is each page's."""
        return each(
            lambda token: self.list_attempts(
                job_id,
                file_index=file_index,
                page_size=page_size,
                page_token=token,
                timeout=timeout,
            ),
            lambda page: page.attempts,
        )

    async def probe_url(
        self,
        url: str,
        *,
        custom_headers: Iterable[HttpHeader] = (),
        proxy: ProxySettings | None = None,
        ca_bundle: str = "",
        timeout: Timeout | None = None,
    ) -> models.Probe:
        """Ask a server about a file, from where the daemon stands, without a job.

        What the server answers is data, also where it is an error.
        """
        request = pb.ProbeUrlRequest(
            remote_url=url,
            custom_headers=[header_to_proto(one) for one in custom_headers],
            proxy=None if proxy is None else proxy_to_proto(proxy),
            ca_bundle=ca_bundle,
        )
        response = await self._calls.unary(lambda stub: stub.ProbeUrl, request, timeout)
        return convert.probe(response)
