"""S3 stores: what an operator writes of them, and where they have an object."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgcopyd.config import ConfigurationError, load
from bgcopyd.config.s3 import s3_stores
from bgcopyd.jobs.s3 import S3Store, store_of

KEYS = 'access_key_id = "AKIA"\nsecret_access_key = "hidden"\n'


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("s3://bucket/a/b.bin", "a/b.bin"),
        ("s3://bucket/a//b", "a//b"),
        ("s3://bucket/a%20b+c(1)!*'~-_.%C3%BC", "a%20b%2Bc%281%29%21%2A%27~-_.%C3%BC"),
        ("s3://bucket/a%2Fb%ff", "a/b%FF"),
    ],
)
def test_where_an_object_is(url: str, wanted: str) -> None:
    store = S3Store("x", "https://s3.test:9000", "r", path_style=True)
    assert store.url(url) == f"https://s3.test:9000/bucket/{wanted}"
    store = S3Store("x", "https://s3.test", "r")
    assert store.url(url) == f"https://bucket.s3.test/{wanted}"


def test_a_bucket_is_of_the_store_that_names_it() -> None:
    first, others = S3Store("a", "", "r", buckets=("one", "two")), S3Store("b", "", "r")
    assert store_of([others, first], "two") is first
    assert store_of([others, first], "three") is others
    assert store_of([first], "three") is None


def write(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_a_store_in_a_file(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", 'region = "eu-central-1"\n', 0o644)
    full = write(
        tmp_path / "full",
        f'{KEYS}session_token = "t"\nregion = "us-east-1"\nendpoint = "http://localhost:9000/"\n'
        'path_style = true\nbuckets = ["one-bucket", "two.bucket"]\nuploads = true\n'
        'owners = ["user:anna"]\n',
    )
    assert s3_stores({"plain": plain, "full": full}) == (
        S3Store("plain", "https://s3.eu-central-1.amazonaws.com", "eu-central-1"),
        S3Store(
            "full", "http://localhost:9000", "us-east-1", path_style=True,
            buckets=("one-bucket", "two.bucket"), owners=("user:anna",), key_id="AKIA",
            secret="hidden", token="t", uploads=True,
        ),
    )  # fmt: skip
    settings = load({"s3_stores": [f"full={full}"]}, environment={}).settings
    assert settings.s3_stores == {"full": full}
    assert "hidden" not in repr(settings) + repr(s3_stores(settings.s3_stores))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "region"),
        ("x", "no TOML"),
        ('region = "EU!"', "region"),
        ('region = "r"\nregoin = "r"', "regoin"),
        ('region = "r"\nendpoint = "s3.test"', "no endpoint"),
        ('region = "r"\nendpoint = "ftp://s3.test"', "no endpoint"),
        ('region = "r"\nendpoint = "https://s3.test/path"', "no endpoint"),
        ('region = "r"\nendpoint = "https://u:p@s3.test"', "no endpoint"),
        ('region = "r"\npath_style = "yes"', "path_style"),
        ('region = "r"\nbuckets = ["B"]', "no name of a bucket"),
        ('region = "r"\nsecret_access_key = "hidden"', "or neither"),
        ('region = "r"\naccess_key_id = "AKIA"', "or neither"),
        ('region = "r"\naccess_key_id = "a"\nsecret_access_key = "hid den"', "has a space"),
    ],
)
def test_what_is_no_store(tmp_path: Path, content: str, word: str) -> None:
    path = write(tmp_path / "store", content)
    with pytest.raises(ConfigurationError) as caught:
        load({"s3_stores": [f"x={path}"]}, environment={})
    [problem] = caught.value.problems
    assert problem.startswith(f"flag --s3-store: s3_stores: {path}")
    assert word in problem
    assert "hid" not in problem


def test_secrets_are_for_the_daemon_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "store", f'region = "r"\n{KEYS}', 0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        s3_stores({"x": path})


def test_stores_share_no_bucket(tmp_path: Path) -> None:
    named = write(tmp_path / "named", 'region = "r"\nbuckets = ["one-bucket"]')
    other = write(tmp_path / "other", 'region = "r"')
    with pytest.raises(ValueError, match="'one-bucket' is named by a and b"):
        s3_stores({"a": named, "b": named})
    with pytest.raises(ValueError, match="a and b name no buckets"):
        s3_stores({"a": other, "b": other})
