"""The figures, each beside its budget: `make bench`, or `python -m tests.bench --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tests.bench import big_file, calls, lists, segments, slow, small_files, standing, watches
from tests.bench.report import Result, as_json, text
from tests.bench.setup import Scale

ROWS: Mapping[str, Callable[[Scale], Awaitable[Result]]] = {
    "S1": big_file.plain,
    "S2": big_file.with_digest,
    "S3": big_file.over_tls,
    "S4": segments.held_connections,
    "S5": small_files.many,
    "S6": slow.many_at_once,
    "R1": calls.get_job,
    "R2": calls.create_job,
    "R3": lists.list_jobs,
    "R4": watches.fan_out,
    "R5": calls.get_job_beside_a_download,
    "M1": standing.memory,
    "M2": standing.start,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: to try it out")
    parser.add_argument("--only", default="", help=f"rows, as S1,R1; of {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=0, help="how often each; 5 otherwise")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument(
        "--dir", type=Path, default=Path(tempfile.gettempdir()),
        help="a directory on the disk to measure; some 8 GiB are used",
    )  # fmt: skip
    return parser.parse_args()


def _scale(options: argparse.Namespace, directory: Path) -> Scale:
    cache = options.dir / f"bgcopy-bench-{os.getuid()}"
    if options.quick:
        return Scale(
            directory,
            cache,
            rounds=options.rounds or 2,
            seconds=1.0,
            big_file=128 << 20,
            small_files=400,
            stored_jobs=20_000,
            watchers=(100,),
        )
    return Scale(directory, cache, rounds=options.rounds or 5)


async def _measure(names: list[str], scale: Scale) -> list[Result]:
    results = []
    for name in names:
        begun = time.perf_counter()
        result = await ROWS[name](scale)
        print(f"{text(result)}\n    [{time.perf_counter() - begun:.0f} s]\n", flush=True)
        results.append(result)
    return results


def _write(path: Path, results: list[Result], options: argparse.Namespace) -> None:
    report: dict[str, Any] = {
        "machine": {
            "cores": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
        },
        "quick": options.quick,
        "rows": [as_json(result) for result in results],
    }
    path.write_text(json.dumps(report, indent=2) + "\n")


def main() -> int:
    """Measures; 0 whether budgets hold or not, since a machine's mood is no failure."""
    options = _options()
    names = [name.strip().upper() for name in options.only.split(",") if name.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        print(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    print("median (minimum to maximum); ratios are taken within each round\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="bgcopy-bench-", dir=options.dir) as directory:
        results = asyncio.run(_measure(names or list(ROWS), _scale(options, Path(directory))))
    if options.json is not None:
        _write(options.json, results, options)
    checks = [check.holds for result in results for check in result.checks]
    print(f"{checks.count(True)} budgets hold, {checks.count(False)} do not, "
          f"{checks.count(None)} were not measured")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
