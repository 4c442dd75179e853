"""Who may import whom."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT, module_level_imports, python_files


def test_each_floor_imports_only_the_floors_below() -> None:
    """The contracts of pyproject.toml hold."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_doors_of_the_cli_open_only_inside_functions() -> None:
    """Starting a command loads nothing of the server or the database, also where a command may use them."""
    opened = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in python_files("podium/cli")
        for module in module_level_imports(path)
        if module.startswith(("podium.server", "podium.db"))
    }
    assert opened == set()


def test_no_name_says_nothing() -> None:
    """A module is named for what it holds."""
    empty_words = ("manager", "helper", "util", "common", "misc")
    assert [path for path in python_files("podium") if any(word in path.stem for word in empty_words)] == []
