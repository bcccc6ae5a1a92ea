"""Files as rows of SQLite, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bgcopyd.jobs.file import (
    NO_REPORT,
    Digest,
    DigestAlgorithm,
    File,
    FileRange,
    FileReport,
    FileSpec,
    SourceBytes,
    Validators,
    Verification,
)
from bgcopyd.jobs.http_options import HttpHeader
from bgcopyd.jobs.upload import Source, Upload, UploadProtocol
from bgcopyd.queue.storage import FileUpdate
from bgcopyd.store.rows import Row, encode_error, error_of, exactly, insert_statement

INDEX_BITS = 24
MAXIMUM_INDEX = (1 << INDEX_BITS) - 1
_VERIFICATIONS: dict[int | None, Verification | None] = {
    None: None,
    **{int(level): level for level in Verification},
}
_FILE_COLUMNS = (
    "key", "url", "root", "path", "destination", "digests", "partial_name", "claimed", "size",
    "etag", "last_modified", "last_modified_strong", "transferred", "completed", "verification",
    "device", "inode", "error", "extra", "report", "filled", "requested", "validation_state",
    "upload",
)  # fmt: skip
SELECT_FILE = f"SELECT {', '.join(_FILE_COLUMNS)} FROM file"
INSERT_FILE = insert_statement("file", (*_FILE_COLUMNS, "live"))
UPDATE_FILE = (
    "UPDATE file SET partial_name = ?, claimed = ?, size = ?, etag = ?, last_modified = ?, "
    "last_modified_strong = ?, transferred = ?, completed = ?, verification = ?, device = ?, "
    "inode = ?, error = ?, report = ?, filled = ?, "
    "requested = coalesce(?, requested), validation_state = ?, upload = ? "
    "WHERE key = ?"
)
UPDATE_SPEC = "UPDATE file SET url = ?, digests = ?, extra = ? WHERE key = ?"


def file_key(seq: int, index: int) -> int:
    """The key of a file; -1 stands before the first."""
    if not -1 <= index <= MAXIMUM_INDEX:
        raise ValueError(f"a file's index cannot be {index}")
    return (seq << INDEX_BITS) + index


def file_values(seq: int, file: File) -> Row:
    """The values of INSERT_FILE."""
    spec = file.spec
    return (
        file_key(seq, file.index),
        spec.url,
        spec.root,
        spec.path,
        spec.destination,
        _digests_text(spec),
        file.partial_name,
        file.claimed,
        file.size,
        file.validators.etag,
        file.validators.last_modified,
        file.validators.last_modified_strong,
        file.transferred,
        file.completed,
        file.verification,
        file.device,
        file.inode,
        encode_error(file.error),
        _extra_text(spec),
        _report_text(file.report),
        _ranges_text(file.filled),
        _ranges_text(file.requested),
        file.validation_state,
        upload_text(file.upload),
        bool(spec.destination),
    )


def spec_values(seq: int, index: int, spec: FileSpec) -> Row:
    """The values of UPDATE_SPEC."""
    return (spec.url, _digests_text(spec), _extra_text(spec), file_key(seq, index))


def file_update_values(seq: int, update: FileUpdate) -> Row:
    """The values of UPDATE_FILE."""
    return (
        update.partial_name,
        update.claimed,
        update.size,
        update.validators.etag,
        update.validators.last_modified,
        update.validators.last_modified_strong,
        update.transferred,
        update.completed,
        update.verification,
        update.device,
        update.inode,
        encode_error(update.error),
        _report_text(update.report),
        _ranges_text(update.filled),
        None if update.requested is None else json.dumps(_pairs(update.requested)),
        update.validation_state,
        upload_text(update.upload),
        file_key(seq, update.index),
    )


def file_of(job_id: str, row: Row) -> File:
    """The file of a row of SELECT_FILE."""
    (
        key, url, root, path, destination, digests, partial_name, claimed, size, etag,
        last_modified, last_modified_strong, transferred, completed, verification, device, inode,
        error, extra, report, filled, requested, validation_state, upload,
    ) = row  # fmt: skip
    ranges, mirrors, expected = ((), (), None) if extra is None else _extra(extra)
    return File(
        job_id=job_id,
        index=key & MAXIMUM_INDEX,
        spec=FileSpec(
            url,
            root,
            path,
            destination,
            () if digests is None else _digests(digests),
            ranges,
            mirrors,
            expected,
        ),
        partial_name=partial_name,
        claimed=claimed,
        size=size,
        validators=Validators(etag, last_modified, last_modified_strong != 0),
        transferred=transferred != 0,
        completed=completed != 0,
        verification=_VERIFICATIONS[verification],
        device=device,
        inode=inode,
        error=error_of(error),
        report=NO_REPORT if report is None else _report(report),
        filled=() if filled is None else _ranges(json.loads(filled)),
        requested=() if requested is None else _ranges(json.loads(requested)),
        validation_state=None if validation_state is None else validation_state != 0,
        upload=None if upload is None else upload_of(upload),
    )


def _digests(text: str) -> tuple[Digest, ...]:
    return tuple(
        Digest(DigestAlgorithm(algorithm), bytes.fromhex(value))
        for algorithm, value in json.loads(text)
    )


def _digests_text(spec: FileSpec) -> str | None:
    if not spec.digests:
        return None
    return json.dumps([[int(digest.algorithm), digest.value.hex()] for digest in spec.digests])


def _ranges(values: Sequence[Sequence[int | None]]) -> tuple[FileRange, ...]:
    return tuple(
        FileRange(exactly(int, offset), None if length is None else exactly(int, length))
        for offset, length in values
    )


def _pairs(ranges: Sequence[FileRange]) -> list[tuple[int, int | None]]:
    return [(one.offset, one.length) for one in ranges]


def _ranges_text(ranges: Sequence[FileRange]) -> str | None:
    return json.dumps(_pairs(ranges)) if ranges else None


def _extra_text(spec: FileSpec) -> str | None:
    if not spec.ranges and not spec.mirrors and spec.size is None:
        return None
    size = [] if spec.size is None else [spec.size]
    return json.dumps([_pairs(spec.ranges), spec.mirrors, *size])


def _extra(text: str) -> tuple[tuple[FileRange, ...], tuple[str, ...], int | None]:
    ranges, mirrors, *size = json.loads(text)
    urls = tuple(exactly(str, url) for url in mirrors)
    return _ranges(ranges), urls, exactly(int, *size) if size else None


def _report_text(report: FileReport) -> str | None:
    if report is NO_REPORT or report == NO_REPORT:
        return None
    headers = [[header.name, header.value] for header in report.response_headers]
    sources = [[source.url, source.bytes] for source in report.sources]
    return json.dumps([headers, report.final_url, sources])


def _report(text: str) -> FileReport:
    headers, final_url, sources = json.loads(text)
    return FileReport(
        tuple(HttpHeader(exactly(str, name), exactly(str, value)) for name, value in headers),
        exactly(str, final_url),
        tuple(SourceBytes(exactly(str, url), exactly(int, count)) for url, count in sources),
    )


def upload_text(upload: Upload | None) -> str | None:
    """What is known of an upload, as JSON."""
    if upload is None:
        return None
    source = upload.source
    known = source and [source.device, source.inode, source.size, source.modified]
    protocol = upload.protocol and int(upload.protocol)
    there = [known, upload.session, protocol, upload.reply, upload.reply_size]
    return json.dumps([*there, *upload.parts])


def upload_of(text: str) -> Upload:
    """The upload of its JSON."""
    source, session, protocol, reply, reply_size, *parts = json.loads(text)
    known = None
    if source is not None:
        device, inode, size, modified = (exactly(int, number) for number in source)
        known = Source(device, inode, size, modified)
    spoken = None if protocol is None else UploadProtocol(protocol)
    there = None if reply_size is None else exactly(int, reply_size)
    etags = tuple(exactly(str, part) for part in parts)
    return Upload(known, exactly(str, session), spoken, exactly(str, reply), there, etags)
