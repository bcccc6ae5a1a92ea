"""Walks over the messages of the API, so that no field can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PACKAGE = "bgcopy.v1"


def is_own(field: Any) -> bool:
    """Whether a field holds a message of this API, and no map."""
    inner = field.message_type
    return inner is not None and inner.file.package == PACKAGE and not inner.GetOptions().map_entry


def leaves(descriptor: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each field that holds a value: its path, without indexes, and its descriptor."""
    for field in descriptor.fields:
        path = f"{prefix}{field.name}"
        if is_own(field):
            yield from leaves(field.message_type, f"{path}.")
        else:
            yield path, field


def messages(descriptor: Any, prefix: str = "") -> Iterator[str]:
    """The path of each field that holds a message of this API."""
    for field in descriptor.fields:
        if is_own(field):
            path = f"{prefix}{field.name}"
            yield path
            yield from messages(field.message_type, f"{path}.")
