"""Digests that a server sends with its answers (RFC 3230, RFC 9530). Pure.

They come over the same way as the bytes, so they prove the transport only. What is malformed is
ignored, as are algorithms that are not known here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bgcopyd.jobs.file import Digest, DigestAlgorithm
from bgcopyd.transfer.judging.headers import Answer, content_range

_ALGORITHMS = {
    "sha-256": DigestAlgorithm.SHA256,
    "sha-512": DigestAlgorithm.SHA512,
    "sha": DigestAlgorithm.SHA1,
    "md5": DigestAlgorithm.MD5,
}
# A member of a dictionary of byte sequences (RFC 8941 section 3.2), with parameters.
_MEMBER = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*=*):(?:;[^,:\"]*)?[ \t]*")
_INSTANCE = re.compile(r"[ \t]*([A-Za-z0-9-]+)=([A-Za-z0-9+/]+=*)[ \t]*")
_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Announced:
    """What an answer says of the bytes of the whole file, and of the `length` bytes it brings."""

    file: Digest | None = None
    part: Digest | None = None
    length: int = 0


NOTHING = Announced()


def announced(answer: Answer) -> Announced:
    """The best digests of each kind that an answer sends; one is enough, and costs least."""
    file = _best(_dictionary(answer.value("repr-digest")))
    file = file or _best(_instance(answer.value("digest")))
    content = _best(_dictionary(answer.value("content-digest")))
    found = content_range(answer) if answer.status == 206 else None
    if found is None:
        return Announced(file or content) if file or content else NOTHING
    if file is None and content is None:
        return NOTHING
    return Announced(file, content, found.last - found.first + 1)


def _best(found: Mapping[DigestAlgorithm, bytes]) -> Digest | None:
    return next((Digest(one, found[one]) for one in _ALGORITHMS.values() if one in found), None)


def _dictionary(text: str) -> Mapping[DigestAlgorithm, bytes]:
    """A Repr-Digest or Content-Digest: malformed in one place, it is malformed (RFC 8941 4.2)."""
    members = [_MEMBER.fullmatch(part) for part in _parts(text)]
    if not all(members):
        return {}
    # The last of equal keys counts.
    return dict(_decoded((one[1], one[2]) for one in members if one is not None))


def _instance(text: str) -> Mapping[DigestAlgorithm, bytes]:
    """A Digest; one that contradicts itself says nothing."""
    members = [_INSTANCE.fullmatch(part) for part in _parts(text)]
    pairs = list(_decoded((one[1].lower(), one[2]) for one in members if one is not None))
    found = dict(pairs)
    return {} if any(found[algorithm] != value for algorithm, value in pairs) else found


def _parts(text: str) -> Iterable[str]:
    return text.split(",") if text and len(text) <= _CHARACTERS else ()


def _decoded(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[DigestAlgorithm, bytes]]:
    for name, text in pairs:
        algorithm = _ALGORITHMS.get(name)
        if algorithm is None:
            continue
        try:
            value = base64.b64decode(text, validate=True)
        except binascii.Error:
            continue
        if len(value) == algorithm.size:
            yield algorithm, value
