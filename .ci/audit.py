# A command, not a module of a package.
# ruff: noqa: INP001
"""Holds what is installed against the known vulnerabilities of PyPI's advisory service.

Ends with 1 where one is known. Where the service knows nothing of most packages, or does not
answer (a mirror without it, no network), it says so: then nothing was audited, and nothing failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def judge(report: dict[str, Any]) -> tuple[int, str]:
    """The exit code and what to say of a report of `pip-audit --format json`."""
    packages = report["dependencies"]
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}"
        + (f", mended in {', '.join(flaw['fix_versions'])}" if flaw["fix_versions"] else "")
        for one in packages
        for flaw in one.get("vulns", ())
    ]
    if found:
        return 1, "Known vulnerabilities:\n  " + "\n  ".join(found)
    if len(unknown) * 2 > len(packages):
        return 0, f"NOT AUDITED: the advisory service knows {len(unknown)} packages not at all."
    left = f", but not of {', '.join(unknown)}" if unknown else ""
    return 0, f"No vulnerability is known of {len(packages) - len(unknown)} packages{left}."


def main() -> int:
    """Audits the environment of this interpreter."""
    command = Path(sys.executable).with_name("pip-audit")
    flags = ["--skip-editable", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([command, *flags], capture_output=True, text=True, check=False)  # noqa: S603 - our own environment's command
    try:
        code, text = judge(json.loads(done.stdout))
    except ValueError:
        reason = done.stderr.strip().rpartition("\n")[2]
        code, text = 0, f"NOT AUDITED: the advisory service did not answer ({reason})."
    sys.stdout.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
