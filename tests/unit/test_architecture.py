"""The rooms' doors, the length of files, and the tables that must tell one story."""

from __future__ import annotations

import ast
import enum
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import EnumDescriptor

from bgcopy.v1 import error_pb2, http_pb2, identity_pb2, job_pb2, webhook_pb2
from bgcopyd.jobs import (
    attempt,
    file,
    http_options,
    job,
    options,
    principal,
    reasons,
    webhook,
)

PROJECT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 500
CODE_FOLDERS = ("client", "server", "tests", "examples", "docs", ".ci")
GENERATED = PROJECT / "client" / "bgcopy" / "v1"

ERRORS = error_pb2.DESCRIPTOR.enum_types_by_name
JOBS = job_pb2.DESCRIPTOR.enum_types_by_name
IDENTITY = identity_pb2.DESCRIPTOR.enum_types_by_name
HTTP = http_pb2.DESCRIPTOR.enum_types_by_name
TWINS: list[tuple[type[enum.IntEnum], EnumDescriptor]] = [
    (reasons.Reason, ERRORS["Reason"]),
    (job.ErrorContext, ERRORS["ErrorContext"]),
    (job.JobState, JOBS["JobState"]),
    (job.JobType, JOBS["JobType"]),
    (job.Priority, JOBS["JobPriority"]),
    (file.Verification, JOBS["Verification"]),
    (file.DigestAlgorithm, JOBS["DigestAlgorithm"]),
    (principal.Scope, IDENTITY["Scope"]),
    (attempt.AttemptOutcome, JOBS["AttemptOutcome"]),
    (options.CostState, JOBS["CostState"]),
    (options.PeerCachingFlag, JOBS["PeerCachingFlag"]),
    (options.NotifyFlag, JOBS["NotifyFlag"]),
    (options.OverwritePolicy, JOBS["OverwritePolicy"]),
    (http_options.RedirectPolicy, HTTP["RedirectPolicy"]),
    (http_options.TlsFlag, HTTP["TlsFlag"]),
    (http_options.ProxyUsage, HTTP["ProxyUsage"]),
    (http_options.AuthTarget, HTTP["AuthTarget"]),
    (http_options.AuthScheme, HTTP["AuthScheme"]),
    (webhook.DeliveryState, webhook_pb2.DESCRIPTOR.enum_types_by_name["DeliveryState"]),
]


def sources() -> Iterator[Path]:
    """All files that people write, with the project's Makefile."""
    yield PROJECT / "Makefile"
    for folder in CODE_FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*")):
            written = path.suffix in {".py", ".sh", ""} and "__pycache__" not in path.parts
            if path.is_file() and written and not path.is_relative_to(GENERATED):
                yield path


def test_import_contracts() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in sources()}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def test_values_import_nothing_of_ours_from_elsewhere() -> None:
    outside = []
    for path in (PROJECT / "server" / "bgcopyd" / "jobs").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import"
                names = [node.module or ""]
            outside += [
                (path.name, name)
                for name in names
                if name.startswith("bgcopy") and not name.startswith("bgcopyd.jobs")
            ]
    assert not outside


def test_no_path_of_a_machine() -> None:
    home = re.compile(r"/(?:root|work)/[A-Za-z0-9_.]|" + re.escape(str(PROJECT)))
    found = [
        f"{path}:{number}"
        for path in sources()
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if home.search(line)
    ]
    assert not found


@pytest.mark.parametrize(("ours", "proto"), TWINS, ids=[ours.__name__ for ours, _ in TWINS])
def test_enum_equals_its_twin_in_the_proto(ours: type[enum.IntEnum], proto: EnumDescriptor) -> None:
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", proto.name).upper() + "_"
    theirs = {
        value.name.removeprefix(prefix): value.number for value in proto.values if value.number
    }
    assert {member.name: member.value for member in ours} == theirs


def test_every_enum_of_jobs_has_a_twin_or_stays_inside() -> None:
    inside = {"Code", "Trigger", "Lock", "UploadProtocol"}
    with_twin = {ours.__name__ for ours, _ in TWINS}
    folder = PROJECT / "server" / "bgcopyd" / "jobs"
    found = {
        node.name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any("Enum" in ast.unparse(base) for base in node.bases)
    }
    assert found == inside | with_twin


def test_every_reason_has_one_row() -> None:
    assert set(reasons.REASONS) == set(reasons.Reason)


@pytest.mark.parametrize("reason", reasons.Reason, ids=lambda reason: reason.name)
def test_row_of_reason(reason: reasons.Reason) -> None:
    row = reasons.REASONS[reason]
    refusal = reason < 100
    assert (row.code is not None) is refusal
    assert row.hresult_name
    # Failures have the top bit of 32 set.
    assert 0x80000000 <= row.hresult <= 0xFFFFFFFF


def test_hresults_that_the_interface_is_known_for() -> None:
    not_found = reasons.REASONS[reasons.Reason.JOB_NOT_FOUND]
    assert (not_found.code, not_found.hresult) == (reasons.Code.NOT_FOUND, 0x80D02003)
    assert (not_found.hresult_name, not_found.header_name) == (
        "DO_E_NOT_FOUND",
        "DO_E_JOB_NOT_FOUND",
    )
    foreign = reasons.REASONS[reasons.Reason.NOT_JOB_OWNER]
    assert (foreign.code, foreign.hresult) == (reasons.Code.PERMISSION_DENIED, 0x80070005)
    assert foreign.hresult_name == "E_ACCESSDENIED"
    assert reasons.hresult_of(reasons.Reason.HTTP_STATUS, 404) == (
        0x80190194,
        "BG_E_HTTP_ERROR_404",
    )
