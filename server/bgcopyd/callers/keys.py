"""Public keys of an issuer (JWKS, RFC 7517), from a file or by HTTPS, kept and renewed."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from bgcopyd.queue.clock import Clock

logger = logging.getLogger(__name__)

# Unknown key ids ask for new keys no more often than this, whoever sends how many.
SHORTEST_PAUSE = 30.0
# So long keys are taken for the issuer's without asking again, and without an answer.
FRESH = 600.0
LONGEST_STALE = 86_400.0
_PATIENCE = 10.0
_LARGEST = 256 << 10
_KINDS = frozenset({"RSA", "EC", "OKP"})

# By key id; of the kinds that have a public half. A key without an id is under "".
KeySet = Mapping[str, Mapping[str, Any]]
NO_KEYS: KeySet = {}


class Keys(Protocol):
    """The keys of one issuer."""

    async def current(self) -> KeySet:
        """The keys; the same object as long as they are the same."""

    async def after_miss(self) -> KeySet:
        """The keys once more, for who did not find his among them."""


def parsed(content: bytes) -> KeySet:
    """The keys of a JWKS that can sign.

    Raises:
        ValueError: it is none.
    """
    document = json.loads(content)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("it holds no list of keys")  # noqa: TRY004 - as json's own errors
    return {
        str(key.get("kid", "")): key
        for key in document["keys"]
        if isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use", "sig") == "sig"
    }


class KeyFile:
    """Keys in a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys = NO_KEYS

    async def current(self) -> KeySet:
        """The keys; those of before where the file cannot be used now."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._keys = parsed(self._path.read_bytes())
            except (OSError, ValueError) as problem:
                logger.warning("the keys in %s cannot be used: %s", self._path, problem)
        return self._keys

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0, 0
        return found.st_mtime_ns, found.st_size, found.st_ino

    async def after_miss(self) -> KeySet:
        """The same: it has just been looked at."""
        return self._keys


class KeyUrl:
    """Keys at an https URL, fetched on a thread, by one at a time."""

    def __init__(self, url: str, ca_file: Path | None, clock: Clock) -> None:
        self._url = url
        self._ca_file = ca_file
        self._clock = clock
        self._keys = NO_KEYS
        self._asked = self._heard = float("-inf")
        self._lock = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def current(self) -> KeySet:
        """The keys, asked for again when they have been kept for a while.

        Nobody waits for that as long as there are some.
        """
        age = self._clock.monotonic() - self._heard
        if age > LONGEST_STALE:
            await self._renew()
        elif age > FRESH and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._renew())
        return self._usable()

    async def after_miss(self) -> KeySet:
        """The keys, asked for again unless that was done just now."""
        await self._renew()
        return self._usable()

    def _usable(self) -> KeySet:
        stale = self._clock.monotonic() - self._heard > LONGEST_STALE
        return NO_KEYS if stale else self._keys

    async def _renew(self) -> None:
        async with self._lock:
            if self._clock.monotonic() - self._asked < SHORTEST_PAUSE:
                return
            self._asked = self._clock.monotonic()
            try:
                keys = parsed(await asyncio.to_thread(_fetched, self._url, self._ca_file))
            except (OSError, ValueError) as problem:
                logger.warning("no keys came from %s: %s", self._url, problem)
                return
            self._heard = self._clock.monotonic()
            if keys != self._keys:
                self._keys = keys


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Keys are where the operator said, or nowhere."""


def _fetched(url: str, ca_file: Path | None) -> bytes:
    context = ssl.create_default_context(cafile=ca_file)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=context),
        _NoRedirects(),
    )
    with opener.open(url, timeout=_PATIENCE) as answer:
        content: bytes = answer.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"the answer has more than {_LARGEST} bytes")
    return content
