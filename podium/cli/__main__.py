"""`python -m podium.cli` is the `podium` command."""

import sys

from podium.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
