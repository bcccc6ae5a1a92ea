"""URL schemes: which there are, who may use them, what their URLs are like."""

from __future__ import annotations

import pytest

from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.rules import url_problem
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.jobs.schemes import SCHEMES
from bgcopyd.queue.judging import Configured, judge_urls
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.wire.schemes import dialect_of, spoken


def test_every_scheme_has_a_dialect() -> None:
    store = S3Store("x", "https://s3.test", "r")
    for scheme in SCHEMES:
        dialect = dialect_of(Origin(scheme, "bucket", 1), [store])
        assert dialect is not None
        assert dialect is dialect_of(Origin(scheme, "bucket", 2), [store])
    assert dialect_of(Origin("s3", "bucket", 443), []) is None


def test_what_libcurl_was_built_with_decides() -> None:
    assert spoken() == SCHEMES.keys()
    assert spoken(["http", "https", "ftp"]) == {"http", "https", "ftp", "ftpes", "s3"}


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("gopher://a/b", "'gopher'"),
        ("ftp://a/", "directory"),
        ("ftp://a", "directory"),
        ("ftp://a/b;type=a", ";type="),
        ("ftp://a/b?c", "'?'"),
        ("ftp://a/b#c", "'#'"),
        ("ftp://a/b%0D%0ADELE%20b", "control"),
        ("ftp://a/b%7f", "control"),
        ("ftp://u:p@a/b", "user information"),
        ("ftps://u@a/b", "user information"),
        ("ftpes://a:0/b", "port 0"),
        ("ftp://a:99999/b", "malformed"),
        ("ftp:///b", "no host"),
        ("ftp://[fe80::1%25eth0]/b", "zone"),
        ("https://[fe80::1%25eth0]/b", "zone"),
        ("http://a%00b/", "encoded host"),
        ("s3://Bucket/b", "no bucket"),
        ("s3://ab/b", "no bucket"),
        ("s3://bucket:9000/b", "no bucket"),
        ("s3://key:secret@bucket/b", "user information"),
        ("s3://bucket", "directory"),
        ("s3://bucket/", "directory"),
        ("s3://bucket/a/../b", "'..'"),
        ("s3://bucket/a/%2e/b", "'..'"),
        ("s3://bucket/b?versionId=1", "'?'"),
        ("s3://bucket/b%00", "control"),
    ],
)
def test_urls_that_mean_nothing_or_too_much(url: str, word: str) -> None:
    assert word in url_problem(url)


@pytest.mark.parametrize(
    "url",
    ["ftp://a/b", "FTPS://a/b%20c", "ftpes://[::1]:2121/%2Fetc/b", "sftp://a/~/b", "s3://b.c/d//e"],
)
def test_urls_of_files(url: str) -> None:
    assert not url_problem(url)


@pytest.mark.parametrize(
    ("url", "reason", "word"),
    [
        ("ftps://a/b", Reason.URL_INVALID, "`schemes`"),
        ("FTP://a/b", Reason.NOT_SUPPORTED, "built without"),
        ("s3://unknown/b", Reason.URL_INVALID, "`s3_stores`"),
        ("s3://bucket/b", None, ""),
        ("http://a/b", None, ""),
    ],
)
def test_who_may_use_them(url: str, reason: Reason | None, word: str) -> None:
    configured = Configured(
        url_schemes=("http", "ftp", "s3"),
        spoken=("http", "ftps", "s3"),
        has_bucket=lambda bucket: bucket == "bucket",
    )
    if reason is None:
        judge_urls([("remote_url", url)], configured)
        return
    with pytest.raises(Refusal) as caught:
        judge_urls([("remote_url", url)], configured)
    assert caught.value.reason is reason
    assert word in str(caught.value)
    assert [one.field for one in caught.value.violations] == ["remote_url"]
