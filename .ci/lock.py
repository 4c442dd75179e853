"""Write the lock files from pyproject.toml and tests/e2e/matrix: a resolution with hashes for each.

One serves Python 3.11 to 3.13 and every platform. Needs `uv` on the path. Pins stay unless `--upgrade` is given.
"""

import subprocess
import sys
from pathlib import Path

HEADER = "# Made by `make lock` from {source}. Do not edit.\n"
# Needed by a package of which only a file is used (tests/deploy/tools.in).
LEFT_OUT = (
    "aws-cdk-asset-awscli-v1 aws-cdk-asset-node-proxy-agent-v6 aws-cdk-cloud-assembly-schema aws-cdk-lib cattrs"
    " constructs jsii publication python-dateutil typeguard tzdata"
)
LOCKS = {
    "requirements.lock": ["pyproject.toml"],
    "requirements-dev.lock": ["pyproject.toml", "--group", "dev"],
    "requirements-prefect.lock": ["--group", "prefect"],
    "tests/deploy/tools.lock": ["tests/deploy/tools.in", *(f"--no-emit-package={name}" for name in LEFT_OUT.split())],
    **{str(source.with_suffix(".lock")): [str(source)] for source in sorted(Path("tests/e2e/matrix").glob("*.in"))},
}
COMMAND = "uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras"
PLAIN = "--no-header --no-annotate"


def main(extra: list[str]) -> None:
    for name, source in LOCKS.items():
        subprocess.run([*COMMAND.split(), *PLAIN.split(), *source, "--output-file", name, *extra], check=True)
        lock = Path(name)
        header = HEADER.format(source=source[0] if source[0].endswith(".in") else "pyproject.toml")
        lock.write_text(header + lock.read_text("utf-8").removeprefix(header), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
