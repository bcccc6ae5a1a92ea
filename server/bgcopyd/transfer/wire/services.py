"""Where a host offers HTTP/3 (RFC 7838), and which version a request may use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.network.facts import Fact
from bgcopyd.transfer.wire.dialects import WEB, Newest

if TYPE_CHECKING:
    from bgcopyd.transfer.failures import Failure
    from bgcopyd.transfer.volume import Volume
    from bgcopyd.transfer.wire.handles import Request

# Possessive, so that nothing is tried twice.
_SERVICE = re.compile(
    r'[ \t,]*+([^\s=;,"]++)="([^"]*+)"((?:[ \t]*+;[ \t]*+[^\s=;,"]++=(?:"[^"]*+"|[^\s;,"]*+))*+)'
)
_AGE = re.compile(r";[ \t]*+ma=\"?([0-9]{1,10})\"?(?![^\s;])")
_CHARACTERS = 4096
# After so many broken HTTP/2 streams a host is asked by HTTP/1.1.
_STREAM_ERRORS = 2
_BROKEN = frozenset({Reason.TIMEOUT, Reason.CONNECTION_CLOSED})
SPOKEN = bool(pycurl.version_info()[4] & pycurl.VERSION_HTTP3)


def offers_http3(text: str, origin: Origin) -> bool | None:
    """Whether an Alt-Svc field offers HTTP/3 at the origin itself; None where it says nothing."""
    if not text or len(text) > _CHARACTERS:
        return None
    if text.strip() == "clear":
        return False
    places = {f":{origin.port}", f"{origin.host}:{origin.port}"}
    position = 0
    while (service := _SERVICE.match(text, position)) is not None:
        position = service.end()
        age = _AGE.search(service[3])
        if service[1] == "h3" and service[2] in places and (age is None or int(age[1])):
            return True
    # The field replaces what was said before.
    return False


def heed(volume: Volume, origin: Origin, answer: Answer) -> None:
    """Takes down what an answer says of HTTP/3."""
    text = answer.value("alt-svc")
    offered = offers_http3(text, origin) if text and origin.scheme == "https" else None
    if offered is not None:
        volume.facts.learn(origin, Fact.HTTP3_OFFERED, int(offered), volume.now())


def newest(volume: Volume, request: Request) -> Newest:
    """What a request may use. libcurl itself falls back where UDP gets no answer soon."""
    origin, mode = request.origin, volume.options.http3
    if volume.known(origin, Fact.STREAM_ERRORS) >= _STREAM_ERRORS:
        return Newest.HTTP1
    policy = request.policy
    direct = origin.scheme == "https" and not policy.proxy and policy.dialect is WEB
    if mode == "off" or not SPOKEN or not direct or volume.known(origin, Fact.HTTP3_BROKEN):
        return Newest.HTTP2
    offered = mode == "always" or volume.known(origin, Fact.HTTP3_OFFERED)
    return Newest.HTTP3 if offered else Newest.HTTP2


def blame(volume: Volume, origin: Origin, tried: Newest, failure: Failure) -> None:
    """After a request that might have gone by HTTP/3: what breaks on the way may be UDP alone."""
    if tried is Newest.HTTP3 and failure.reason in _BROKEN:
        volume.facts.learn(origin, Fact.HTTP3_BROKEN, 1, volume.now())
