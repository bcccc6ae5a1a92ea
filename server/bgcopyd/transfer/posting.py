"""Sends webhooks' messages with libcurl: a few threads, made when the first message is sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pycurl

from bgcopyd.jobs.webhook import Answer
from bgcopyd.queue.dispatcher import AT_ONCE, TESTS_AT_ONCE
from bgcopyd.transfer import failures
from bgcopyd.transfer.judging.headers import parse_answer, retry_after
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.wire.gate import Gate
from bgcopyd.transfer.wire.policy import Policy, obey

CONNECT_SECONDS = 10
SECONDS = 15
# Enough for a connection to end well; nothing of it is kept.
ANSWER_BYTES = 2048
HEADERS_BYTES = 16 << 10
# As many attempts as the queue makes at once.
THREADS = AT_ONCE + TESTS_AT_ONCE


class CurlPoster:
    """`Poster` on libcurl. Each message has a connection of its own, whose address is judged."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._ended = threading.Event()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """As Poster."""
        attempt = _Attempt(url, Gate(self._options), self._ended)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, attempt.make, self._options, headers, body)

    async def close(self) -> None:
        """Ends the attempts under way."""
        self._ended.set()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)


class _Attempt:
    def __init__(self, url: str, gate: Gate, ended: threading.Event) -> None:
        self._url = url
        self._gate = gate
        self._ended = ended
        self._lines: list[bytes] = []
        self._left = ANSWER_BYTES
        self._header_bytes = 0

    def make(self, options: EngineOptions, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends the message; what came of it."""
        curl = pycurl.Curl()
        try:
            self._prepare(curl, options, headers, body)
            code, detail = 0, ""
            try:
                curl.perform()
            except pycurl.error as error:
                code, detail = error.args
            return self._judged(code, detail)
        finally:
            curl.close()

    def _prepare(
        self, curl: pycurl.Curl, options: EngineOptions, headers: Mapping[str, str], body: bytes
    ) -> None:
        policy = Policy()
        curl.setopt(pycurl.PROTOCOLS, policy.dialect.bits)
        curl.setopt(pycurl.REDIR_PROTOCOLS, policy.dialect.bits)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.NETRC, 0)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.CONNECTTIMEOUT, CONNECT_SECONDS)
        curl.setopt(pycurl.TIMEOUT, SECONDS)
        curl.setopt(pycurl.USERAGENT, options.user_agent)
        obey(curl, policy, options)
        curl.setopt(pycurl.URL, self._url)
        curl.setopt(pycurl.POST, 1)
        # No wait for "100 Continue".
        fields = [*(f"{name}: {value}" for name, value in headers.items()), "expect:"]
        curl.setopt(pycurl.HTTPHEADER, fields)
        curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self._gate.guard(curl)
        curl.setopt(pycurl.NOPROGRESS, 0)
        curl.setopt(pycurl.XFERINFOFUNCTION, lambda *_: int(self._ended.is_set()))

    def _on_header(self, line: bytes) -> int | None:
        self._header_bytes += len(line)
        if self._header_bytes > HEADERS_BYTES:
            return 0
        self._lines.append(line)
        return None

    def _on_body(self, data: bytes) -> int | None:
        self._left -= len(data)
        return 0 if self._left < 0 else None

    def _judged(self, code: int, detail: str) -> Answer:
        host = urlsplit(self._url).hostname or ""
        answer = parse_answer(self._lines)
        if self._header_bytes > HEADERS_BYTES:
            return Answer(error=f"The receiver {host} sent more header fields than are read.")
        # The status is here, whatever becomes of a body that nobody wants.
        if answer is not None and code in {0, pycurl.E_WRITE_ERROR, pycurl.E_PARTIAL_FILE}:
            if 200 <= answer.status < 300:
                return Answer(answer.status)
            text = f"The receiver {host} answered with HTTP status {answer.status}."
            return Answer(answer.status, text, retry_after(answer, datetime.now(UTC)))
        return Answer(error=self._problem(code, detail, host))

    def _problem(self, code: int, detail: str, host: str) -> str:
        """Why there is no answer."""
        if self._gate.forbidden:
            return (
                f"The receiver {host} has an address that this server's policy does not let "
                "anybody connect to; ask the operator to allow its network (`allow_networks`)."
            )
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return f"The receiver {host} did not answer within {SECONDS} seconds."
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            return "The daemon ended meanwhile."
        return failures.of_curl(code, detail, host).message
