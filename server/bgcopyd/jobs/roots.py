"""Named roots: the only places that jobs may write to. Names are judged here, files are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bgcopyd.jobs import limits
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.root_rules import NO_RULES, RootRules

DEFAULT_ROOT = "default"
PARTIAL_PREFIX = ".bgcopy-"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# What most names look like: of the rules below only that of the devices' names can forbid one.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9_. -]{0,200}[A-Za-z0-9_-])?")

_DEVICE_NAMES = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)]
)


class PathProblem(Exception):
    """A path or root that cannot be a destination; `field` is "root" or "local_path"."""

    def __init__(self, field: str, problem: str, *, unknown_root: bool = False) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem
        self.unknown_root = unknown_root


class Roots:
    """The named roots of a server; directories are absolute and resolved.

    Args:
        directories: by name.
        host: the root that lends the daemon's own rights, and so is open to administrators only.
        rules: of those that are not everybody's. Administrators may use all.
    """

    def __init__(
        self, directories: Mapping[str, str], host: str = "", rules: RootRules = NO_RULES
    ) -> None:
        self._directories = dict(directories)
        self._owners = {name: rule.owners for name, rule in rules.items() if rule.owners}
        self._shared = (
            Roots({name: path for name, path in directories.items() if name != host})
            if host
            else self
        )
        self._parts: dict[frozenset[str], Roots] = {}
        self._deepest_first = sorted(
            self._directories.items(), key=lambda item: len(item[1]), reverse=True
        )

    def open_to(self, principal: Principal) -> Roots:
        """The roots that the caller may use."""
        roots = self if principal.admin else self._shared
        if self._owners and not principal.admin:
            closed = {name for name, who in self._owners.items() if principal.id not in who}
            roots = roots.only(frozenset(roots.names) - closed)
        return roots if principal.roots is None else roots.only(principal.roots)

    def only(self, names: frozenset[str]) -> Roots:
        """Those of them; kept, since callers come again."""
        known = self._parts.get(names)
        if known is None:
            known = Roots({name: self._directories[name] for name in names & set(self.names)})
            self._parts[names] = known
        return known

    @property
    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        return tuple(sorted(self._directories))

    def resolve(self, root: str, local_path: str) -> tuple[str, str, str]:
        """Root name, path relative to it, and the absolute destination.

        Raises:
            PathProblem: the path leaves its root, is malformed, or the root is unknown.
        """
        if not local_path:
            raise PathProblem("local_path", "is missing; name the file to write")
        if len(local_path.encode()) > limits.PATH_BYTES:
            raise PathProblem("local_path", f"is longer than {limits.PATH_BYTES} bytes")
        if local_path.startswith("/"):
            root, local_path = self._under(root, local_path)
        root = root or DEFAULT_ROOT
        directory = self._directories.get(root)
        if directory is None:
            known = ", ".join(self.names) or "none"
            raise PathProblem(
                "root",
                f"'{root[:64]}' is no root of this server; it has: {known}",
                unknown_root=True,
            )
        path = "/".join(_components(local_path))
        return root, path, f"{directory.rstrip('/')}/{path}"

    def _under(self, root: str, path: str) -> tuple[str, str]:
        """The root that an absolute path lies under, and the rest of the path."""
        for name, directory in self._deepest_first:
            if root and name != root:
                continue
            prefix = directory.rstrip("/") + "/"
            if path.startswith(prefix):
                return name, path[len(prefix) :]
        if root:
            raise PathProblem("local_path", f"is absolute and does not lie under root '{root}'")
        raise PathProblem(
            "local_path",
            "is absolute and lies under no root of this server; use a path relative to a root",
        )


def _components(path: str) -> list[str]:
    """The components of a relative path, each judged."""
    if path.endswith("/"):
        raise PathProblem("local_path", "ends with '/'; name a file, not a directory")
    names = [name for name in path.split("/") if name not in {"", "."}]
    if not names:
        raise PathProblem("local_path", "names no file")
    for name in names:
        problem = _name_problem(name)
        if problem:
            raise PathProblem("local_path", problem)
    return names


def _name_problem(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name) and name.partition(".")[0].lower() not in _DEVICE_NAMES:
        return ""
    return next((problem for is_wrong, problem in _NAME_RULES if is_wrong(name)), "")


def _has_control(name: str) -> bool:
    return _CONTROL.search(name) is not None


_NAME_RULES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda name: name == "..", "has a '..' component; a destination stays below its root"),
    (_has_control, "has a control character"),
    (
        lambda name: len(name.encode()) > limits.PATH_COMPONENT_BYTES,
        f"has a component of more than {limits.PATH_COMPONENT_BYTES} bytes",
    ),
    (
        lambda name: name.endswith((".", " ")),
        "has a component that ends with a dot or a space",
    ),
    (
        lambda name: name.split(".", 1)[0].lower() in _DEVICE_NAMES,
        "has a component that is a device's name on some systems (CON, NUL, COM1 ...)",
    ),
    (
        lambda name: name.startswith(PARTIAL_PREFIX),
        f"has a component that begins with '{PARTIAL_PREFIX}', which is kept for partial files",
    ),
)
