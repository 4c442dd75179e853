"""The start of the dashboard: what is loaded and written until its first frame, and what that takes."""

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from podium.tui.app import Dashboard
from tests.cli.at_terminal import ROOT, Seen, at_terminal
from tests.tui.stage import Stage, target_at

PROGRAM = """
import json, os, sys
from textual.drivers.linux_driver import LinuxDriver

def write(driver, text):
    if "Home" in text:
        with open(sys.argv[1], "w") as file:
            json.dump({"text": text, "modules": sorted(sys.modules)}, file)
        os._exit(0)

LinuxDriver.write = write
from podium.cli.app import main
sys.exit(main(["dashboard"]))
"""
PARTS = ("Home", "connecting", "Late and failed", "Ahead", "Services", "Pools", "f faults", "c cancel", ": go to")
LATER = {
    "http.client",
    "httpx",
    "markdown_it",
    "podium.client.api",
    "podium.client.nouns.command_lines",
    "podium.client.sockets",
    "podium.wire",
    "pydantic",
    "pygments",
    "rich.markdown",
    "rich.syntax",
    "textual.widgets._data_table",
    "textual.widgets._markdown",
    "textual.widgets._text_area",
    "tree_sitter",
    "typer",
    "websockets",
}
"""What is loaded after the first frame, on use."""
SCREENS = {"podium.tui.screens", "podium.tui.screens.home", "podium.tui.screens.view"}
RUNS = 25
"""At the most; the least counts, as for the budgets of commands."""
BUDGET = 31.0
"""Times the processor time of a Python that does nothing: it is 24; typer alone is 3, a second look at all styles 2."""


class Frame(NamedTuple):
    """What was written first, what was loaded then, and the seconds of processor time it took."""

    text: str
    modules: set[str]
    took: float


@pytest.fixture(scope="module", autouse=True)
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A place for the bytecode, as an installed Podium has it; the first start fills it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


@pytest.fixture
def silent() -> Iterator[str]:
    """The API of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=RUNS * 8) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"


def first_frame(url: str, told: Path) -> Frame:
    """Of `podium dashboard` at this server, which ends then."""
    _, took = processor_time([sys.executable, "-c", PROGRAM, str(told)], PODIUM_API_URL=url)
    found = json.loads(told.read_text())
    return Frame(found["text"], set(found["modules"]), took)


def processor_time(command: list[str], **environ: str) -> tuple[int, float]:
    """The exit code of a command in a terminal, and the seconds it took."""
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40", **environ}
    try:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=follower, stdout=follower, stderr=follower)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        os.close(leader)
        os.close(follower)
    return process.returncode, usage.ru_utime + usage.ru_stime


def test_the_first_frame_is_whole_and_needs_little(silent: str, tmp_path: Path) -> None:
    """The title, the parts and the keys in one write, before anything is loaded that they do not need."""
    frame = first_frame(silent, tmp_path / "frame.json")
    screen = "\n".join(Seen(frame.text, 0).lines)
    assert [part for part in PARTS if part not in screen] == []
    assert frame.modules & LATER == set()
    assert {module for module in frame.modules if module.startswith("podium.tui.screens")} == SCREENS


def test_the_first_frame_is_painted_within_its_budget(silent: str, tmp_path: Path) -> None:
    """In processor time, as so many times that of a Python that does nothing."""
    idle = min(processor_time([sys.executable, "-c", "pass"])[1] for _ in range(5))
    assert any(first_frame(silent, tmp_path / "frame.json").took < BUDGET * idle for _ in range(RUNS))


@pytest.mark.parametrize("options", [[], ["--view", "home"]])
def test_it_begins_alike_with_options_and_without(options: list[str]) -> None:
    """What is wrong is told before the screen is taken, with the same exit code."""
    seen = at_terminal("dashboard", *options, PODIUM_API_URL="nowhere")
    assert seen.code == 2
    assert "PODIUM_API_URL must be" in seen.text
    command = [sys.executable, "-m", "podium", "dashboard", *options]
    piped = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert piped.returncode == 2
    assert piped.stderr.startswith("Error: The dashboard needs a terminal")


async def test_the_server_is_asked_once_the_first_frame_is_painted(silent: str) -> None:
    """Whoever waits for it is told once."""
    told: list[bool] = []
    app = Dashboard(target_at(silent), when_painted=lambda: told.append(app.is_painted))
    async with app.run_test() as pilot:
        stage = Stage(app, pilot)
        await stage.see("STATE", "FLOW")  # the tables come next
        await stage.go("profile")
        await stage.see("Profiles")
        await stage.press("escape")
        await stage.see("Home")
    assert told == [True]
