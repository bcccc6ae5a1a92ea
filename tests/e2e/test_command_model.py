"""The commands of the job model against a real daemon and a real server."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path

import blake3
import pytest

import bgcopy
from bgcopy import JobState
from tests.support.cli import MODULE, Command
from tests.support.daemon import DaemonProcess
from tests.support.site import Site, content

SIZE = 100_000


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
def bgcopy_(daemon: DaemonProcess, tmp_path: Path) -> Command:
    return Command(tmp_path, daemon.target)


@pytest.fixture
async def client(daemon: DaemonProcess) -> AsyncIterator[bgcopy.AsyncClient]:
    async with bgcopy.AsyncClient(daemon.target) as connected:
        yield connected


def digest(name: str) -> str:
    return hashlib.sha256(content(name, SIZE)).hexdigest()


async def queued(bgcopy_: Command, site: Site, *options: str, name: str = "f") -> str:
    """A paused job of one file; its id."""
    done = await bgcopy_("add", site.url(name, SIZE), "-o", name, "--paused", *options)
    assert done.code == 0, done.err
    return done.out.strip()


async def test_set_changes_what_it_names(
    bgcopy_: Command, site: Site, client: bgcopy.AsyncClient
) -> None:
    job_id = await queued(bgcopy_, site)
    words = ["priority=high", "limit_rate=2M", "proxy=none", "deadline=+2h", "name=other"]
    done = await bgcopy_("set", job_id, *words, "-H", "X-A: 1", "--secret-header", "X-B: hush")
    assert done.code == 0, done.err
    info = await client.get_job(job_id)
    assert (info.display_name, info.priority) == ("other", bgcopy.Priority.HIGH)
    assert info.max_bytes_per_second == 2 << 20
    assert info.proxy.usage is bgcopy.ProxyUsage.NO_PROXY
    assert [(one.name, one.value, one.secret) for one in info.custom_headers] == [
        ("X-A", "1", False),
        ("X-B", "", True),
    ]
    shown = await bgcopy_("show", "other")
    assert "proxy" in shown.out
    assert "X-B: (secret)" in shown.out
    assert "hush" not in shown.out + done.out + done.err
    again = await bgcopy_("set", job_id, "deadline=", "--json")
    assert again.json["deadline"] is None


async def test_set_names_what_is_wrong(bgcopy_: Command, site: Site) -> None:
    job_id = await queued(bgcopy_, site)
    assert (await bgcopy_("set", job_id, "colour=red")).code == 2
    refused = await bgcopy_("set", job_id, "ca_bundle=unknown", "--json")
    assert refused.code == 2
    assert "ca_bundle" in refused.error["message"]
    await bgcopy_("cancel", job_id)
    late = await bgcopy_("set", job_id, "priority=low")
    assert late.code == 11


async def test_get_sends_headers_and_credentials_and_shows_none(
    bgcopy_: Command, site: Site, client: bgcopy.AsyncClient
) -> None:
    url = site.url("f", SIZE)
    options = ["-H", "X-A: 1", "-u", "anna:hush-hush", "--set", "continue_on_file_error=yes"]
    done = await bgcopy_("get", url, "-o", "f", *options)
    assert done.code == 0, done.err
    assert (bgcopy_.home / "f").read_bytes() == content("f", SIZE)
    (info,) = [one async for one in client.jobs(states={JobState.ACKNOWLEDGED})]
    assert info.credentials == ()  # secrets end with their job
    assert info.continue_on_file_error
    queued = await bgcopy_("add", url, "-o", "g", *options, "--paused")
    assert queued.code == 0, queued.err
    (waits,) = [one async for one in client.jobs(states={JobState.SUSPENDED})]
    assert waits.credentials == (
        bgcopy.CredentialsKey(bgcopy.AuthTarget.SERVER, bgcopy.AuthScheme.BASIC),
    )
    assert "hush" not in done.out + done.err + queued.out + queued.err + repr((info, waits))


async def test_a_password_is_needed_and_nobody_can_be_asked(bgcopy_: Command, site: Site) -> None:
    done = await bgcopy_("get", site.url("f", SIZE), "-o", "f", "-u", "anna")
    assert done.code == 15
    assert "NAME:PASSWORD" in done.err
    assert (await bgcopy_("ls", "--json")).json == []


def test_a_password_is_asked_for_at_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    target = f"unix:{tmp_path}/nobody"
    process = subprocess.Popen(
        [sys.executable, "-c", MODULE, "get", "http://h/f", "-u", "anna", "--target", target],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=Command(tmp_path).environment(), start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        # No daemon answers: that is found out before anybody is asked for a password.
        _, err = process.communicate(timeout=30)
    finally:
        os.close(ours)
    assert process.returncode == 3
    assert b"Password" not in err


async def test_files_adds_removes_and_moves(bgcopy_: Command, site: Site) -> None:
    job_id = await queued(bgcopy_, site)
    done = await bgcopy_("files", job_id, "--add", site.url("g", SIZE), "-d", ".", "--json")
    assert [file["index"] for file in done.json] == [0, 1]
    moved = await bgcopy_("files", job_id, "--url", "1", site.url("h", SIZE), "--json")
    assert moved.json[1]["remote_url"] == site.url("h", SIZE)
    replaced = await bgcopy_("files", job_id, "--replace-prefix", "http://", "https://", "--json")
    assert all(file["remote_url"].startswith("https://") for file in replaced.json)
    removed = await bgcopy_("files", job_id, "--remove", "0", "--json")
    assert [file["index"] for file in removed.json] == [1]
    assert (await bgcopy_("files", job_id, "--url", "one", "http://h/")).code == 2
    assert (await bgcopy_("files", job_id, "--url", "7", "http://h/")).code == 5


async def test_an_invalid_file_is_fetched_anew(bgcopy_: Command, site: Site) -> None:
    job = await bgcopy_("add", site.url("f", SIZE), "-o", "f", "--no-auto-complete")
    job_id = job.out.strip()
    assert (await bgcopy_("wait", job_id)).code == 0
    judged = await bgcopy_("files", job_id, "--invalid", "0", "--json")
    assert not judged.json[0]["transferred"]
    assert (await bgcopy_("retry", job_id)).code == 0
    assert (await bgcopy_("wait", job_id)).code == 0
    assert (await bgcopy_("retry", job_id)).code == 11
    assert (await bgcopy_("complete", job_id)).code == 0
    assert (bgcopy_.home / "f").read_bytes() == content("f", SIZE)


async def test_logs_tell_every_attempt(bgcopy_: Command, site: Site) -> None:
    assert (await bgcopy_("get", site.url("x", SIZE), "-o", "x")).code == 0
    assert (await bgcopy_("get", site.url("n", SIZE, fault="status:404"), "-o", "n")).code == 13
    (attempt,) = (await bgcopy_("logs", "x", "--json")).json
    assert (attempt["outcome"], attempt["http_status"]) == ("FINISHED", 200)
    assert attempt["remote_address"].startswith("127.0.0.1:")
    assert attempt["bytes_received"] == SIZE
    text = await bgcopy_("logs", "n")
    assert "HTTP_STATUS" in text.out
    assert "404" in text.out
    job_id = await queued(bgcopy_, site, name="q")
    quiet = await bgcopy_("logs", job_id)
    assert (quiet.code, quiet.out) == (0, "")


async def test_probe_tells_without_fetching(bgcopy_: Command, site: Site) -> None:
    done = await bgcopy_("probe", site.url("f", SIZE), "--json")
    assert done.code == 0, done.err
    assert (done.json["bytes_total"], done.json["accepts_ranges"]) == (SIZE, True)
    assert (await bgcopy_("ls", "--all", "--json")).json == []
    text = await bgcopy_("probe", site.url("f", SIZE))
    assert "97.7 KiB" in text.out
    missing = await bgcopy_("probe", site.url("f", SIZE, fault="status:404"), "--json")
    assert missing.code == 13
    assert missing.json["error"]["reason"] == "HTTP_STATUS"
    assert (await bgcopy_("probe", "ftp://h/f")).code == 2


async def test_verify_reads_the_bytes_again(bgcopy_: Command, site: Site) -> None:
    url = site.url("f", SIZE)
    assert (await bgcopy_("get", url, "-o", "f", "--checksum", f"sha256:{digest('f')}")).code == 0
    good = await bgcopy_("verify", "f", "--json")
    assert good.json == [{"index": 0, "sha256": digest("f"), "verdict": "ok"}]
    with (bgcopy_.home / "f").open("r+b") as file:
        file.write(b"tampered")
    bad = await bgcopy_("verify", "f")
    assert bad.code == 10
    assert "differs" in bad.out
    job_id = await queued(bgcopy_, site, name="q")
    assert (await bgcopy_("verify", job_id)).code == 7


async def test_digests_of_a_table_are_verified(bgcopy_: Command, site: Site) -> None:
    value = content("f", SIZE)
    md5, blake = hashlib.md5(value).hexdigest(), blake3.blake3(value).hexdigest()
    table = f"url,path,md5,blake3\n{site.url('f', SIZE)},f,{md5},{blake}\n"
    (bgcopy_.home / "list.csv").write_text(table)
    done = await bgcopy_("import", "list.csv")
    assert done.code == 0, done.err
    assert (await bgcopy_("wait", *done.out.split())).code == 0
    [found] = (await bgcopy_("files", done.out.strip(), "--json")).json
    assert found["verification"] == "DIGEST"
    assert found["digests"] == [
        {"algorithm": "BLAKE3", "value": blake},
        {"algorithm": "MD5", "value": md5},
    ]
    [verified] = (await bgcopy_("verify", done.out.strip(), "--json")).json
    assert (verified["verdict"], verified["md5"], verified["blake3"]) == ("ok", md5, blake)
    (bgcopy_.home / "list.csv").write_text(table.replace(md5, "0" * 32))
    wrong = await bgcopy_("import", "list.csv")
    assert (await bgcopy_("wait", *wrong.out.split())).code == 10


def metalink(site: Site, name: str, value: bytes) -> str:
    """A Metalink document of a file whose best mirror does not have it."""
    return (
        f'<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="../{name}">'
        f'<hash type="sha-1">{hashlib.sha1(value).hexdigest()}</hash>'
        f'<hash type="sha-512">{hashlib.sha512(value).hexdigest()}</hash>'
        f'<url priority="2">{escape(site.url(name, SIZE))}</url>'
        f'<url priority="1">{escape(site.url("gone", SIZE, fault="status:404"))}</url>'
        "</file></metalink>"
    )


async def test_a_metalink_file_stands_for_its_files(bgcopy_: Command, site: Site) -> None:
    (bgcopy_.home / "list.meta4").write_text(metalink(site, "f", content("f", SIZE)))
    done = await bgcopy_("get", "list.meta4", "-d", "sub", "--json")
    assert done.code == 0, done.err
    assert (bgcopy_.home / "sub" / "f").read_bytes() == content("f", SIZE)
    [found] = (await bgcopy_("files", done.json["job_id"], "--json")).json
    assert found["verification"] == "DIGEST"
    assert [one["algorithm"] for one in found["digests"]] == ["SHA512", "SHA1"]
    assert len(found["mirrors"]) == 1
    (bgcopy_.home / "wrong").write_text(metalink(site, "g", b"other"))
    wrong = await bgcopy_("import", "wrong", "--format", "metalink")
    assert wrong.code == 0, wrong.err
    # It says what is wrong with the first of the sources.
    assert (await bgcopy_("wait", *wrong.out.split())).code == 13
    assert not (bgcopy_.home / "g").exists()
    (bgcopy_.home / "bad.metalink").write_text("<metalink/>")
    for command in ("get", "add", "import"):
        bad = await bgcopy_(command, "bad.metalink")
        assert bad.code == 2
        assert "is no Metalink document" in bad.err


@pytest.mark.parametrize("form", ["urls", "aria2", "jsonl", "csv"])
async def test_what_is_exported_is_imported_again(bgcopy_: Command, site: Site, form: str) -> None:
    for name in ("a", "b"):
        checked = ["--checksum", f"sha256:{digest(name)}"]
        await queued(bgcopy_, site, *checked, name=name)
    listed = await bgcopy_("export", "--format", form)
    assert listed.code == 0
    for job in (await bgcopy_("ls", "--json")).json:
        await bgcopy_("cancel", job["job_id"])
    (bgcopy_.home / "list").write_text(listed.out)
    done = await bgcopy_("import", "list", "--format", form)
    assert done.code == 0, done.err
    assert (await bgcopy_("wait", *done.out.split())).code == 0
    for name in ("a", "b"):
        assert (bgcopy_.home / name).read_bytes() == content(name, SIZE)


async def test_import_reads_what_aria2_writes(bgcopy_: Command, site: Site) -> None:
    text = (
        f"{site.url('a', SIZE)}\t{site.url('b', SIZE)}\n  dir=sub\n  out=x\n"
        f"  checksum=sha-256={digest('a')}\n  header=X-A: 1\n"
        f"{site.url('c', SIZE)}\n  dir=sub\n"
    )
    done = await bgcopy_("import", "-", stdin=text)
    assert done.code == 0, done.err
    assert len(done.out.split()) == 2
    assert (await bgcopy_("wait", *done.out.split())).code == 0
    assert (bgcopy_.home / "sub" / "x").read_bytes() == content("a", SIZE)
    assert (bgcopy_.home / "sub" / "c").read_bytes() == content("c", SIZE)
    empty = await bgcopy_("import", "-", stdin="# nothing\n")
    assert empty.code == 2


async def test_take_makes_an_administrator_the_owner(
    bgcopy_: Command, site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    token = await daemon.token("anna")
    async with bgcopy.AsyncClient(daemon.target, token=token) as anna:
        job = await anna.create_job("annas", [bgcopy.FileSpec(site.url("f", SIZE), "f")])
        done = await bgcopy_("take", job.job_id)
        assert done.code == 0, done.err
        assert (await client.get_job(job.job_id)).owner.startswith("local:")
        with pytest.raises(bgcopy.NotJobOwner):
            await job.info()


async def test_doctor_finds_what_waits(bgcopy_: Command, site: Site, tmp_path: Path) -> None:
    well = await bgcopy_("doctor")
    assert well.code == 0, well.out
    await bgcopy_(
        "get", site.url("n", SIZE, fault="status:404"), "-o", "n", "--set", "auto_complete=no"
    )
    job = await bgcopy_("add", site.url("f", SIZE), "-o", "f", "--no-auto-complete")
    await bgcopy_("wait", job.out.strip())
    found = {}
    for line in (await bgcopy_("doctor", "--json")).out.splitlines():
        shape = json.loads(line)
        found[shape["check"]] = shape["verdict"]
    assert found["completion"] == "warn"
    token = tmp_path / "token"
    token.write_text("x")
    token.chmod(0o644)
    loose = await bgcopy_("doctor", "--token-file", str(token), "--json")
    assert loose.code == 1
    nobody = await bgcopy_("doctor", "--target", f"unix:{tmp_path}/nobody")
    assert nobody.code == 1
    assert "no daemon answers" in nobody.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_completion_scripts(bgcopy_: Command, shell: str) -> None:
    done = await bgcopy_("completion", shell)
    assert done.code == 0
    assert "_BGCOPY_COMPLETE" in done.out


async def test_jobs_are_completed(bgcopy_: Command, site: Site) -> None:
    job_id = await queued(bgcopy_, site, "--name", "nightly")
    words = {
        "_BGCOPY_COMPLETE": "bash_complete",
        "COMP_WORDS": "bgcopy show nig",
        "COMP_CWORD": "2",
    }
    done = await bgcopy_(**words)
    assert (done.code, done.out) == (0, "plain,nightly\n")
    words["COMP_WORDS"] = f"bgcopy show {job_id[:6]}"
    assert (await bgcopy_(**words)).out == f"plain,{job_id}\n"
    # Nobody waits for a daemon that is not there.
    away = await asyncio.wait_for(Command(bgcopy_.home, "unix:/nowhere")(**words), 20)
    assert (away.code, away.out.strip()) == (0, "")
