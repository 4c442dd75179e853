"""deploy/systemd: the units, read by systemd itself."""

import re
import socket
from pathlib import Path

import httpx
import pytest

from podium.profiles.resolve import load_settings
from podium.server import launch
from tests.cli.processes import ServerProcess
from tests.deploy import commands, compose
from tests.deploy.conftest import Tool

UNITS = sorted((compose.DEPLOY / "systemd").glob("*.service"))
MOST_EXPOSED = 20
"""In tenths, of 100: what `systemd-analyze security` says of a unit that could do anything."""


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit(unit: Path, tool: Tool, tmp_path: Path) -> None:
    """Every line is understood; only the program is not where it will be."""
    text = unit.read_text().replace("/opt/podium/bin/podium", "/bin/true")
    (tmp_path / unit.name).write_text(text)
    result = tool("systemd-analyze", "verify", tmp_path / unit.name)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "@" in unit.name], ids=lambda unit: unit.name)
def test_a_unit_that_stays_is_locked_in_and_comes_back(unit: Path, tool: Tool) -> None:
    """Little is left that it could do beside its work, and it is started again whenever it ends."""
    result = tool("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)
    assert result.returncode == 0, result.stdout[-300:]
    assert {"Restart=always", "Type=notify"} <= set(unit.read_text().splitlines())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_of_podium(unit: Path) -> None:
    """With the instance as its port."""
    (line,) = re.findall(r"^ExecStart=/opt/podium/bin/podium (.*)$", unit.read_text(), re.MULTILINE)
    expected = {
        "podium-api@.service": "podium server start",
        "podium-services@.service": "podium server services start",
        "podium-migrate.service": "podium server database upgrade",
    }
    assert commands.parse(line.replace("%i", "4201").split()) == expected[unit.name]


def test_systemd_is_told_when_the_server_answers(home: Path, free_port: int, sqlite_url: str) -> None:
    """By a message on the socket that it names."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(home / "notify"))
        systemd.settimeout(30)
        variables = {"NOTIFY_SOCKET": str(home / "notify"), "PODIUM_SERVER_DATABASE_CONNECTION_URL": sqlite_url}
        with ServerProcess(home, free_port, **variables) as server:
            assert systemd.recv(100) == b"READY=1"
            assert httpx.get(f"{server.url}/api/health", timeout=10).is_success


def test_the_example_of_settings_suffices_for_several_processes() -> None:
    text = (compose.DEPLOY / "systemd" / "podium.env.example").read_text()
    lines = [line.removeprefix("# ") for line in text.splitlines() if re.match(r"(?:# )?PODIUM_\w+=", line)]
    assert commands.unknown_settings(line.partition("=")[0] for line in lines) == []
    given = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("PODIUM_"))
    launch.check_services(load_settings(environ=given))
