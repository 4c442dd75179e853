"""The tree is the same on every machine: pinned, and naming no place of one."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))
PIN = re.compile(r"[a-z0-9-]+(\[[a-z0-9, -]+\])?==\S+( ; .+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
MACHINE_PATH = re.compile(r"(?<![\w.*>}])/(?:root|work|opt/wheels|opt/pypi)(?=/)")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_holds_pins_and_hashes_alone(lock: Path) -> None:
    """No index, no links, no host: whatever registry a machine uses serves it, and the hashes prove what came."""
    lines = [line for line in lock.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not PIN.fullmatch(line) and not HASH.fullmatch(line)] == []
    assert lines[0].endswith("\\")


def test_every_dependency_is_locked() -> None:
    """The lock file names each direct dependency of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[\[<>=;~! ]", requirement)[0] for requirement in project["dependencies"]}
    locked = set(
        re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    )
    assert wanted - locked == set()


def test_no_file_names_a_place_of_one_machine() -> None:
    """What is kept works in any folder and for any user."""
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in kept_files()
        for number, line in enumerate((ROOT / path).read_text("utf-8", "replace").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def kept_files() -> list[str]:
    """The files under version control, or all but the ignored where there is none."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]
    return [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and ".venv" not in str(path)]
