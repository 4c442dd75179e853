"""Write the lock files from pyproject.toml: one resolution for Python 3.11 to 3.13 and every platform, with hashes.

Needs `uv` on the path. Pins stay where they are unless `--upgrade` is given.
"""

import subprocess
import sys
from pathlib import Path

HEADER = "# Made by `make lock` from pyproject.toml. Do not edit.\n"
LOCKS = {
    "requirements.lock": ["pyproject.toml"],
    "requirements-dev.lock": ["pyproject.toml", "--group", "dev"],
    "requirements-prefect.lock": ["--group", "prefect"],
}
COMMAND = "uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras"
PLAIN = "--no-header --no-annotate"


def main(extra: list[str]) -> None:
    for name, source in LOCKS.items():
        subprocess.run([*COMMAND.split(), *PLAIN.split(), *source, "--output-file", name, *extra], check=True)
        lock = Path(name)
        lock.write_text(HEADER + lock.read_text("utf-8").removeprefix(HEADER), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
