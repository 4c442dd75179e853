"""What an unmodified Prefect server has is copied as it is: `podium import` against one that runs."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.servers import COMMANDS, OwnServer
from podium.db import commands
from tests.e2e.orchard import DEPLOYMENTS, SECRET, plant
from tests.server.conftest import LiveServer, settings_for

pytestmark = pytest.mark.slow  # the other server takes most of a minute to start, and to be planted
SECONDS = 120


@pytest.fixture(scope="module")
def prefect() -> Iterator[str]:
    """The URL of a Prefect server with one of everything, many times over."""
    if not COMMANDS["prefect"].exists():
        pytest.skip("prefect server: .venv-prefect is not set up (make test does it)")
    server = OwnServer("prefect")
    try:
        asyncio.run(server.start())
        url = f"http://{server.target.host}:{server.target.port}/api"
        plant(url)
        yield url
    finally:
        asyncio.run(server.stop())
        server.remove()


@pytest.fixture
def empty(database_url: str) -> Iterator[str]:
    """The URL of a Podium server that has nothing."""
    commands.upgrade(database_url)
    with LiveServer(settings_for(database_url), with_services=False) as live:
        yield live.url


def podium(url: str, home: Path, *arguments: str, code: int = 0) -> str:
    """What a command says to a program; it may not have told a secret to anybody."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "PREFECT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "podium", *arguments],
        env={**environ, "HOME": str(home), "PODIUM_HOME": str(home / ".podium"), "PODIUM_API_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done.stdout


def test_a_copy_equals_its_source_and_is_made_once(prefect: str, empty: str, tmp_path: Path) -> None:
    """Everything by its names, secrets too; a second import finds nothing to do, nor does one back."""
    assert podium(empty, tmp_path, "import", "--from", prefect, "--dry-run", code=7)
    records = json.loads(podium(empty, tmp_path, "import", "--from", prefect, "--yes", "-o", "json"))
    assert {each["result"] for each in records} == {"done"}
    assert sum(each["kind"] == "deployment" for each in records) == DEPLOYMENTS
    kinds = ("--kind", "flow,block-type")
    assert podium(empty, tmp_path, "export") == podium(prefect, tmp_path, "export")
    assert "copied" in podium(empty, tmp_path, "export", *kinds)
    again = podium(empty, tmp_path, "import", "--from", prefect, "--yes", "-o", "json")
    assert json.loads(again) == []
    assert json.loads(podium(prefect, tmp_path, "import", "--from", empty, "--dry-run", "-o", "json")) == []
    with httpx.Client(base_url=empty, follow_redirects=True) as api:
        documents = api.post("/block_documents/filter", json={"include_secrets": True}).json()
    secrets = {each["name"]: each["data"] for each in documents}
    assert secrets["token"] == {"value": SECRET}
    assert secrets["object"] == {"value": {"key": SECRET}}
    assert secrets["mine"] == {"host": "h", "login": {"user": "u", "password": SECRET}}
