"""The tour of README.md, typed at a terminal of 80 columns as it is written there."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import backing
from tests.cli.terminal import Absent, Terminal

pytestmark = pytest.mark.slow  # it installs the client; `make tour` runs it
ROOT = Path(__file__).parents[2]
PORT = "4200"
INSTALLS = 600.0  # seconds that the client may take to be installed


def section(title: str) -> str:
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"^## {re.escape(title)}\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of a text: language and content."""
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def typed(block: str) -> list[str]:
    """The lines of a console that somebody types."""
    return [line.removeprefix("$ ").partition("   # ")[0].rstrip() for line in block.splitlines()]


def free(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


class Visitor:
    """Somebody with a checkout and two terminals. Where the usual port is taken, or /tmp/flows is, there are others."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.port = PORT if free(PORT) else str(backing.free_port())
        self.checkout = folder / "checkout"
        self.flows = folder / "flows"
        self.checkout.mkdir()
        for each in ROOT.iterdir():
            (self.checkout / each.name).symlink_to(each)
        variables = {} if self.port == PORT else {"PORT": self.port, "PODIUM_SERVER_API_PORT": self.port}
        self._stack, self._folder, self._variables = stack, folder, variables
        self.server, self.terminal = self.open(30), self.open(24)

    def open(self, rows: int) -> Terminal:
        """A further terminal."""
        variables = {"PIP_PROGRESS_BAR": "off", **self._variables}
        return self._stack.enter_context(Terminal(self._folder, 80, rows, self.checkout, **variables))

    def here(self, text: str) -> str:
        """A line for this machine."""
        return text.replace(PORT, self.port).replace("/tmp/flows", str(self.flows))  # what README says

    def run(self, line: str) -> str:
        """What a line of README leaves at the second terminal."""
        return self.terminal.run(self.here(line), seconds=INSTALLS if "pip install" in line else 120.0)


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with ExitStack() as stack:
        try:
            yield Visitor(tmp_path, stack)
        except Absent as absent:
            pytest.skip(str(absent))


@pytest.mark.timeout(1200)
def test_five_minutes_with_a_real_flow(visitor: Visitor) -> None:
    """Each command does what the text says; nothing fails, and the names of runs can be copied from the list."""
    tour = section("Five minutes with a real flow")
    start, *rest = blocks(tour)
    assert typed(start[1]) == ["make start"]
    visitor.server.type("make start")
    visitor.server.until("Ctrl+C stops it.")
    name, flow = "", ""
    for language, content in rest:
        if language == "python":
            flow = content
            (visitor.checkout / "hello.py").write_text(content)
            continue
        for line in typed(content):
            if line == "podium dashboard":
                looks_at_the_dashboard(visitor.terminal, name)
                continue
            seen = visitor.run(line.replace("<name>", name))
            if line == "podium server status":
                assert "answers:  yes" in seen
                assert "failing" not in seen
            elif line == "podium flow-run ls":
                heading, first = (re.split(r"  +", row) for row in seen.splitlines()[1:3])
                name = first[heading.index("NAME")]
            elif line.startswith("podium flow-run inspect"):
                assert 'parameters: {"names":["Ada","Grace","Katherine"]}' in seen
                assert "Completed" in seen
            elif line.startswith("podium flow-run logs"):
                assert all(f"prefect.flow_runs: Hello, {who}!" in seen for who in ("Ada", "Grace", "Katherine"))
    assert flow
    assert name
    serves_on_its_own(visitor, tour, flow)
    visitor.server.press("C-c")
    visitor.server.until("^C")


def looks_at_the_dashboard(terminal: Terminal, name: str) -> None:
    """It shows what there is, goes where it is told, and ends by the key that the text names."""
    terminal.clear()
    before = len(terminal.codes)
    terminal.type("podium dashboard")
    terminal.until("Services", 60)
    terminal.keep(terminal.screen)
    terminal.write(":")
    terminal.until("\n :")  # it asks where to
    terminal.write("flow-run")
    terminal.press("Enter")
    terminal.until(name, 60)
    terminal.keep(terminal.screen)
    terminal.press("C-q")
    assert terminal.ended(before) == 0


def serves_on_its_own(visitor: Visitor, tour: str, flow: str) -> None:
    """The last step: the call in the file becomes what the text says, and a run comes by itself."""
    served = re.search(r"`(hello\.serve\(.*?\))`", tour)
    assert served
    call = re.search(r"^    (hello\(.*\))$", flow, re.MULTILINE)
    assert call
    (visitor.checkout / "hello.py").write_text(flow.replace(call[1], served[1]))
    third = visitor.open(20)
    third.type(visitor.here("export PREFECT_API_URL=http://127.0.0.1:4200/api"))
    third.type(f"{visitor.flows}/bin/python hello.py")
    third.until("is being served")
    third.until("Finished in state Completed()", 150)
    third.keep(third.history)
    seen = visitor.run("podium flow-run ls --state completed")
    assert len(seen.splitlines()) == 4
    assert "hello/every-minute" in visitor.run("podium deployment ls")
    assert "<title>Podium" in visitor.run("curl -s http://127.0.0.1:4200")
    third.press("C-c")
    third.until("All deployments have been paused!")
