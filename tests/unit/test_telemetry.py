from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest

from bgcopyd.telemetry import configure_logging, redact

TOKEN = "bgc_dGhpcyBpcyBub3QgYSB0b2tlbg-_1"


@pytest.fixture
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"token {TOKEN} was used", "token bgc_*** was used"),
        (f"token {TOKEN.replace('bgc', 'bgl')} was used", "token bgl_*** was used"),
        ("refused eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0. of", "refused *** of"),
        ("jwt:https://login.example.org#anna took", "jwt:https://login.example.org#anna took"),
        (f"authorization: Bearer {TOKEN}", "authorization: ***"),
        ("Authorization: Basic dXNlcjpwYXNz end", "Authorization: *** end"),
        ("('authorization', 'Bearer abcdef')", "('authorization', '***')"),
        ('{"authorization": "secret"}', '{"authorization": "***"}'),
        ("Set-Cookie: session=abc; Path=/", "Set-Cookie: ***; Path=/"),
        ("sent X-Api-Key: abc to it", "sent X-Api-Key: *** to it"),
        ("got bearer abc.def.ghi", "got bearer ***"),
        ("https://u:p@host/a?sig=1#f", "https://***@host/a?***"),
        ("GET http://host/a#frag", "GET http://host/a#***"),
        ("'ftp://me@host/x'", "'ftp://***@host/x'"),
        ("http://host?x=1 and http://host/y", "http://host?*** and http://host/y"),
        ("https://host/@scope/pkg", "https://host/@scope/pkg"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_redact(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.usefixtures("root_logger")
def test_text_line_names_the_job_and_cannot_be_forged() -> None:
    stream = io.StringIO()
    configure_logging("info", "text", stream)
    logging.getLogger("bgcopyd.x").info("server said %s", "a\nERROR b", extra={"job_id": "j1"})
    logging.getLogger("bgcopyd.x").debug("not shown")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("INFO bgcopyd.x: server said a\\nERROR b [job j1]")


@pytest.mark.usefixtures("root_logger")
def test_json_lines_are_free_of_secrets_even_in_a_traceback() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    broken = RuntimeError(f"https://u:p@host/?q=1 {TOKEN}")
    logging.getLogger("bgcopyd.x").error("it broke", exc_info=broken, extra={"job_id": "j1"})
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert set(entry) == {"time", "level", "logger", "message", "job_id", "exception"}
    assert (entry["level"], entry["message"], entry["job_id"]) == ("error", "it broke", "j1")
    assert entry["time"].endswith("Z")
    assert "https://***@host/?*** bgc_***" in entry["exception"]
    assert "dGhp" not in line


@pytest.mark.usefixtures("root_logger")
def test_warnings_go_to_the_log() -> None:
    stream = io.StringIO()
    configure_logging("info", "text", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert "old way" in stream.getvalue()
