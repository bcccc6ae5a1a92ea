"""An S3 store that lies where it is told to, and takes parts of any size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from tests.support.http_hostile import Request, Wire

Lie = Callable[[Request, Wire], None]


class Store:
    """One bucket, asked by path.

    Attributes:
        objects: what has come, by path.
        uploads: the parts of unfinished uploads, by their ids.
        lies: by kind ("put", "create", "part", "list", "complete", "abort", "head"), what is done
            instead of the next honest answers, one after the other.
        asked: the kinds of the requests that came.
        page: how many parts an answer lists.
    """

    def __init__(self, **lies: list[Lie]) -> None:
        self.objects: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.lies = {kind: list(many) for kind, many in lies.items()}
        self.asked: list[str] = []
        self.page = 1000
        self._begun = 0

    def __call__(self, request: Request, wire: Wire) -> None:
        parts = urlsplit(request.target)
        query = {
            key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        kind = _kind(request.method, query)
        self.asked.append(kind)
        waiting = self.lies.get(kind)
        if waiting:
            waiting.pop(0)(request, wire)
        else:
            getattr(self, f"_{kind}")(request, wire, parts.path, query)

    def _put(self, request: Request, wire: Wire, path: str, _: dict[str, str]) -> None:
        self.objects[path] = wire.take(request)
        wire.answer(200, b"", ETag='"whole"')

    def _create(self, request: Request, wire: Wire, _path: str, _: dict[str, str]) -> None:
        wire.take(request)
        self._begun += 1
        self.uploads[f"up/{self._begun}+="] = {}
        wire.answer(200, created(f"up/{self._begun}+="))

    def _part(self, request: Request, wire: Wire, _path: str, query: dict[str, str]) -> None:
        content = wire.take(request)
        upload = self.uploads.get(query["uploadId"])
        if upload is None:
            wire.answer(404, error("NoSuchUpload"))
            return
        upload[int(query["partNumber"])] = content
        wire.answer(200, b"", ETag=f'"{md5(content)}"')

    def _list(self, request: Request, wire: Wire, _path: str, query: dict[str, str]) -> None:
        wire.take(request)
        upload = self.uploads.get(query["uploadId"])
        if upload is None:
            wire.answer(404, error("NoSuchUpload"))
            return
        numbers = sorted(n for n in upload if n > int(query["part-number-marker"]))
        shown = {n: (md5(upload[n]), len(upload[n])) for n in numbers[: self.page]}
        wire.answer(200, listing(shown, more=len(numbers) > self.page))

    def _complete(self, request: Request, wire: Wire, path: str, query: dict[str, str]) -> None:
        text = wire.take(request).decode()
        upload = self.uploads.get(query["uploadId"])
        if upload is None:
            wire.answer(404, error("NoSuchUpload"))
            return
        wanted = "".join(
            f'<Part><PartNumber>{n}</PartNumber><ETag>"{md5(content)}"</ETag></Part>'
            for n, content in sorted(upload.items())
        )
        if wanted not in text:
            wire.answer(400, error("InvalidPart"))
            return
        del self.uploads[query["uploadId"]]
        self.objects[path] = b"".join(content for _, content in sorted(upload.items()))
        digests = b"".join(hashlib.md5(content).digest() for _, content in sorted(upload.items()))
        self.etags[path] = f"{md5(digests)}-{len(upload)}"
        wire.answer(200, COMPLETED)

    def _abort(self, request: Request, wire: Wire, _path: str, query: dict[str, str]) -> None:
        wire.take(request)
        gone = self.uploads.pop(query["uploadId"], None) is None
        wire.answer(404 if gone else 204, error("NoSuchUpload") if gone else b"")

    def _head(self, _: Request, wire: Wire, path: str, _query: dict[str, str]) -> None:
        if path not in self.objects:
            wire.head(404)
        else:
            wire.head(200, Content_Length=len(self.objects[path]), ETag=f'"{self.etags[path]}"')


def _kind(method: str, query: dict[str, str]) -> str:
    named = {
        "POST": "create" if "uploads" in query else "complete",
        "PUT": "part" if "partNumber" in query else "put",
        "GET": "list",
        "DELETE": "abort",
    }
    return named.get(method, method.lower())


def md5(content: bytes) -> str:
    """The ETag of a part."""
    return hashlib.md5(content).hexdigest()


def _xml(name: str, inside: str) -> bytes:
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<{name} xmlns="{space}">{inside}</{name}>'.encode()


COMPLETED = _xml("CompleteMultipartUploadResult", "<Bucket>b</Bucket><ETag>&quot;e&quot;</ETag>")


def created(upload: str) -> bytes:
    """The answer to CreateMultipartUpload."""
    return _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")


def error(code: str) -> bytes:
    """An error."""
    return f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()


def listing(parts: dict[int, tuple[str, int]], *, more: bool = False, following: int = 0) -> bytes:
    """The answer to ListParts, of ETags and sizes by number."""
    inside = "".join(
        f'<Part><PartNumber>{n}</PartNumber><ETag>"{etag}"</ETag><Size>{size}</Size></Part>'
        for n, (etag, size) in parts.items()
    )
    marker = following or max(parts, default=0)
    head = f"<NextPartNumberMarker>{marker}</NextPartNumberMarker>"
    return _xml("ListPartsResult", f"{head}<IsTruncated>{str(more).lower()}</IsTruncated>{inside}")


def says(status: int, body: bytes = b"", **fields: object) -> Lie:
    """An answer, once the request is read."""

    def lie(request: Request, wire: Wire) -> None:
        if request.method == "HEAD":
            wire.head(status, **fields)
        else:
            wire.take(request)
            wire.answer(status, body, **fields)

    return lie
