"""A safe name for a file, out of what a server or a URL calls it. Pure."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from bgcopyd.jobs.limits import PATH_COMPONENT_BYTES

# RFC 6266 section 4.1, with RFC 8187 for the extended form.
_EXTENDED = re.compile(
    r";[ \t]*filename\*[ \t]*=[ \t]*(utf-8|iso-8859-1)'[^']*'([^;\s\"]+)", re.IGNORECASE
)
_PLAIN = re.compile(
    r";[ \t]*filename[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([^;\s\"]+))", re.IGNORECASE
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_UNWELCOME = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE)
# Leaves room for what a temporary name adds.
_LONGEST = PATH_COMPONENT_BYTES - 35
_LONGEST_ENDING = 16


def suggested_name(disposition: str, url: str) -> str:
    """The name in Content-Disposition, else the last part of the URL's path; may be empty."""
    name = safe_name(disposition_name(disposition))
    return name or safe_name(unquote(urlsplit(url).path.rpartition("/")[2], errors="replace"))


def disposition_name(disposition: str) -> str:
    """The file name that a Content-Disposition gives, as it is written there (RFC 6266)."""
    # What stands within quotation marks is no parameter.
    extended = _EXTENDED.search(_QUOTED.sub('""', disposition))
    if extended is not None:
        encoding = extended[1].lower()
        try:
            return unquote_to_bytes(extended[2]).decode(encoding)
        except UnicodeDecodeError:
            pass
    plain = _PLAIN.search(disposition)
    if plain is None:
        return ""
    if plain[1] is None:
        return _as_utf8(plain[2])
    return _as_utf8(re.sub(r"\\(.)", r"\1", plain[1]))


def _as_utf8(text: str) -> str:
    """Many servers send UTF-8 where ISO-8859-1 is meant to be."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def safe_name(text: str) -> str:
    """Reduces any text to a name that means one visible file everywhere, or to nothing."""
    name = re.split(r"[/\\]", text)[-1]
    name = "".join(one for one in name if unicodedata.category(one)[0] != "C")
    name = _UNWELCOME.sub("_", unicodedata.normalize("NFC", name)).strip(". \t\u00a0")
    if _DEVICE.fullmatch(name.partition(".")[0].strip()):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    raw = name.encode()
    if len(raw) <= _LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}".encode() if len(ending.encode()) <= _LONGEST_ENDING else b""
    head = (stem if tail else name).encode()[: _LONGEST - len(tail)]
    return head.decode(errors="ignore").rstrip(". ") + tail.decode()
