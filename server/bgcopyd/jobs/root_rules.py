"""What an operator says of a root: who may use it, for what, and whose new files are. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bgcopyd.jobs.file import FileSpec
from bgcopyd.jobs.job import JobType
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import invalid

_FORM = "write words out of read, write, owner:ID, group:NAME and mode:0640"
_MODE = re.compile(r"0?[0-7]{3}")
_EXECUTABLE = 0o111


@dataclass(frozen=True, slots=True)
class RootRule:
    """One root: no `owners` means everybody's; `group` and `mode` are those of new files.

    `reads` says that uploads may send what is there, `writes` that downloads may put files there.
    """

    owners: frozenset[str] = frozenset()
    reads: bool = True
    writes: bool = True
    group: str = ""
    mode: int | None = None


OPEN = RootRule()
RootRules = Mapping[str, RootRule]
NO_RULES: RootRules = MappingProxyType({})


def root_rule_of(text: str) -> RootRule:
    """The rule that words say: "owner:user:anna owner:local:1000 group:media mode:0640", "read".

    Raises:
        ValueError: a word is none of these, or two contradict one another.
    """
    words = text.split()
    owners = frozenset(_rest(words, "owner:"))
    groups, modes = _rest(words, "group:"), _rest(words, "mode:")
    ways = {word for word in words if word in {"read", "write"}}
    known = len(ways) + len(_rest(words, "owner:")) + len(groups) + len(modes)
    if not words or known < len(words) or "" in owners or len(groups) > 1 or len(modes) > 1:
        raise ValueError(f"{text!r} says nothing of a root; {_FORM}")
    for mode in modes:
        if not _MODE.fullmatch(mode) or int(mode, 8) & _EXECUTABLE or int(mode, 8) & 0o600 != 0o600:
            raise ValueError(
                f"{mode!r} is no mode of files; write 0600, 0640, 0660 or 0644: who owns them "
                "reads and writes, and nothing is executable"
            )
    return RootRule(
        owners,
        not ways or "read" in ways,
        not ways or "write" in ways,
        next(iter(groups), ""),
        int(modes[0], 8) if modes else None,
    )


def _rest(words: Sequence[str], prefix: str) -> list[str]:
    return [word.removeprefix(prefix) for word in words if word.startswith(prefix)]


def judge_roots(kind: JobType, files: Sequence[FileSpec], rules: RootRules) -> None:
    """Judges whether the roots of files are for jobs of this type.

    Raises:
        Refusal: PATH_NOT_ALLOWED.
    """
    if not rules:
        return
    for position, spec in enumerate(files):
        rule = rules.get(spec.root, OPEN)
        if kind is not JobType.UPLOAD and not rule.writes:
            problem = f"is '{spec.root}', which is for reading alone; choose another"
        elif kind is not JobType.DOWNLOAD and not rule.reads:
            problem = f"is '{spec.root}', out of which nothing is sent; choose another"
        else:
            continue
        raise invalid(f"files[{position}].root", problem, Reason.PATH_NOT_ALLOWED)
