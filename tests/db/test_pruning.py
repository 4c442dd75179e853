"""`podium server database stats` and `prune`, as an operator uses them, on both databases."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.large_data import Scale, fill
from podium.cli.app import main
from podium.cli.diagnostics import ExitCode
from podium.db import commands
from tests import backing
from tests.migrated import migrate

Run = Callable[..., tuple[int, str, str]]
FLOW_RUNS = 300
"""Over 90 days, one in 7.2 hours, with as many task runs, events and twice as many log lines."""

AGE = "31d"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with months of runs; the tests go through it in their order."""
    if request.param == "sqlite":
        yield _filled(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('months') / 'podium.db'}")
    else:
        postgres: backing.Postgres = request.getfixturevalue("postgres")
        with postgres.database() as url:
            yield _filled(url)


def _filled(url: str) -> str:
    migrate(url)
    fill(url, Scale.of(FLOW_RUNS), lambda words: None)
    return url


@pytest.fixture
def podium(filled: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of `podium server database` there: exit code, stdout, stderr."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", filled)
    monkeypatch.delenv("PREFECT_HOME")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["server", "database", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def rows(podium: Run) -> dict[str, int]:
    """How many rows each table has."""
    return {each["table"]: each["rows"] for each in json.loads(podium("stats", "-o", "json")[1])}


def deletions(podium: Run, *options: str) -> dict[str, int]:
    """What would be deleted from each table."""
    code, out, _ = podium("prune", "--dry-run", "-o", "json", *options)
    assert code == 0
    found: dict[str, int] = {}
    for each in json.loads(out):
        found[each["table"]] = found.get(each["table"], 0) + each["rows"]
    return found


def test_stats_say_how_large_the_tables_are(podium: Run) -> None:
    """In 80 columns; for scripts with every table, its bytes, its oldest row and its growth."""
    code, out, _ = podium("stats")
    heading, *lines = out.splitlines()
    assert (code, heading.split()) == (0, ["TABLE", "ROWS", "BYTES", "OLDEST", "ROWS/DAY", "BYTES/DAY"])
    assert max(map(len, lines)) <= 80
    assert "csrf_tokens" not in out
    found = {each["table"]: each for each in json.loads(podium("stats", "-o", "json")[1])}
    runs = found["flow_runs"]
    assert runs["rows"] == FLOW_RUNS
    assert runs["bytes"] > 50_000
    assert "2000" < runs["oldest"] < "9"
    assert found["csrf_tokens"]["rows"] == 0


def test_a_dry_run_says_what_would_go_and_deletes_nothing(podium: Run) -> None:
    """By the settings events of more than a week, and no run."""
    before = rows(podium)
    wanted = deletions(podium)
    assert set(wanted) == {"events", "event_resources"}
    assert wanted["event_resources"] == 3 * wanted["events"]
    assert rows(podium) == before


def test_only_runs_that_ended_so(podium: Run) -> None:
    """And nothing but runs and what is theirs."""
    failed, all_of_them = (deletions(podium, "--older-than", AGE, *more) for more in (("--state", "failed"), ()))
    assert 0 < failed["flow_runs"] < all_of_them["flow_runs"] / 4
    assert "events" not in failed
    assert set(deletions(podium, "--older-than", AGE, "--only", "events")) == {"events", "event_resources"}


def test_prune_deletes_what_the_dry_run_said(podium: Run) -> None:
    """Runs, events and lines of an age, with all that belongs to them; the second time there is nothing left."""
    before, wanted = rows(podium), deletions(podium, "--older-than", AGE)
    assert wanted["flow_runs"] > FLOW_RUNS / 2
    code, out, _ = podium("prune", "--older-than", AGE, "--yes")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert podium("prune", "--older-than", AGE, "--yes")[1] == "Nothing is too old.\n"
    podium("prune", "--yes", "--vacuum")
    after = rows(podium)
    assert {table: before[table] - after[table] for table in wanted} == wanted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--older-than", "3x"), "Error: '3x' is no age: write a number and s, m, h, d or w, such as 30d.\n"),
        (("--older-than", "-1d"), "Error: '-1d' is no age: write a number and s, m, h, d or w, such as 30d.\n"),
        (("--state", "LATE"), "Error: --state: 'LATE' is not one of COMPLETED, FAILED, CRASHED, CANCELLED.\n"),
        (("--only", "cats"), "Error: --only: 'cats' is not one of events, flow_runs, orphans, leftovers.\n"),
    ],
)
def test_mistakes_are_named(
    options: tuple[str, ...],
    message: str,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is done."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", sqlite_url)
    monkeypatch.delenv("PREFECT_HOME")
    assert main(["server", "database", "prune", *options]) == ExitCode.USAGE
    assert capsys.readouterr().err == message


def test_an_older_database_is_not_touched(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has to be upgraded first."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", database_url)
    commands.upgrade(database_url, "0001")
    for command in (("stats",), ("prune", "--yes")):
        assert main(["server", "database", *command]) == ExitCode.FAILURE
        assert "run `podium server database upgrade`" in capsys.readouterr().err


def test_a_sqlite_file_becomes_smaller(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is new by itself; one of an older version when it is written anew, and from then on by itself."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", sqlite_url)
    monkeypatch.setattr("podium.db.retention.sweeping.REST", 0.0)
    path = Path(sqlite_url.partition(":///")[2])
    migrate(sqlite_url)
    fill(sqlite_url, Scale.of(700), lambda words: None)
    before = path.stat().st_size
    assert main(["server", "database", "prune", "--older-than", "1d", "--yes"]) == 0
    by_itself = path.stat().st_size
    assert by_itself < 0.7 * before
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    connection.close()
    assert main(["server", "database", "prune", "--yes", "--vacuum"]) == 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    connection.close()
    assert path.stat().st_size < by_itself
