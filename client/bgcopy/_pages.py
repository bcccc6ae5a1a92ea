"""Lists that come page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol, TypeVar


class Page(Protocol):
    """A page that says where the next one begins."""

    @property
    def next_page_token(self) -> str:
        """Empty on the last page."""


P = TypeVar("P", bound=Page)
T = TypeVar("T")


async def each(
    fetch: Callable[[str], Awaitable[P]], items: Callable[[P], Iterable[T]]
) -> AsyncIterator[T]:
    """Everything that a list holds; `fetch` gets the page of a token, the first by an empty one."""
    page_token = ""
    while True:
        page = await fetch(page_token)
        for one in items(page):
            yield one
        page_token = page.next_page_token
        if not page_token:
            return
