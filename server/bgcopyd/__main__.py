"""`bgcopyd` and `python -m bgcopyd`."""

from __future__ import annotations

import sys

# EX_UNAVAILABLE of sysexits.h.
INCOMPLETE = 69


def main() -> int:
    """Runs the command; a client-only installation is told what it lacks."""
    try:
        from bgcopyd.cli.main import main as command  # noqa: PLC0415 - the guarded import
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("bgcopyd"):
            raise
        sys.stderr.write(
            f"bgcopyd: the daemon's part is not installed ({missing.name} is missing)\n"
            '  Install it with: pip install "bgcopy[server]"\n'
        )
        return INCOMPLETE
    return command()


if __name__ == "__main__":
    sys.exit(main())
