"""`python -m bgcopyd`."""

import sys

from bgcopyd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
