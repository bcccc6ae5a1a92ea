"""The pages that people read say what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from bgcopy.cli.main import cli
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.jobs.principal import Scope
from bgcopyd.jobs.properties import PROPERTIES
from bgcopyd.queue.authorizer import SERVICES
from docs.properties_page import BITS, PAGE, page

DOCS = Path(PAGE).parent
METHODS = {
    method.name for method in pb.DESCRIPTOR.services_by_name["BackgroundCopyManager"].methods
}


def test_the_page_of_properties_is_what_the_table_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run 'make docs' and commit"
    assert set(BITS) <= set(PROPERTIES)


def test_the_page_for_programs_names_every_method() -> None:
    text = (DOCS / "bits.md").read_text(encoding="utf-8")
    elsewhere = {"GetServerInfo"}
    assert {name for name in METHODS if not re.search(rf"\b{name}\b", text)} == elsewhere


def test_the_page_of_identities_has_the_table_of_permissions() -> None:
    text = (DOCS / "identities.md").read_text(encoding="utf-8")
    for service, needs in SERVICES.items():
        for rpc, need in needs.items():
            name = f"grpc.health.v1.Health/{rpc}" if service == "Health" else rpc
            word = f"`{need.scope.word}`" if need.scope else "none"
            assert f"| {name} | {word} | {need.permission.value} |" in text
    for scope in Scope:
        assert f"| `{scope.word}` | " in text


def test_the_page_for_people_names_commands_that_there_are() -> None:
    text = (DOCS / "bitsadmin.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`bgcopy ([a-z]+)", text))
    assert named
    assert named <= set(cli.commands)
    for command, option in re.findall(r"`bgcopy ([a-z]+)[^`]*? (--[a-z-]+)", text):
        options = {name for param in cli.commands[command].params for name in param.opts}
        options |= {name for param in cli.commands[command].params for name in param.secondary_opts}
        assert option in options, f"bgcopy {command} {option}"


def test_each_threat_names_tests_that_there_are() -> None:
    project = DOCS.parent
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", (project / "SECURITY.md").read_text())
    assert len(named) > 40
    gone = [
        f"{file}::{test}"
        for file, test in named
        if not re.search(rf"^(?:async )?def {test}\(", (project / file).read_text(), re.MULTILINE)
    ]
    assert not gone


def test_each_threat_names_a_test() -> None:
    text = (DOCS.parent / "SECURITY.md").read_text().partition("## Who attacks")[2]
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert rows
    assert not [row for row in rows if "::test_" not in row]
