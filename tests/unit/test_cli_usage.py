"""What the command does before it talks to anybody: options, sources, exit codes."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import click
import grpc
import pytest

import bgcopy
from bgcopy import ErrorContext, JobInfo, JobState, Reason, TransferErrorInfo
from bgcopy._call_details import CallDetails
from bgcopy._error_classes import error_class
from bgcopy.cli import exits, failure, launcher, options, sources
from bgcopy.cli.exits import Exit
from bgcopy.cli.main import cli, main

URL = "http://example.com/dir/file.iso?x=/y#z"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No daemon, no state and no settings of the machine."""
    for variable in ("BGCOPY_TARGET", "BGCOPY_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "r"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    monkeypatch.chdir(tmp_path)


def transfer(reason: Reason, status: int | None = None) -> TransferErrorInfo:
    return TransferErrorInfo(reason, ErrorContext.UNKNOWN, "m", http_status=status)


def test_every_reason_has_an_exit_code() -> None:
    assert set(exits.BY_REASON) == set(Reason)
    assert set(exits.WORST_FIRST) == set(Exit)
    assert exits.__doc__
    for code in Exit:
        assert f"\n{int(code):<4} " in exits.__doc__


@pytest.mark.parametrize(
    ("status", "code"), [(404, 13), (403, 13), (429, 14), (500, 14), (503, 14), (302, 13)]
)
def test_http_by_class(status: int, code: int) -> None:
    assert exits.of_transfer(transfer(Reason.HTTP_STATUS, status)) == code


@pytest.mark.parametrize(
    ("state", "code"), [("TRANSFERRED", 0), ("ACKNOWLEDGED", 0), ("CANCELLED", 7), ("QUEUED", 7)]
)
def test_states(state: str, code: int) -> None:
    assert exits.of_job(JobInfo("1", JobState[state])) == code


def test_several() -> None:
    assert exits.of_several([]) == 0
    assert exits.of_several([Exit.OK, Exit.OK]) == 0
    assert exits.of_several([Exit.OK, Exit.DISK]) == 16
    assert exits.of_several([Exit.NETWORK, Exit.DISK]) == 9


def test_errors_without_a_known_reason_go_by_code() -> None:
    def error(code: grpc.StatusCode) -> bgcopy.CallError:
        details = CallDetails(code, reason_name="NEWER")
        return error_class(Reason.UNKNOWN, code)(details)

    assert exits.of_error(error(grpc.StatusCode.UNAVAILABLE)) == 3
    assert exits.of_error(error(grpc.StatusCode.DEADLINE_EXCEEDED)) == 12
    assert exits.of_error(error(grpc.StatusCode.NOT_FOUND)) == 5
    assert exits.of_error(error(grpc.StatusCode.DATA_LOSS)) == 1
    assert exits.of_error(ValueError()) == 1
    shown = failure.from_error(error(grpc.StatusCode.NOT_FOUND))
    assert shown.reason == "NEWER"


@pytest.mark.parametrize(
    ("text", "value"),
    [("2M", 2 << 20), ("500k", 500 << 10), ("1.5G", 3 << 29), ("7", 7), ("1KiB", 1024)],
)
def test_sizes(text: str, value: int) -> None:
    assert options.size(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "M", "1X", "1e9", "9" * 40, "1 M"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(click.BadParameter, match="2M"):
        options.size(text)


def test_spans() -> None:
    assert options.span("90") == timedelta(seconds=90)
    assert options.span_or_zero("0") == timedelta(0)
    assert options.span_or_zero("5m") == timedelta(minutes=5)
    assert options.span("1.5h") == timedelta(minutes=90)
    for text in ("0", "x", "9" * 20, "1w"):
        with pytest.raises(click.BadParameter):
            options.span(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "http://h/",
        "http://h/a/",
        "http://h/..",
        "http://h/.",
        "http://h/a\x01b",
        "http://[/a",
    ],
)
def test_a_url_without_a_name(url: str) -> None:
    with pytest.raises(click.UsageError, match=r"-o|malformed"):
        sources.name_of(url)


def test_a_name_is_the_last_segment_and_no_path() -> None:
    assert sources.name_of(URL) == "file.iso"
    assert sources.name_of("http://h/a/..%2fb") == "..%2fb"


def test_the_real_path_is_sent(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    spec = sources.Destination("link/../x", None, None).spec(URL, "link/../x")
    assert (spec.path, spec.root) == (str(tmp_path.resolve() / "real" / "x"), "fs")
    # The file itself may be a link; what becomes of it is the daemon's to say.
    (tmp_path / "file").symlink_to("elsewhere")
    assert sources.Destination("file", None, None).spec(URL, "file").path.endswith("/file")


def test_a_root_keeps_the_path_as_it_is() -> None:
    spec = sources.Destination(None, "a/b", "default").spec(URL, None)
    assert (spec.path, spec.root) == ("a/b/file.iso", "default")


def test_files_are_sent_in_portions() -> None:
    specs = [bgcopy.FileSpec("http://h/" + "x" * 2000, f"f{n}") for n in range(4000)]
    portions = list(sources.batches(specs))
    assert len(portions) > 1
    assert [spec for portion in portions for spec in portion] == specs
    assert all(sum(len(spec.url) for spec in portion) < 4 << 20 for portion in portions)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["get"],
        ["get", URL, "-H", "no colon"],
        ["get", URL, "--secret-header", ": x"],
        ["get", URL, "--set", "nonsense=1"],
        ["get", URL, "--set", "auto_complete=perhaps"],
        ["set", "x"],
        ["set", "x", "deadline=tomorrow"],
        ["set", "x", "priority=unknown"],
        ["set", "x", "retention"],
        ["files"],
        ["logs", "x", "--number", "0"],
        ["completion", "csh"],
        ["import", "nowhere"],
        ["export", "--format", "xml"],
        ["get", URL, "-o", "-"],
        ["get", URL, "-o", "a", "-O"],
        ["get", URL, "-o", "."],
        ["get", URL, "-o", "new/"],
        ["get", URL, "http://h/b", "-o", "a"],
        ["get", URL, "http://h/b", "--checksum", "sha256:" + "a" * 64],
        ["get", URL, URL],
        ["get", URL, "--checksum", "md5:abc"],
        ["get", URL, "--checksum", "sha256:abc"],
        ["get", URL, "--checksum", "sha1:" + "a" * 64],
        ["get", URL, "--checksum", "adler32:" + "a" * 8],
        ["get", URL, "--checksum", "a" * 64],
        ["get", URL, "--limit-rate", "fast"],
        ["get", URL, "--priority", "urgent"],
        ["get", URL, "--label", "x"],
        ["get", "-i", "nowhere"],
        ["get", "http://h/\udcff"],
        ["ls", "--state", "nonsense"],
        ["pause"],
        ["policy", "set"],
        ["policy", "set", "nonsense=1"],
        ["token", "create"],
        ["token", "create", "--principal", "a", "--expires", "soon"],
        ["token", "revoke"],
        ["wait", "x", "--timeout", "soon"],
        ["--target", "nonsense", "ls"],
    ],
)
def test_usage_errors_are_2_and_say_what_to_do(
    arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert len(captured.err.splitlines()) >= 2


def test_usage_errors_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "--json", URL, "--nonsense"]) == 2
    error = json.loads(capfd.readouterr().err)["error"]
    assert error["exit_code"] == 2
    assert "--nonsense" in error["message"]


# Scripts rely on these: names may come, none may go.
COMMANDS = {
    "get": "output directory remote_name input_file root checksums limit_rate name labels priority "
    "no_progress_timeout headers secret_headers user proxy method properties progress",
    "put": "file url root reply detach limit_rate name labels priority no_progress_timeout headers "
    "secret_headers user proxy method properties progress",
    "add": "output directory remote_name input_file root checksums limit_rate name labels priority "
    "no_progress_timeout headers secret_headers user proxy method properties paused auto_complete",
    "probe": "url headers proxies",
    "verify": "job",
    "ls": "everything states all_owners",
    "show": "job",
    "watch": "jobs all_owners",
    "wait": "jobs timeout progress",
    "files": "job urls directory root removed moved prefix invalid",
    "logs": "job index number",
    "pause": "jobs",
    "resume": "jobs",
    "retry": "jobs",
    "complete": "jobs partial",
    "cancel": "jobs",
    "rm": "jobs",
    "set": "job properties headers secrets",
    "take": "jobs",
    "export": "jobs form unfinished",
    "import": "source form directory root name priority paused",
    "webhook": "",
    "status": "",
    "policy": "",
    "token": "",
    "drain": "undo",
    "doctor": "",
    "completion": "shell",
}


def test_commands_and_options_are_frozen() -> None:
    shared = {"target", "token_file", "json", "quiet", "no_color"}
    shared |= {"tls_ca", "tls_cert", "tls_key"}
    assert list(cli.commands) == list(COMMANDS)
    for name, command in cli.commands.items():
        given = {str(param.name) for param in command.params}
        assert given - {"urls"} == (set(COMMANDS[name].split()) | shared) - {"urls"}, name


def test_the_help_names_every_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    listed = " ".join(capfd.readouterr().out.split()).partition("Exit codes: ")[2]
    codes = [int(part.split()[0]) for part in listed.partition(". Options")[0].split(", ")]
    assert codes == sorted(Exit)


def test_help_and_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr().out.startswith("bgcopy ")
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        text = capfd.readouterr().out
        assert "--target" in text
        assert "\\b" not in text


@pytest.mark.parametrize("file", ["-", "nothing", "."])
def test_put_needs_a_plain_file(file: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["put", file, URL]) == 2
    assert repr(file) in capfd.readouterr().err or file == "-"


@pytest.mark.parametrize("arguments", [["ls"], ["status"], ["show", "x"], ["wait", "x"]])
def test_no_daemon_is_3(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 3
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "bgcopyd serve" in captured.err


def test_a_named_target_is_never_started(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", URL, "--target", f"unix:{tmp_path}/none"]) == 3
    assert "starting" not in capfd.readouterr().err


def test_get_without_the_server_names_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, "_installed", lambda name: name != "pycurl")
    assert main(["get", URL]) == 3
    err = capfd.readouterr().err
    assert 'pip install "bgcopy[server]"' in err
    assert "missing: pycurl" in err


def test_a_daemon_that_does_not_come_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho the reason why\nexit 78\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert main(["add", URL, "--json"]) == 3
    note, last = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert "starting a private one" in note["message"]
    assert "the reason why" in last["error"]["message"]
    log = tmp_path / "s" / "bgcopy" / launcher.LOG_NAME
    assert log.stat().st_mode & 0o777 == 0o600


def test_an_unexpected_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_: str) -> bool:
        raise RuntimeError("http://user:password@example.com/")

    monkeypatch.setattr(launcher, "answers", broken)
    assert main(["ls"]) == 1
    err = capfd.readouterr().err
    assert "RuntimeError" in err
    assert "password" not in err
    assert "Traceback" not in err


def test_an_interrupt_is_130(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "answers", interrupted)
    assert main(["ls"]) == 130
    assert "Traceback" not in capfd.readouterr().err


def test_a_state_directory_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s").write_text("a file")
    assert main(["get", URL]) == 9
    assert "XDG_STATE_HOME" in capfd.readouterr().err
    assert os.listdir(tmp_path) == ["s"]  # noqa: PTH208 - names only
