"""The daemon's log: lines for people or for machines, free of secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

_TOKEN = re.compile(r"(bg[cl]_)[A-Za-z0-9_-]+")
_SIGNED = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_BEARER = re.compile(r"\b(bearer)\s+[^\s'\",;)]+", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"(\b(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key)\b['\"]?\s*[:=,]\s*['\"]?)(?:(?:bearer|basic|digest)\s+)?[^\s'\",;)]+",
    re.IGNORECASE,
)
# The id of an owner, which begins with jwt:, tells by its fragment who he is.
_URL = re.compile(r"(?<!jwt:)\b([a-z][a-z0-9+.-]*://)([^\s'\"<>]+)", re.IGNORECASE)
_HIDDEN = "***"


def redact(text: str) -> str:
    """The text without tokens, authorization values, userinfo and query strings of URLs."""
    text = _AUTHORIZATION.sub(rf"\1{_HIDDEN}", text)
    text = _BEARER.sub(rf"\1 {_HIDDEN}", text)
    text = _SIGNED.sub(_HIDDEN, _TOKEN.sub(rf"\1{_HIDDEN}", text))
    return _URL.sub(_redact_url, text)


def _redact_url(match: re.Match[str]) -> str:
    scheme, rest = match[1], match[2]
    rest, fragment_mark, _ = rest.partition("#")
    rest, query_mark, _ = rest.partition("?")
    authority, slash, path = rest.partition("/")
    _, at, host = authority.rpartition("@")
    shown = f"{_HIDDEN}@{host}" if at else authority
    hidden = f"?{_HIDDEN}" if query_mark else f"#{_HIDDEN}" if fragment_mark else ""
    return f"{scheme}{shown}{slash}{path}{hidden}"


class TextFormatter(logging.Formatter):
    """One line for people: time, level, logger, message and the job where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, redacted as a whole with its traceback."""
        when = _moment(record).strftime("%Y-%m-%d %H:%M:%S")
        job = getattr(record, "job_id", None)
        suffix = f" [job {job}]" if job else ""
        line = f"{when} {record.levelname} {record.name}: {_one_line(record.getMessage())}{suffix}"
        trace = _trace(self, record)
        return redact(f"{line}\n{trace}" if trace else line)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, its texts redacted."""
        fields = {
            "time": _moment(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        job = getattr(record, "job_id", None)
        if job:
            fields["job_id"] = str(job)
        trace = _trace(self, record)
        if trace:
            fields["exception"] = redact(trace)
        return json.dumps(fields, ensure_ascii=False)


def _one_line(message: str) -> str:
    """The message with control characters escaped: what a server sends must not forge lines."""
    if message.isprintable():
        return message
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def configure_logging(
    level: str, style: Literal["text", "json"], stream: TextIO | None = None
) -> None:
    """Sends all logging to one stream (stderr), once and before grpc opens its first channel."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
