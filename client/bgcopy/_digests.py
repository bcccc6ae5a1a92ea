"""Expected digests of files."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class DigestAlgorithm(enum.Enum):
    """How a digest is computed; each value is the number of its proto enum, strongest first.

    SHA1 and MD5 are weak: a file that has one may still be another than the one that was meant.
    """

    UNKNOWN = 0
    SHA256 = 1
    SHA512 = 2
    BLAKE3 = 3
    SHA1 = 4
    MD5 = 5

    @property
    def size(self) -> int:
        """How many bytes such a digest has."""
        return _SIZES[self]


_SIZES = {
    DigestAlgorithm.UNKNOWN: 0,
    DigestAlgorithm.SHA256: 32,
    DigestAlgorithm.SHA512: 64,
    DigestAlgorithm.BLAKE3: 32,
    DigestAlgorithm.SHA1: 20,
    DigestAlgorithm.MD5: 16,
}


@dataclass(frozen=True, slots=True, init=False)
class Digest:
    """A digest that a whole file must have.

    Args:
        algorithm: how it is computed.
        value: the digest in hexadecimal digits, or its bytes; kept as lower-case hexadecimal.

    Raises:
        ValueError: the algorithm is UNKNOWN, or the value no digest of it.
    """

    algorithm: DigestAlgorithm
    value: str

    def __init__(self, algorithm: DigestAlgorithm, value: str | bytes) -> None:
        try:
            raw = bytes.fromhex(value) if isinstance(value, str) else bytes(value)
        except ValueError:
            raw = b""
        if not raw or len(raw) != algorithm.size:
            name, size = algorithm.name.lower(), algorithm.size
            raise ValueError(f"{name} must be {2 * size} hexadecimal digits or {size} bytes")
        object.__setattr__(self, "algorithm", algorithm)
        object.__setattr__(self, "value", raw.hex())
