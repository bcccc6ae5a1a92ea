"""Admission, mounts, redirects and the tables of failures."""

from __future__ import annotations

import errno
import functools
from pathlib import Path

import pycurl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer import failures
from bgcopyd.transfer.disk.mounts import MountTable
from bgcopyd.transfer.judging.redirects import Origin, RedirectRefused, follow, origin_of
from bgcopyd.transfer.network.admission import Admission, Lane


class Door:
    """An Admission, and the names of those that it has let in."""

    def __init__(self, *, per_host: int = 2, per_owner: int = 0, total: int = 100) -> None:
        self.admission = Admission(per_host=per_host, per_owner=per_owner, total=total)
        self.granted: list[str] = []

    def wish(self, lane: Lane, *names: str, wanted: bool = True) -> None:
        for name in names:
            self.admission.request(lane, functools.partial(self._grant, name, wanted))

    def _grant(self, name: str, wanted: bool) -> bool:  # noqa: FBT001 - of partial
        if wanted:
            self.granted.append(name)
        return wanted

    def admitted(self) -> str:
        """Whom one more look lets in."""
        self.granted.clear()
        self.admission.admit()
        return "".join(self.granted)


def lane(host: str = "one", owner: str = "anna", *, foreground: bool = False) -> Lane:
    return Lane(Origin("http", host, 80), owner, foreground)


def test_admission_counts_per_host_and_in_all() -> None:
    door = Door(per_host=2, total=3)
    one, two = lane("one"), lane("two")
    door.wish(one, "gone", wanted=False)
    door.wish(one, "a", "b", "c")
    door.wish(two, "x", "y", "z")
    assert door.admitted() == "axb"
    assert door.admitted() == ""
    door.admission.release(one)
    assert door.admitted() == "y"
    door.admission.release(two)
    door.admission.release(two)
    assert door.admitted() == "cz"


def test_admission_gives_owners_turns_and_bounds_them() -> None:
    anna, bert = lane(owner="anna"), lane(owner="bert")
    door = Door(per_host=3, per_owner=2)
    door.wish(anna, "a", "b", "c")
    door.wish(bert, "x")
    assert door.admitted() == "axb"
    door.admission.release(bert)
    assert door.admitted() == ""
    door.admission.release(anna)
    assert door.admitted() == "c"
    # The bound is for all hosts together.
    door.wish(lane("two", "anna"), "d")
    assert door.admitted() == ""


def test_foreground_has_slots_of_its_own() -> None:
    door = Door(per_host=2, per_owner=2, total=8)
    front = lane(foreground=True)
    for number in range(9):
        door.wish(lane(str(number), str(number)), str(number))
    door.wish(front, "f", "g", "h")
    # First the foreground, two to the host; the background leaves an eighth of all to it.
    assert door.admitted() == "fg012345"
    door.admission.release(lane("0", "0"))
    door.admission.release(lane("1", "1"))
    assert door.admitted() == "67"
    door.admission.release(front)
    assert door.admitted() == "h"
    assert Door(total=1).admission._background == 1


def test_owners_are_bounded_in_the_foreground_too() -> None:
    door = Door(per_owner=1)
    door.wish(lane("one", foreground=True), "f", "g")
    door.wish(lane("two", foreground=True), "h")
    door.wish(lane("one"), "a", "b")
    door.wish(lane("one", "bert", foreground=True), "x")
    assert sorted(door.admitted()) == ["a", "f", "x"]


def test_background_never_takes_what_is_kept_for_foreground() -> None:
    door = Door(total=8)
    for number in range(9):
        door.wish(lane(str(number)), str(number))
    assert door.admitted() == "0123456"
    door.wish(lane("0", foreground=True), "f")
    assert door.admitted() == "f"


def test_mounts(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "1 0 8:1 / / rw - ext4 /dev/a rw\n"
        "2 1 8:2 / /mnt rw - ext4 /dev/b rw\n"
        "3 2 8:3 / /mnt/with\\040space rw - ext4 /dev/c rw\n"
    )
    mounts = MountTable(table)
    for path, device in {
        "/": "8:1",
        "/srv/x": "8:1",
        "/mnt": "8:2",
        "//mnt/a": "8:2",
        "/mntx": "8:1",
        "/mnt/a/b": "8:2",
        "/mnt/with space/f": "8:3",
    }.items():
        assert mounts.volume_of(path) == device
    assert MountTable(tmp_path / "absent").volume_of("/x") == ""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/x", Origin("http", "h", 80)),
        ("https://H:8443/x", Origin("https", "h", 8443)),
        ("http://[::1]:80/x", Origin("http", "::1", 80)),
    ],
)
def test_origins(url: str, expected: Origin) -> None:
    assert origin_of(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "gopher://h/",
        "http:///x",
        "http://u@h/",
        "http://h:99999/",
        "http://h/ x",
        "http://h/\n",
        "x",
        "http://ü/",
    ],
)
def test_no_origins(url: str) -> None:
    with pytest.raises(ValueError):
        origin_of(url)


def test_follow() -> None:
    assert follow("http://h/a/b?q", "../c", set(), 10) == "http://h/c"
    assert follow("http://h/a", "//other/x#f", set(), 10) == "http://other/x"
    assert follow("http://h/a", "https://h/a", {"http://h/a"}, 10) == "https://h/a"
    assert follow("http://h/a", "/\xc3\xa4", set(), 10) == "http://h/%C3%A4"
    for location in ("http://h/a", "file:///x", "http://u:p@h/", "http://[", "http://h:x/"):
        with pytest.raises(RedirectRefused):
            follow("http://h/a", location, {"http://h/a"}, 10)
    with pytest.raises(RedirectRefused):
        follow("https://h/a", "http://h/b", set(), 10)


@given(st.text(max_size=60))
def test_any_location(location: str) -> None:
    try:
        target = follow("http://h/a", location, {"http://h/a"}, 10)
    except RedirectRefused:
        return
    assert target.isascii()
    origin_of(target)


@pytest.mark.parametrize(
    ("status", "transient"),
    [
        (400, False), (401, False), (403, False), (404, False), (407, False), (408, True),
        (409, True), (410, False), (416, False), (423, True), (425, True), (429, True),
        (451, False), (500, True), (501, False), (502, True), (503, True), (504, True),
        (505, False), (507, True), (599, True),
    ],
)  # fmt: skip
def test_status_classes(status: int, transient: bool) -> None:  # noqa: FBT001 - a table's column
    failure = failures.of_status(status, "host.example", 5.0)
    assert (failure.transient, failure.http_status, failure.retry_after) == (transient, status, 5.0)
    assert failure.reason is Reason.HTTP_STATUS
    assert "host.example" in failure.message
    assert str(status) in failure.message


@pytest.mark.parametrize("status", [401, 407])
def test_credentials_are_named(status: int) -> None:
    assert "credentials" in failures.of_status(status, "h").message


@pytest.mark.parametrize(
    ("code", "reason", "transient"),
    [
        (pycurl.E_COULDNT_RESOLVE_HOST, Reason.NAME_NOT_RESOLVED, True),
        (pycurl.E_COULDNT_CONNECT, Reason.CONNECT_FAILED, True),
        (pycurl.E_OPERATION_TIMEDOUT, Reason.TIMEOUT, True),
        (pycurl.E_PEER_FAILED_VERIFICATION, Reason.TLS_FAILED, False),
        (pycurl.E_SSL_CONNECT_ERROR, Reason.TLS_FAILED, True),
        (pycurl.E_PARTIAL_FILE, Reason.CONNECTION_CLOSED, True),
        (pycurl.E_RECV_ERROR, Reason.CONNECTION_CLOSED, True),
        (pycurl.E_GOT_NOTHING, Reason.CONNECTION_CLOSED, True),
        (pycurl.E_UNSUPPORTED_PROTOCOL, Reason.INVALID_RESPONSE, True),
        (pycurl.E_URL_MALFORMAT, Reason.INVALID_RESPONSE, False),
        (92, Reason.CONNECTION_CLOSED, True),
    ],
)
def test_curl_codes(code: int, reason: Reason, transient: bool) -> None:  # noqa: FBT001 - likewise
    failure = failures.of_curl(code, "detail of libcurl", "host")
    assert (failure.reason, failure.transient) == (reason, transient)
    assert ("detail" in failure.message) == (reason is Reason.TLS_FAILED)


@pytest.mark.parametrize(
    ("code", "reason", "transient"),
    [
        (errno.ENOSPC, Reason.DISK_FULL, True),
        (errno.EDQUOT, Reason.DISK_FULL, True),
        (errno.EIO, Reason.DISK_ERROR, True),
        (errno.EROFS, Reason.DISK_ERROR, True),
        (errno.ESTALE, Reason.DISK_ERROR, True),
        (errno.EACCES, Reason.DISK_ERROR, False),
        (errno.EFBIG, Reason.DISK_ERROR, False),
    ],
)
def test_disk_errors(code: int, reason: Reason, transient: bool) -> None:  # noqa: FBT001 - likewise
    failure = failures.of_os_error(OSError(code, "what the system says"), "data")
    assert (failure.reason, failure.transient) == (reason, transient)
    assert "what the system says" in failure.message
