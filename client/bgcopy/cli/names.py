"""A safe name for a file, out of what a list calls it. The daemon has the same rule."""

from __future__ import annotations

import re
import unicodedata

_UNWELCOME = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE)
# Of 255 bytes, less what a temporary name adds.
_LONGEST = 220
_LONGEST_ENDING = 16


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
