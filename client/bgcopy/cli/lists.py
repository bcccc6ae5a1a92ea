"""Lists of files to fetch, as other programs write them and as we do; read and written here.

- `urls`: one URL a line, and after white space the file to write.
- `aria2`: input and session files of aria2: mirrors of a file with tabs between, then indented
  options, of which out, dir, checksum, header, max-download-limit and all-proxy are used.
- `jsonl`: one object a line: url, path, root, mirrors, size, and digests as sha256, sha512, blake3,
  sha1 and md5.
- `csv`: a first line with the names of columns: url, and any others of jsonl's names (mirrors with
  spaces between).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from bgcopy import Digest, DigestAlgorithm
from bgcopy.cli.options import DIGESTS, checksum

COLUMNS = ("url", "path", "root", "size", *DIGESTS, "mirrors")
# One digest a file is all that aria2 takes; the best that both of us know.
_ARIA2_DIGESTS = {
    DigestAlgorithm.SHA256: "sha-256",
    DigestAlgorithm.SHA512: "sha-512",
    DigestAlgorithm.SHA1: "sha-1",
    DigestAlgorithm.MD5: "md5",
}
_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".meta4": "metalink",
    ".metalink": "metalink",
}
# aria2 has many more, which belong to its own work and change nothing of the file.
_ARIA2_USED = ("out", "dir", "checksum", "header", "max-download-limit", "all-proxy")


@dataclass(frozen=True)
class Entry:
    """One file of a list. `options` are those of its job, by our names of properties."""

    url: str
    path: str = ""
    root: str = ""
    digests: tuple[Digest, ...] = ()
    mirrors: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None


def read(text: str, form: str) -> list[Entry]:
    """The entries of a list.

    Raises:
        click.UsageError: a line is malformed; the message names it.
    """
    return list(_READERS[form](text))


def write(entries: Iterable[Entry], form: str) -> str:
    """Entries as a list."""
    return _WRITERS[form](entries)


def form_of(name: str, text: str) -> str:
    """Which form a list has, by its file's name and its first line."""
    for ending, form in _ENDINGS.items():
        if name.lower().endswith(ending):
            return form
    lines = text.lstrip("\ufeff \t\r\n").splitlines() or [""]
    if lines[0].startswith("<"):
        return "metalink"
    if lines[0].startswith("{"):
        return "jsonl"
    if "url" in lines[0].lower().split(","):
        return "csv"
    return "aria2" if any(line[:1] in {" ", "\t"} for line in lines) else "urls"


def _wrong(number: int, problem: str) -> click.UsageError:
    return click.UsageError(f"line {number}: {problem}")


def _urls(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        words = line.strip().split(maxsplit=1)
        if words and not words[0].startswith("#"):
            yield Entry(words[0], words[1] if len(words) > 1 else "")


def _aria2(text: str) -> Iterator[Entry]:
    urls: list[str] = []
    options: dict[str, list[str]] = {}
    began = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        indented = line[:1] in {" ", "\t"}
        if line.startswith("#") or (not line.strip() and number <= len(text.splitlines())):
            continue
        if not indented:
            if urls:
                yield _of_aria2(urls, options, began)
            urls, options, began = line.split("\t"), {}, number
            continue
        name, equals, value = line.strip().partition("=")
        if not urls or not equals:
            raise _wrong(number, "is an option (indented NAME=VALUE) of no URL")
        options.setdefault(name, []).append(value)


def _of_aria2(urls: list[str], options: Mapping[str, list[str]], number: int) -> Entry:
    last = {name: values[-1] for name, values in options.items()}
    directory, out = last.get("dir", ""), last.get("out", "")
    algorithm, _, digits = last.get("checksum", "").partition("=")
    digests = (_digest(f"{algorithm}:{digits}", number),) if algorithm else ()
    properties: dict[str, Any] = {}
    if options.get("header"):
        properties["headers"] = tuple(options["header"])
    if last.get("max-download-limit", "0") != "0":
        properties["max_bytes_per_second"] = last["max-download-limit"]
    if last.get("all-proxy"):
        properties["proxy"] = last["all-proxy"]
    path = f"{directory}/{out}" if directory and out else out or (f"{directory}/" * bool(directory))
    return Entry(urls[0].strip(), path, "", digests, tuple(urls[1:]), properties)


def _digest(text: str, number: int) -> Digest:
    try:
        return checksum(text)
    except click.BadParameter as problem:
        raise _wrong(number, f"checksum: {problem.message}") from None


def _jsonl(text: str) -> Iterator[Entry]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError:
            raise _wrong(number, "is no JSON") from None
        if not isinstance(values, dict):
            raise _wrong(number, "is no JSON object")
        yield _of_values(values, number)


def _csv(text: str) -> Iterator[Entry]:
    rows = csv.reader(io.StringIO(text))
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if "url" not in names:
            raise _wrong(1, "names no column 'url'; the first line of a CSV list names its columns")
        for row in rows:
            if row:
                yield _of_row(names, row, rows.line_num)
    except csv.Error as problem:
        raise _wrong(rows.line_num, f"is no CSV: {problem}") from None


def _of_row(names: Sequence[str], row: Sequence[str], number: int) -> Entry:
    if len(row) > len(names):
        raise _wrong(number, f"has {len(row)} values for {len(names)} columns")
    values = {name: value.strip() for name, value in zip(names, row, strict=False)}
    return _of_values({**values, "mirrors": values.get("mirrors", "").split()}, number)


def _of_values(values: Mapping[str, Any], number: int) -> Entry:
    unknown = sorted(set(values) - set(COLUMNS))
    if unknown:
        raise _wrong(number, f"has the unknown name {unknown[0]!r}; known are {', '.join(COLUMNS)}")
    texts = {name: values.get(name) or "" for name in COLUMNS if name not in {"mirrors", "size"}}
    mirrors = values.get("mirrors") or []
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    if wrong or not isinstance(mirrors, list) or not all(isinstance(one, str) for one in mirrors):
        raise _wrong(number, f"{(wrong or ['mirrors'])[0]} has a value of the wrong type")
    if not texts["url"]:
        raise _wrong(number, "has no url")
    digests = tuple(_digest(f"{name}:{texts[name]}", number) for name in DIGESTS if texts[name])
    size = _size(values.get("size"), number)
    return Entry(texts["url"], texts["path"], texts["root"], digests, tuple(mirrors), size=size)


def _size(value: object, number: int) -> int | None:
    if value is None or value == "":
        return None
    if not re.fullmatch(r"[0-9]{1,18}", str(value)) or isinstance(value, bool):
        raise _wrong(number, "has a size that is no number of bytes")
    return int(str(value))


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "url": entry.url,
        "path": entry.path,
        "root": entry.root,
        **{one.algorithm.name.lower(): one.value for one in entry.digests},
        "mirrors": list(entry.mirrors),
        **({} if entry.size is None else {"size": entry.size}),
    }


def _to_jsonl(entries: Iterable[Entry]) -> str:
    rows = (
        {name: value for name, value in _row(entry).items() if value or name == "size"}
        for entry in entries
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


def _to_csv(entries: Iterable[Entry]) -> str:
    out = io.StringIO()
    rows = [{**_row(entry), "mirrors": " ".join(entry.mirrors)} for entry in entries]
    used = {"url", "path", "root", "sha256", "mirrors"}.union(*rows)
    writer = csv.DictWriter(
        out, [name for name in COLUMNS if name in used], restval="", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _to_aria2(entries: Iterable[Entry]) -> str:
    lines = []
    for entry in entries:
        lines.append("\t".join((entry.url, *entry.mirrors)))
        directory, _, out = entry.path.rpartition("/")
        lines += [f"  dir={directory}"] * bool(directory) + [f"  out={out}"] * bool(out)
        values = {one.algorithm: one.value for one in entry.digests}
        known = [f"{_ARIA2_DIGESTS[one]}={values[one]}" for one in _ARIA2_DIGESTS if one in values]
        lines += [f"  checksum={text}" for text in known[:1]]
    return "".join(line + "\n" for line in lines)


def _to_urls(entries: Iterable[Entry]) -> str:
    return "".join(f"{entry.url} {entry.path}".rstrip() + "\n" for entry in entries)


_READERS: Mapping[str, Callable[[str], Iterator[Entry]]] = {
    "urls": _urls,
    "aria2": _aria2,
    "jsonl": _jsonl,
    "csv": _csv,
}
_WRITERS: Mapping[str, Callable[[Iterable[Entry]], str]] = {
    "urls": _to_urls,
    "aria2": _to_aria2,
    "jsonl": _to_jsonl,
    "csv": _to_csv,
}
FORMS = tuple(_READERS)
