"""The tools that check the files, from .venv-deploy or the path; without one of them its tests skip by name."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / ".venv-deploy" / "bin"
PLACES = os.pathsep.join([str(TOOLS), os.environ["PATH"], "/usr/sbin"])

Tool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Run a program: `tool("helm", "lint", chart)`."""

    def run(name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
        program = shutil.which(name, path=str(TOOLS) if name == "python" else PLACES)
        if program is None:
            pytest.skip(f"{name} is not installed")
        words = [program, *map(str, arguments)]
        environment = {"PATH": PLACES, "HOME": str(tmp_path)}
        return subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return run
