"""Long work shows a bar with count and rate to whoever watches at a terminal, and nothing to anybody else."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from podium.db.engine import Database
from podium.db.tables.variables import variables as variables_table
from podium.db.unit import Tx
from podium.server.app import create_runtime
from tests.cli.at_terminal import Seen, at_terminal
from tests.cli.conftest import Podium
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.server.rows import Rows

MANY = 300


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    migrate(url)
    return url


@pytest.fixture(scope="module")
def server(url: str) -> Iterator[LiveServer]:
    """A server without background services."""
    with LiveServer(settings_for(url), with_services=False) as live:
        yield live


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write takes a while: what is quick needs no bar, and on a fast machine all of them would be."""
    write = Database.write

    async def slowly(self: Database, *arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0.005)
        return await write(self, *arguments, **options)

    monkeypatch.setattr(Database, "write", slowly)


@pytest.fixture
def file(server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A description of many variables."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    file = tmp_path / "variables.json"
    documents = [{"kind": "variable", "name": f"v_{number}", "spec": {"value": number}} for number in range(MANY)]
    file.write_text(json.dumps(documents))
    return file


@pytest.fixture
def variables(file: Path, url: str) -> Iterator[Path]:
    """Those on the server, and the file that describes them."""

    def plant(tx: Tx) -> None:
        rows = Rows(lambda unit: unit(tx))
        for number in range(MANY):
            rows.add(variables_table, name=f"v_{number}", value=number)

    _write(url, plant)
    yield file
    _write(url, lambda tx: tx.run(delete(variables_table)))


def _write(url: str, unit: Callable[[Tx], Any]) -> None:
    async def write() -> None:
        database = create_runtime(settings_for(url)).database
        await database.write(unit)
        await database.close()

    asyncio.run(write())


def bars(seen: Seen, label: str) -> list[int]:
    """How much was done each time that a bar of this label moved; it is whole, with its rate, in 80 columns."""
    lines = [line for line in seen.lines if line.startswith(label)]
    assert all(len(line) <= 80 for line in lines)
    found = [re.search(r"━ ([\d,]+)/([\d,]+) +[\d.,]+/s \d+:\d\d:\d\d$", line) for line in lines]
    return [int(match[1].replace(",", "")) for match in found if match]


def test_many_are_acted_on(variables: Path) -> None:
    """The bar goes away; what stays is how many it were."""
    seen = at_terminal("variable", "delete", "--all", "--yes")
    done = bars(seen, "Deleted variables")
    assert done
    assert done == sorted(done)
    assert 0 < done[0] < MANY
    assert seen.lines[-1] == f"Deleted {MANY} variables of {MANY}."
    assert seen.code == 0


def test_stdout_is_data_alone(variables: Path, tmp_path: Path) -> None:
    """Also where stderr is a terminal and stdout is not."""
    out = tmp_path / "out.json"
    seen = at_terminal("variable", "delete", "--all", "--yes", "-o", "json", stdout=out)
    assert bars(seen, "Deleted variables")
    assert len(json.loads(out.read_text())) == MANY


def test_nothing_in_a_pipe(podium: Podium, file: Path) -> None:
    """Only the sentence at the end."""
    made = podium("apply", "--yes", "-f", str(file))
    assert (made.code, made.err) == (0, f"{MANY} created.\n")
    gone = podium("variable", "delete", "--all", "--yes")
    assert (gone.out, gone.err) == ("", f"Deleted {MANY} variables of {MANY}.\n")


def test_what_fails_is_told_whole(podium: Podium, variables: Path) -> None:
    """A line for each failure, above the bar."""
    names = [f"v_{number}" for number in range(MANY)]
    podium("variable", "delete", "--yes", "v_7", "v_290")
    seen = at_terminal("variable", "delete", "--yes", *names)
    assert seen.code == 3
    for name in ("v_7", "v_290"):
        assert f"Error: There is no variable '{name}'; `podium variable ls` lists them." in seen.lines
    assert seen.lines[-1] == f"Deleted {MANY - 2} variables of {MANY - 2}."


def test_an_interruption_tells_how_far_it_came(podium: Podium, variables: Path, tmp_path: Path) -> None:
    """And which, to a program."""
    out = tmp_path / "out.json"
    arguments = ("variable", "delete", "--all", "--yes", "-o", "json")
    seen = at_terminal(*arguments, stdout=out, interrupted_at=r"\d+/\d+ ")
    assert seen.code == 130
    told = re.fullmatch(rf"Deleted (\d+) variables? of {MANY}\.", seen.lines[-1])
    assert told is not None
    left = set(podium("variable", "ls", "--limit", "0", "-o", "name").out.splitlines())
    gone = {each["name"] for each in json.loads(out.read_text())}
    assert len(gone) == int(told[1])
    # The one that was under way may be gone as well.
    assert gone.isdisjoint(left)
    assert MANY - len(left) - len(gone) in (0, 1)


def test_apply_and_import(podium: Podium, server: LiveServer, variables: Path, tmp_path: Path) -> None:
    """What is made or changed is counted while it is."""
    variables.write_text(variables.read_text().replace('"value": ', '"value": 1'))
    seen = at_terminal("apply", "--yes", "-f", str(variables))
    assert bars(seen, "Applying")
    assert seen.lines[-1] == f"{MANY} changed."
    other = f"sqlite+aiosqlite:///{tmp_path / 'other.db'}"
    migrate(other)
    with LiveServer(settings_for(other), with_services=False) as live:
        seen = at_terminal("import", "--from", server.url, "--yes", "--kind", "variable", PODIUM_API_URL=live.url)
    assert bars(seen, "Importing")
    assert seen.lines[-1] == f"{MANY} created."


def test_backup(url: str, variables: Path, tmp_path: Path) -> None:
    """It tells the table, and counts rows."""
    seen = at_terminal(
        "server", "database", "backup", str(tmp_path / "b.zip"), PODIUM_SERVER_DATABASE_CONNECTION_URL=url
    )
    assert seen.code == 0, seen.text
    assert any(line.startswith("Backing up") for line in seen.lines[:-1])
    assert "rows of sqlite" in " ".join(seen.lines[-2:])


def test_what_is_quick_has_no_bar(podium: Podium, variables: Path) -> None:
    """A few are told one by one."""
    seen = at_terminal("variable", "delete", "--yes", "v_1", "v_2")
    assert seen.lines == ["Deleted variable 'v_1'.", "Deleted variable 'v_2'."]
