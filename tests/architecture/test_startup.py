"""A command starts quickly because it loads little; proven in a fresh interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

HEAVY = {"falcon", "sqlalchemy", "alembic", "docket", "textual", "pydantic", "uvicorn"}
PROGRAM = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from podium.cli.app import main
sys.argv[0] = "podium"
sys.exit(main() if sys.argv[1:] else 0)
"""


def test_a_server_does_without_the_library_of_metrics_until_somebody_asks_for_them() -> None:
    """It counts by itself."""
    program = "import sys, podium.server.main, podium.server.launch; print('prometheus_client' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout == "False\n", result.stderr


def test_a_client_loads_what_it_needs_to_make_requests_and_no_more() -> None:
    """A fuller HTTP client takes longer to load than the rest of a command, asyncio as long."""
    program = "import sys, podium.client.api; print({'httpx', 'httpcore', 'asyncio', 'certifi'} & sys.modules.keys())"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout == "set()\n", result.stderr


@pytest.mark.parametrize("arguments", ["", "--version", "--help", "config view", "flow-run ls --help"])
def test_a_command_loads_nothing_of_the_server(arguments: str) -> None:
    """Neither the import of the command tree nor a small command loads the server's libraries."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments.split()]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    loaded = set(json.loads(result.stderr.splitlines()[-1]))
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("words", [["flow-run", "ins"], ["flow-run", "inspect", ""]])
def test_completion_loads_neither_commands_nor_what_speaks_http(words: list[str], tmp_path: Path) -> None:
    """Once it was asked before: a shell waits for it."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, "__complete", *words]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PODIUM_API_URL": "http://127.0.0.1:1/api"}
    for _ in range(2):
        result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
    loaded = set(json.loads(result.stderr.splitlines()[-1]))
    assert loaded & {*HEAVY, "typer", "httpx", "http.client", "ssl", "email"} == set()
