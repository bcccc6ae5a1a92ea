"""Where a redirect may lead. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from bgcopyd.jobs.schemes import SCHEMES, WEB

_UNCLEAN = re.compile(r"[^\x21-\x7e]")
_NO_WEB = "neither http nor https"
_HIDDEN = re.compile("[?#@]")


class RedirectRefused(Exception):
    """The redirect is not followed; the text says why, without the URL."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 9110 section 4.3.1)."""

    scheme: str
    host: str
    port: int

    @property
    def whole(self) -> str:
        """Scheme, host and port, whatever is usual."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def __str__(self) -> str:
        """What messages say: the host, with its port where that is unusual."""
        usual = SCHEMES.get(self.scheme)
        if usual is not None and usual.port == self.port:
            return self.host
        return f"{self.host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of a URL.

    Raises:
        ValueError: it is no URL of a known scheme with a host and without credentials.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("of an unknown scheme")
    if not parts.hostname or _unclean(url):
        raise ValueError("malformed")
    if "@" in parts.netloc:
        raise ValueError("credentials in it")
    return Origin(parts.scheme, parts.hostname, parts.port or SCHEMES[parts.scheme].port)


def follow(
    url: str, location: str, visited: set[str], limit: int, *, https_to_http: bool = False
) -> str:
    """The URL that `location` leads to from `url`.

    Raises:
        RedirectRefused: too many, a loop, or to where no job may go.
    """
    try:
        target = _encoded(urljoin(url, location.strip()))
        if urlsplit(target).scheme not in WEB:
            raise ValueError(_NO_WEB)  # noqa: TRY301 - told as the others
        origin = origin_of(target)
    except ValueError as error:
        problem = str(error) if str(error) in {_NO_WEB, "credentials in it"} else ""
        raise RedirectRefused(
            f"to an address that is not fetched ({problem or 'malformed'})"
        ) from None
    if not https_to_http and urlsplit(url).scheme == "https" and origin.scheme == "http":
        raise RedirectRefused("from https to unprotected http")
    if target in visited:
        raise RedirectRefused("in a circle")
    if len(visited) > limit:
        raise RedirectRefused(f"more than {limit} times")
    return target


def shown(url: str) -> str:
    """A URL as people may see it: without user information, query and fragment."""
    if not _HIDDEN.search(url):
        return url
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=place, query="", fragment="").geturl()


def _encoded(url: str) -> str:
    """Percent-encodes what header bytes beyond ASCII stand for, and drops the fragment."""
    raw = url.encode("latin-1", "strict") if not url.isascii() else url.encode()
    text = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)
    parts: SplitResult = urlsplit(text.replace(" ", "%20"))
    return parts._replace(fragment="").geturl()


def _unclean(url: str) -> bool:
    return _UNCLEAN.search(url) is not None
