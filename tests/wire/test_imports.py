"""The wire loads quickly, as every command of the client loads some of it."""

import json
import subprocess
import sys

import pytest

PROGRAM = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"


@pytest.mark.parametrize("module", ["flow_runs", "deployments", "decoding"])
def test_an_entity_loads_only_what_it_speaks_of(module: str) -> None:
    """No server library, no standard one that is slow, and not the whole catalogue."""
    command = [sys.executable, "-c", PROGRAM, f"podium.wire.{module}"]
    loaded = set(json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout))
    assert loaded & {"falcon", "sqlalchemy", "alembic", "docket", "textual", "pydantic", "httpx", "asyncio"} == set()
    assert {f"podium.wire.{name}" for name in ("catalogue", "automations", "block_documents", "ui")} & loaded == set()
