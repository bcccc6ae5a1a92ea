"""Rules of single values. Each returns what is wrong and the way out, or an empty string."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from bgcopyd.jobs import limits
from bgcopyd.jobs.file import FileRange
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.schemes import SCHEMES, bucket_problem, path_problem
from bgcopyd.jobs.spans import ENDLESS, end_of

# What an operator names: roots, certificates, bundles.
STORE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

# RFC 9562 section 4, hyphens where they belong.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SPACE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_PRINCIPAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
# RFC 9110 section 9.1, upper case as all registered methods are.
_METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")
_LABEL_KEY = re.compile(r"[a-z0-9._/-]+")
# RFC 3986 section 2: what is not in the set must be percent-encoded.
_URL_CHARACTERS = re.compile(r"[!#-;=?-\[\]_a-z|~{}^`$]*", re.ASCII)


# What most URLs look like; the rules below find nothing wrong with one, and take ten times longer.
_PLAIN_URL = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[1-9][0-9]{0,3})?(?:/[!#-;=?-Z_a-z|~{}^`$]*)?", re.ASCII
)


def job_id_of(text: str) -> str | None:
    """The canonical form of a job id, or None: upper case and braces are accepted as input."""
    if text[:1] == "{" and text[-1:] == "}":
        text = text[1:-1]
    return text.lower() if _UUID.fullmatch(text) else None


def url_problem(url: str) -> str:
    """Judges a remote URL (RFC 3986, RFC 9110 section 4.2; length as BITS)."""
    if len(url) <= limits.URL_CHARACTERS and _PLAIN_URL.fullmatch(url):
        return ""
    return _url_text_problem(url) or _url_parts_problem(url)


def _url_text_problem(url: str) -> str:
    if not url:
        return "is missing"
    if len(url) > limits.URL_CHARACTERS:
        return f"has {len(url)} characters; at most {limits.URL_CHARACTERS} are allowed"
    if _SPACE_OR_CONTROL.search(url):
        return "has a space or control character; percent-encode it"
    if not _URL_CHARACTERS.fullmatch(url):
        return "has a character that must be percent-encoded (host names as punycode)"
    return ""


def _url_parts_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is malformed; its host or port cannot be read"
    scheme = SCHEMES.get(parts.scheme)
    if scheme is None:
        return f"has the scheme '{parts.scheme[:32]}'; this server knows {', '.join(SCHEMES)}"
    problems = (
        ("@" in parts.netloc, "has user information; credentials do not belong into a URL"),
        (not parts.hostname, "has no host"),
        ("%" in parts.netloc, "has an IPv6 zone or an encoded host; name the host plainly"),
        (port == 0, "has port 0"),
    )
    problem = next((problem for is_wrong, problem in problems if is_wrong), "")
    problem = problem or (bucket_problem(parts) if scheme.bucket else "")
    return problem or (path_problem(parts) if scheme.path else "")


def display_name_problem(name: str) -> str:
    """Judges a display name."""
    if not name:
        return "is missing; give the job a name of 1 to 256 characters"
    return _text_problem(name, limits.DISPLAY_NAME_CHARACTERS)


def description_problem(description: str) -> str:
    """Judges a description; line breaks and tabs are allowed."""
    plain = description.replace("\n", " ").replace("\t", " ")
    return _text_problem(plain, limits.DESCRIPTION_CHARACTERS)


def _text_problem(text: str, limit: int) -> str:
    if len(text) > limit:
        return f"has {len(text)} characters; at most {limit} are allowed"
    if _CONTROL.search(text):
        return "has a control character"
    return ""


def labels_problem(labels: Mapping[str, str]) -> str:
    """Judges labels."""
    if len(labels) > limits.LABELS:
        return f"has {len(labels)} labels; at most {limits.LABELS} are allowed"
    for key, value in labels.items():
        if len(key) > limits.LABEL_KEY_CHARACTERS or not _LABEL_KEY.fullmatch(key):
            return (
                f"has a key of other than 1 to {limits.LABEL_KEY_CHARACTERS} characters "
                "out of a-z 0-9 . _ - /"
            )
        problem = _text_problem(value, limits.LABEL_VALUE_CHARACTERS)
        if problem:
            return f"the value of '{key}' {problem}"
    return ""


def method_problem(method: str) -> str:
    """Judges the method of a job's requests; empty means GET."""
    if method and not _METHOD.fullmatch(method):
        return "is no method: up to 32 upper-case letters, as POST"
    if method in {"CONNECT", "HEAD", "TRACE"}:
        return f"is {method}, whose answer is no file"
    return ""


def store_name_problem(name: str) -> str:
    """Judges the name of a configured certificate or bundle; empty means none."""
    if name and not STORE_NAME.fullmatch(name):
        return "is no name of a configured one: up to 63 of a-z 0-9 _ -"
    return ""


def root_name_problem(name: str) -> str:
    """Judges the name of a root."""
    if STORE_NAME.fullmatch(name):
        return ""
    return "is no name of a root: up to 63 of a-z 0-9 _ -"


def ranges_problem(
    ranges: Sequence[FileRange], *, overlap: bool = False
) -> tuple[Reason, str] | None:
    """Judges ranges of a remote file by themselves: each holds bytes, and no byte is in two."""
    spans = []
    for one in ranges:
        if one.offset < 0 or (one.length is not None and one.length < 1):
            return Reason.RANGE_INVALID, "has a range without bytes or with a negative offset"
        end = end_of(one)
        if end > ENDLESS:
            return Reason.RANGE_INVALID, "has a range beyond the end of any file"
        spans.append((one.offset, end))
    spans.sort()
    if not overlap and any(later < end for (_, end), (later, _) in itertools.pairwise(spans)):
        return Reason.RANGES_OVERLAP, "has ranges that overlap; ask for each byte once"
    return None


def principal_name_problem(name: str) -> str:
    """Judges the name that a token stands for."""
    if _PRINCIPAL_NAME.fullmatch(name):
        return ""
    return (
        "is no name; write up to 128 letters, digits and . _ @ + -, beginning with a letter or "
        "digit"
    )
