"""`podium server database` as an operator uses it, on both databases, and the functions behind it."""

import json
import os
import pty
import secrets
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from podium.cli.app import main
from podium.cli.diagnostics import ExitCode
from podium.db import commands
from podium.db.commands import Change
from podium.db.connections import open_engine
from podium.db.diagnosis import diagnose
from podium.db.errors import (
    AuthenticationFailed,
    DatabaseUnreachable,
    MigrationFailed,
    SchemaBehind,
    SchemaTooNew,
    UnknownRevision,
    UnsupportedDatabase,
)
from podium.db.migrations import HEAD
from podium.db.options import Options
from podium.db.urls import is_in_memory, sqlite_path, sync_url
from tests.migrated import migrate

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def no_prefect_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Podium warns that it ignores PREFECT_HOME; these tests count the lines."""
    monkeypatch.delenv("PREFECT_HOME")


@pytest.fixture
def podium(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of `podium server database` on an empty database: exit code, stdout, stderr."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", database_url)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["server", "database", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def execute(url: str, statement: str) -> None:
    engine = open_engine(url, Options())
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def count(url: str, table: str) -> object:
    engine = open_engine(url, Options())
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
    engine.dispose()
    return found


def insert_flow(url: str) -> None:
    now = "now()" if url.startswith("postgresql") else "0"
    workspace = "(SELECT id FROM workspaces)"
    execute(
        url,
        "INSERT INTO flows (id, workspace_id, name, created, updated) "
        f"VALUES ('00000000-0000-0000-0000-00000000000a', {workspace}, 'f', {now}, {now})",
    )


def test_from_nothing_to_up_to_date_and_back(podium: Run) -> None:
    """Upgrade, look, downgrade: each says what it did, on stdout."""
    assert podium("current") == (0, "base (no tables yet)\n", "")
    assert podium("upgrade", "-y") == (0, f"Upgraded from base to {HEAD}.\n", "")
    assert podium("upgrade") == (0, f"The database is at revision {HEAD} already.\n", "")
    assert podium("current") == (0, f"{HEAD} (up to date)\n", "")
    assert podium("downgrade", "-r", "base", "-y") == (0, f"Downgraded from {HEAD} to base.\n", "")
    assert podium("current") == (0, "base (no tables yet)\n", "")


def test_history_marks_where_the_database_is(podium: Run, database_url: str) -> None:
    """Every revision with its title; JSON for programs."""
    migrate(database_url)
    _, shown, _ = podium("history")
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("*")] == [HEAD]
    rows = json.loads(podium("history", "-o", "json")[1])
    assert [row["revision"] for row in rows if row["current"]] == [HEAD]


def test_current_for_programs(podium: Run, database_url: str) -> None:
    """The state is a word of a closed list; passwords are not shown."""
    migrate(database_url)
    answer = json.loads(podium("current", "-o", "json")[1])
    assert (answer["revision"], answer["head"], answer["state"]) == (HEAD, HEAD, "current")


def test_a_dry_run_prints_sql_and_changes_nothing(podium: Run, database_url: str) -> None:
    """Stdout is the script of what would be done."""
    code, script, _ = podium("upgrade", "--dry-run")
    assert code == 0
    assert "CREATE TABLE flow_runs" in script
    assert commands.schema_state(database_url) == "empty"
    migrate(database_url)
    assert "DROP TABLE" in podium("downgrade", "-r", "base", "--dry-run")[1]
    reset = podium("reset", "--dry-run")[1]
    assert reset.index("DROP TABLE") < reset.index("CREATE TABLE")
    assert commands.schema_state(database_url) == "current"
    code, script, note = podium("upgrade", "--dry-run")
    assert (code, script, note) == (0, "", "Nothing to do.\n")


def test_reset_deletes_everything(podium: Run, database_url: str) -> None:
    """Afterwards the database is as new."""
    migrate(database_url)
    insert_flow(database_url)
    assert podium("reset", "-y") == (0, "The database is empty and up to date.\n", "")
    assert count(database_url, "flows") == 0
    assert commands.check(database_url) == []


def test_reset_repairs_what_somebody_broke(podium: Run, database_url: str) -> None:
    """A missing table does not keep it from starting anew."""
    migrate(database_url)
    execute(database_url, "DROP TABLE saved_searches")
    assert podium("reset", "-y")[0] == 0
    assert podium("check")[0] == 0


@pytest.mark.parametrize("command", ["upgrade", "downgrade", "reset"])
def test_without_a_terminal_nothing_is_done_unasked(podium: Run, database_url: str, command: str) -> None:
    """Nobody is there to say yes: exit code 2, and the way to say it."""
    if command != "upgrade":
        migrate(database_url)
    before = commands.schema_state(database_url)
    code, shown, error = podium(command)
    assert (code, shown) == (ExitCode.USAGE, "")
    assert error.count("\n") == 1
    assert "--yes" in error
    assert commands.schema_state(database_url) == before


@pytest.mark.parametrize(("answer", "code", "state"), [("n", 1, "empty"), ("y", 0, "current")])
def test_on_a_terminal_it_asks(sqlite_url: str, answer: str, code: int, state: str) -> None:
    """The question is on stderr; only a yes does it."""
    terminal, theirs = pty.openpty()
    environment = {**os.environ, "PODIUM_SERVER_DATABASE_CONNECTION_URL": sqlite_url, "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "podium.cli", "server", "database", "upgrade"],
        stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    os.close(theirs)
    os.write(terminal, f"{answer}\n".encode())
    shown, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert (process.returncode, commands.schema_state(sqlite_url)) == (code, state)
    assert (b"Upgraded" in shown) == (answer == "y")


def test_check_tells_what_is_wrong(podium: Run, database_url: str) -> None:
    """Exit code 1 and a line for each difference; nothing is said when all is well."""
    assert podium("check")[0] == ExitCode.FAILURE
    migrate(database_url)
    code, shown, error = podium("check")
    assert (code, error) == (0, "")
    assert "all is well" in shown
    execute(database_url, "DROP INDEX ix_flow_runs_name")
    code, shown, error = podium("check")
    assert (code, shown) == (ExitCode.FAILURE, "missing index ix_flow_runs_name of flow_runs\n")
    assert error.count("\n") == 1
    problems = json.loads(podium("check", "-o", "json")[1])["problems"]
    assert problems == ["missing index ix_flow_runs_name of flow_runs"]


def test_tables_of_a_newer_podium_are_left_alone(podium: Run, database_url: str) -> None:
    """One line, exit code 1, and nothing is changed, whatever was asked."""
    migrate(database_url)
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert podium("current")[1].startswith("9999 (not known")
    for arguments in (["upgrade", "-y"], ["downgrade", "-r", "base", "-y"], ["reset", "-y"], ["check"]):
        code, shown, error = podium(*arguments)
        assert (code, shown, error.count("\n")) == (ExitCode.FAILURE, "", 1)
        assert "9999" in error
    with pytest.raises(SchemaTooNew):
        commands.ensure_current(database_url, migrate=True)
    assert commands.current(database_url) == "9999"


def test_a_server_upgrades_what_it_may(database_url: str) -> None:
    """Starting brings the tables up to date, unless that is switched off."""
    with pytest.raises(SchemaBehind, match="podium server database upgrade"):
        commands.ensure_current(database_url, migrate=False)
    assert commands.schema_state(database_url) == "empty"
    commands.ensure_current(database_url, migrate=True)
    commands.ensure_current(database_url, migrate=False)
    assert commands.schema_state(database_url) == "current"


def test_servers_that_start_together_migrate_once(database_url: str) -> None:
    """They wait for each other; each finds the tables up to date."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: commands.ensure_current(database_url, migrate=True), range(4)))
    assert commands.check(database_url) == []
    assert count(database_url, "workspaces") == 1


def test_a_failing_migration_leaves_nothing_behind(podium: Run, database_url: str) -> None:
    """A table of somebody else is in the way: it stays, and ours are not half there."""
    execute(database_url, "CREATE TABLE logs (line TEXT)")
    code, shown, error = podium("upgrade", "-y")
    assert (code, shown, error.count("\n")) == (ExitCode.FAILURE, "", 1)
    assert "rolled back" in error
    assert commands.schema_state(database_url) == "empty"
    assert count(database_url, "logs") == 0
    with pytest.raises(MigrationFailed):
        commands.upgrade(database_url)
    execute(database_url, "DROP TABLE logs")
    assert commands.upgrade(database_url) == Change(None, HEAD)


@pytest.mark.parametrize("arguments", [["upgrade", "-r", "7777"], ["upgrade", "-r", "+99"], ["downgrade", "-r", "+1"]])
def test_a_revision_that_does_not_exist(podium: Run, database_url: str, arguments: list[str]) -> None:
    """Exit code 2, and where to look."""
    migrate(database_url)
    code, _, error = podium(*arguments, "-y")
    assert code == ExitCode.USAGE
    assert "history" in error


def test_up_is_not_down() -> None:
    """Each direction sends to the other command rather than do what was not said."""
    assert commands.resolve("base", HEAD) is None
    assert commands.resolve(HEAD[:4], None) == HEAD
    with pytest.raises(UnknownRevision):
        commands.resolve("", None)


def test_up_to_an_older_revision_is_refused(database_url: str) -> None:
    """Upgrading never loses anything."""
    migrate(database_url)
    with pytest.raises(UnknownRevision, match="downgrade"):
        commands.upgrade(database_url, "base")


def test_looking_creates_no_file(tmp_path: Path) -> None:
    """Asking about a SQLite file that is not there leaves it so."""
    url = f"sqlite:///{tmp_path / 'folder' / 'absent.db'}"
    assert commands.schema_state(url) == "empty"
    assert commands.downgrade(url, "base") == Change(None, None)
    assert list(tmp_path.glob("folder")) == []


def test_a_database_in_memory_is_not_ours_to_work_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It lives in its server only."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:///:memory:")
    assert main(["server", "database", "current"]) == ExitCode.USAGE
    assert "in memory" in capsys.readouterr().err


def test_a_postgresql_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    """One line with the place, not the password."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", f"postgresql://me:canary@127.0.0.1:{free_port}/x")
    assert main(["server", "database", "upgrade", "-y"]) == ExitCode.FAILURE
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(free_port) in error
    assert "canary" not in error


def test_a_user_who_may_not_log_in(postgres_url: str) -> None:
    """It is told apart from a server that does not answer."""
    role = f"podium_test_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} NOLOGIN".encode())
        try:
            with pytest.raises(AuthenticationFailed) as refused:
                commands.schema_state(str(make_url(postgres_url).set(username=role)))
        finally:
            admin.execute(f"DROP ROLE {role}".encode())
    assert role in str(refused.value)


def test_a_postgresql_database_that_does_not_exist(postgres_url: str) -> None:
    """The fix is to create it."""
    with pytest.raises(DatabaseUnreachable, match="createdb"):
        commands.upgrade(f"{postgres_url}_absent")


@pytest.mark.parametrize(
    "message",
    [
        'connection to server at "h" failed: FATAL:  password authentication failed for user "x"',
        "connection failed: fe_sendauth: no password supplied",
        'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "x", database "y", no encryption',
    ],
)
def test_what_postgresql_says_of_a_wrong_password(message: str) -> None:
    """All the ways in which it refuses are one error of ours."""
    error = diagnose("postgresql://x:canary@h/y", psycopg.OperationalError(message))
    assert isinstance(error, AuthenticationFailed)
    assert "canary" not in str(error)
    assert "\n" not in str(error)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """It is left as it is."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(UnsupportedDatabase, match="not a SQLite database"):
        commands.upgrade(f"sqlite:///{path}")
    assert path.read_text().startswith("Dear")


def test_a_folder_that_cannot_be_written() -> None:
    """The line names the path."""
    with pytest.raises(DatabaseUnreachable, match="/proc/nowhere"):
        commands.upgrade("sqlite:////proc/nowhere/podium.db")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite+aiosqlite:////var/lib/podium.db", "sqlite:////var/lib/podium.db"),
        ("sqlite://", "sqlite:///:memory:"),
        ("sqlite+aiosqlite:///file::memory:?cache=shared&uri=true", "sqlite:///:memory:"),
        ("postgres://u@h/n", "postgresql+psycopg://u@h/n"),
        ("postgresql+asyncpg://u:p%40ss@h:1/n?ssl=true", "postgresql+psycopg://u:p%40ss@h:1/n?sslmode=require"),
        ("postgresql+asyncpg://h/n?prepared_statement_cache_size=0", "postgresql+psycopg://h/n"),
        (
            "postgresql+asyncpg://h/n?timeout=3&ssl=verify-full",
            "postgresql+psycopg://h/n?connect_timeout=3&sslmode=verify-full",
        ),
    ],
)
def test_any_spelling_of_a_url_is_understood(url: str, expected: str) -> None:
    """Those of the asynchronous drivers too, with their own options."""
    got, _, options = sync_url(url).partition("?")
    assert (got, set(options.split("&"))) == (expected.partition("?")[0], set(expected.partition("?")[2].split("&")))


@pytest.mark.parametrize("url", ["mysql://me:canary@h/x", "nonsense", "postgresql://me:canary@h:port/x"])
def test_other_urls_are_refused_with_an_example(url: str) -> None:
    """And without their password."""
    with pytest.raises(UnsupportedDatabase, match="sqlite:///") as refused:
        sync_url(url)
    assert "canary" not in str(refused.value)


def test_memory_is_not_a_file() -> None:
    """A database in memory has no path; a file has."""
    assert is_in_memory("sqlite://")
    assert sqlite_path("sqlite://") is None
    assert not is_in_memory("sqlite:///a.db")
    assert sqlite_path("sqlite+aiosqlite:///a.db") == "a.db"
    assert not is_in_memory("postgresql://h/memory")
