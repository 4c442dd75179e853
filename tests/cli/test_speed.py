"""Commands start quickly: measured in processor time, as so many times that of a Python that does nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.garden import plant
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for

RUNS = 25
"""At the most: the least of them counts, and on a busy machine it takes some until one had a processor to itself."""
# 80, 120, 65 (of 120), 150 and, for a list, 210 ms, where a Python that does nothing takes 14.
BUDGETS = {
    "--version": 5.7,
    "--help": 8.6,
    "flow-run ls --help": 8.6,
    "__complete flow-run l": 4.6,
    "config view": 10.7,
}
LISTING = 15.0
NAMES = 8.6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        plant(live.url)
        yield live


@pytest.fixture(scope="module", autouse=True)
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A place for the bytecode of what is measured, as an installed Podium has it; the first run fills it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


def fits(budget: float, *command: str, **environ: str) -> bool:
    """Whether a command takes less than so many times what a Python takes that does nothing.

    Both are measured side by side each time: a machine is slower in one minute than in the one before.
    """
    return any(once(command, environ) < budget * min(once(("-c", "pass"), {}) for _ in range(3)) for _ in range(RUNS))


def once(command: tuple[str, ...], environ: dict[str, str]) -> float:
    process = subprocess.Popen(
        [sys.executable, *command], env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("arguments", BUDGETS)
def test_a_command_starts_within_its_budget(arguments: str) -> None:
    """Help, completion and settings, without a server; completion once it was asked before."""
    assert fits(BUDGETS[arguments], "-m", "podium", *arguments.split())


@pytest.mark.slow  # a machine with more to do than processors makes it dearer than what it is compared with
def test_a_list_starts_within_its_budget(server: LiveServer) -> None:
    """All that is not the server's time."""
    assert fits(LISTING, "-m", "podium", "flow-run", "ls", PODIUM_API_URL=server.url)


@pytest.mark.slow  # as above
def test_names_of_the_server_are_completed_within_their_budget(server: LiveServer, home: Path) -> None:
    """120 ms, and the server's time."""
    assert fits(NAMES, "-m", "podium", "__complete", "flow-run", "inspect", "", PODIUM_API_URL=server.url)
    assert list((home / ".cache" / "podium").glob("words-*.json"))
