"""A backup is made of a database in use, is one file for both databases, and is restored whole or not at all."""

import json
import os
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet

from podium.cli.app import main
from podium.cli.diagnostics import ExitCode
from podium.db import commands
from podium.db.backup import restoring
from podium.db.backup.archive import Reader
from podium.db.backup.saving import save
from podium.db.claim import services_claim
from podium.db.connections import open_engine
from podium.db.errors import BackupDamaged, DatabaseNotEmpty
from podium.db.migrations import HEAD, REVISIONS
from podium.db.options import Options
from podium.db.retention.ages import Ages
from podium.db.tables import metadata
from podium.db.types import EPOCH, MICROSECOND
from podium.db.urls import sqlite_path, sync_url
from tests.backing import Postgres
from tests.db.filling import fill
from tests.migrated import migrate

Run = Callable[..., tuple[int, str, str]]
OPTIONS = Options()


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A second empty database, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'other' / 'podium.db'}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database() as url:
        yield url


@pytest.fixture
def filled_url(database_url: str) -> str:
    """A database with rows in every table."""
    migrate(database_url)
    fill(database_url)
    return database_url


@pytest.fixture
def podium(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of `podium server database` on a database: exit code, stdout, stderr."""
    monkeypatch.delenv("PREFECT_HOME")

    def run(url: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", url)
        code = main(["server", "database", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def content(file: Path) -> dict[str, list[Any]]:
    """The rows of a backup by table, in an order of their own, JSON values decoded."""
    found = {}
    with Reader(file) as archive:
        for table in archive.manifest.tables:
            names = [column.name for column in table.columns]
            texts = [place for place, column in enumerate(table.columns) if column.kind == "json"]
            rows = [json.loads(line) for lines in archive.lines(table) for line in lines]
            for row in rows:
                for place in texts:
                    row[place] = None if row[place] is None else json.loads(row[place])
            if table.name == "tally_notes":  # a change of another cluster's is told by its sign
                rows = [[*row[:2], abs(row[2]), *row[3:]] for row in rows]
            found[table.name] = sorted((dict(sorted(zip(names, row, strict=True))) for row in rows), key=json.dumps)
    return found


def execute(url: str, *statements: str) -> None:
    engine = open_engine(url, OPTIONS)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def value(url: str, statement: str) -> Any:
    engine = open_engine(url, OPTIONS)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(statement).scalar()
    engine.dispose()
    return found


def test_every_row_of_every_table_comes_back_in_either_database(
    filled_url: str, other_url: str, tmp_path: Path
) -> None:
    """Backup, restore elsewhere, back up there: the same rows, and the tables as the code declares them."""
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    save(filled_url, OPTIONS, first)
    restoring.restore(other_url, OPTIONS, first)
    save(other_url, OPTIONS, second)
    before, after = content(first), content(second)
    assert set(before) == set(metadata.tables)
    assert {name for name, rows in before.items() if not rows} == set()
    if (filled_url[:6], other_url[:6]) == ("sqlite", "postgr"):
        for name in ("flow_run_tallies", "task_run_tallies"):  # without tags: made anew
            assert after.pop(name) == []
            del before[name]
    assert before == after
    assert commands.check(other_url) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("other_url", ["postgresql"], indirect=True)
def test_runs_that_come_from_sqlite_are_tallied_anew(filled_url: str, other_url: str, tmp_path: Path) -> None:
    """With their tags, which SQLite does not count; the tally of events is as good as it was."""
    horizons = ", ".join(f"('{name}', 0)" for name in ("flow_runs", "task_runs", "events"))
    execute(filled_url, "DELETE FROM tally_horizons", f"INSERT INTO tally_horizons VALUES {horizons}")
    save(filled_url, OPTIONS, tmp_path / "b.zip")
    restoring.restore(other_url, OPTIONS, tmp_path / "b.zip")
    assert value(other_url, "SELECT string_agg(runs, ' ') FROM tally_horizons") == "events"
    assert value(other_url, "SELECT count(*) FROM event_tallies") > 0


def test_a_restored_database_works(filled_url: str, other_url: str, tmp_path: Path) -> None:
    """What counts up goes on after the highest number; triggers and foreign keys are on again."""
    save(filled_url, OPTIONS, tmp_path / "b.zip")
    restoring.restore(other_url, OPTIONS, tmp_path / "b.zip")
    highest = value(other_url, "SELECT max(position) FROM event_deliveries")
    execute(
        other_url,
        "INSERT INTO event_deliveries (workspace_id, consumer, event_id) SELECT workspace_id, consumer, event_id "
        "FROM event_deliveries LIMIT 1",
        "DELETE FROM tally_notes",
        "INSERT INTO tally_horizons SELECT 'flow_runs', max(expected_start_time) FROM flow_runs",
        "UPDATE flow_runs SET state_name = 'X'",
    )
    assert value(other_url, "SELECT max(position) FROM event_deliveries") == highest + 1
    assert value(other_url, "SELECT count(*) FROM tally_notes") >= 1
    execute(other_url, "DELETE FROM flows")
    assert value(other_url, "SELECT count(*) FROM flow_run_states") == 0


def test_a_backup_of_an_older_revision_is_brought_up_to_date(
    database_url: str, sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """Backed up before an upgrade, restored into the other kind of database by the version after it."""
    other_url = postgres_url if database_url == sqlite_url else sqlite_url
    commands.upgrade(database_url, REVISIONS[-2])
    execute(
        database_url,
        "INSERT INTO flows (id, workspace_id, name, created, updated) SELECT "
        "'00000000-0000-0000-0000-00000000000a', id, 'f', created, created FROM workspaces",
    )
    saved = save(database_url, OPTIONS, tmp_path / "b.zip")
    assert saved.manifest.revision == REVISIONS[-2]
    restoring.restore(other_url, OPTIONS, tmp_path / "b.zip")
    assert commands.current(other_url) == HEAD
    assert commands.check(other_url) == []
    assert value(other_url, "SELECT name FROM flows") == "f"


def test_the_commands_say_what_they_did(filled_url: str, tmp_path: Path, podium: Run) -> None:
    """Backup, verify, restore over what is there; a file only its owner may read, nothing left beside it."""
    file = tmp_path / "kept" / "b.zip"
    file.parent.mkdir()
    code, said, talk = podium(filled_url, "backup", str(file), "-o", "json")
    assert (code, talk) == (0, "")
    answer = json.loads(said)
    assert (answer["revision"], answer["key"], answer["tables"]["flow_runs"]) == (HEAD, "no", 4)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == ["b.zip"]
    code, said, _ = podium(filled_url, "verify", str(file))
    assert code == 0
    assert said.startswith(f"{file}: whole; ")
    code, said, talk = podium(filled_url, "restore", str(file))
    assert (code, said) == (ExitCode.CONFLICT, "")
    assert "holds" in talk
    assert "--force" in talk
    execute(filled_url, "DELETE FROM flows")
    code, said, talk = podium(filled_url, "restore", str(file), "--force", "--yes")
    assert "block documents cannot be read" in talk  # those of this test are no ciphers
    assert f"{answer['rows']} rows restored" in said
    assert value(filled_url, "SELECT count(*) FROM flows") == 4


def test_nothing_is_replaced_unasked(filled_url: str, tmp_path: Path, podium: Run) -> None:
    """A file that is there stays, unless --force is given."""
    file = tmp_path / "b.zip"
    file.write_text("mine")
    code, _, talk = podium(filled_url, "backup", str(file))
    assert code == ExitCode.CONFLICT
    assert "--force" in talk
    assert file.read_text() == "mine"
    assert podium(filled_url, "backup", str(file), "--force")[0] == 0
    assert podium(filled_url, "verify", str(file))[0] == 0


def test_a_file_or_folder_that_is_not_there(filled_url: str, tmp_path: Path, podium: Run) -> None:
    """Each says so, with the exit code for it; an empty database has nothing to keep."""
    assert podium(filled_url, "backup", str(tmp_path / "no" / "b.zip"))[0] == ExitCode.NOT_FOUND
    assert podium(filled_url, "verify", str(tmp_path / "b.zip"))[0] == ExitCode.NOT_FOUND
    assert podium(filled_url, "restore", str(tmp_path / "b.zip"))[0] == ExitCode.NOT_FOUND
    code, _, talk = podium(f"sqlite:///{tmp_path}/none.db", "backup", str(tmp_path / "b.zip"))
    assert code == ExitCode.FAILURE
    assert "no tables" in talk
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("damage", ["cut", "text", "byte", "row", "newer", "stranger"])
def test_a_damaged_backup_is_refused_and_changes_nothing(sqlite_url: str, tmp_path: Path, damage: str) -> None:
    """Whatever happened to the file: verifying and restoring say so, and the database is what it was."""
    migrate(sqlite_url)
    fill(sqlite_url)
    file = tmp_path / "b.zip"
    save(sqlite_url, OPTIONS, file)
    _damage(file, damage)
    with pytest.raises(BackupDamaged):
        restoring.verify(file)
    with pytest.raises(BackupDamaged):
        restoring.restore(sqlite_url, OPTIONS, file, force=True)
    assert value(sqlite_url, "SELECT count(*) FROM flow_runs") == 4


def _damage(file: Path, damage: str) -> None:
    data = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "text":
        file.write_text("this is no backup")
    elif damage == "byte":
        with zipfile.ZipFile(file) as archive:
            place = archive.getinfo("tables/flow_runs.jsonl").header_offset
        data[place + 120] ^= 0xFF
        file.write_bytes(data)
    else:
        _rewrite(file, damage)


def _rewrite(file: Path, damage: str) -> None:
    """A valid archive with something else in it."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if damage == "row":
        members["tables/flow_runs.jsonl"] = b"".join(members["tables/flow_runs.jsonl"].splitlines(True)[1:])
    elif damage == "newer":
        members["manifest.json"] = members["manifest.json"].replace(b'"version": 1', b'"version": 2')
    else:
        members["manifest.json"] = b"{}"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_restore_that_fails_leaves_postgresql_as_it_was(postgres_url: str, tmp_path: Path) -> None:
    """Also one that fails at its last table: everything is one transaction."""
    migrate(postgres_url)
    fill(postgres_url)
    file = tmp_path / "b.zip"
    save(postgres_url, OPTIONS, file)
    with zipfile.ZipFile(file) as archive:
        last = Reader(file).manifest.tables[-1].name
        members = {name: archive.read(name) for name in archive.namelist()}
    members[f"tables/{last}.jsonl"] = b""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(BackupDamaged, match=last):
        restoring.restore(postgres_url, OPTIONS, file, force=True)
    assert value(postgres_url, "SELECT count(*) FROM flow_runs") == 4
    assert commands.check(postgres_url) == []


def test_a_restore_waits_for_no_server_and_disturbs_none(database_url: str, tmp_path: Path, podium: Run) -> None:
    """Where one works with the database, nothing is done."""
    migrate(database_url)
    save(database_url, OPTIONS, tmp_path / "b.zip")
    claim = services_claim(database_url, OPTIONS)
    assert claim.take()
    try:
        code, _, talk = podium(database_url, "restore", str(tmp_path / "b.zip"))
    finally:
        claim.release()
    assert code == ExitCode.CONFLICT
    assert "stop" in talk


def test_a_database_that_only_a_server_has_touched_is_empty(database_url: str, tmp_path: Path) -> None:
    """What a server writes by itself is in nobody's way; what somebody made is."""
    migrate(database_url)
    save(database_url, OPTIONS, tmp_path / "b.zip")
    execute(database_url, "INSERT INTO api_presence (id, since, seen) SELECT 1, created, created FROM workspaces")
    restoring.restore(database_url, OPTIONS, tmp_path / "b.zip")
    execute(
        database_url,
        "INSERT INTO flows (id, workspace_id, name, created, updated) SELECT "
        "'00000000-0000-0000-0000-00000000000a', id, 'f', created, created FROM workspaces",
    )
    with pytest.raises(DatabaseNotEmpty, match="flows"):
        restoring.restore(database_url, OPTIONS, tmp_path / "b.zip")


def test_a_bad_text_of_another_program_fails_no_backup(sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    """What is no UTF-8 or no JSON in SQLite becomes what can be stored everywhere."""
    migrate(sqlite_url)
    fill(sqlite_url)
    with sqlite3.connect(str(sqlite_path(sqlite_url))) as connection:
        connection.execute("UPDATE flows SET name = CAST(x'66ff00' AS TEXT), tags = 'no json' WHERE name = 'plain0'")
    connection.close()
    save(sqlite_url, OPTIONS, tmp_path / "b.zip")
    restoring.restore(postgres_url, OPTIONS, tmp_path / "b.zip")
    assert value(postgres_url, "SELECT tags::text FROM flows WHERE name LIKE 'f%%'") == "null"


def block(url: str, key: str) -> None:
    """Makes the one block document of the database one that the key opens."""
    token = Fernet(key).encrypt(b"{}").decode()
    execute(url, f"UPDATE block_documents SET data = '{token}'")


def test_the_key_of_blocks_goes_along(sqlite_url: str, other_url: str, tmp_path: Path, podium: Run) -> None:
    """The key beside the SQLite file is in the backup, and where a restored server looks for it afterwards."""
    key = Fernet.generate_key().decode()
    migrate(sqlite_url)
    fill(sqlite_url)
    block(sqlite_url, key)
    Path(f"{sqlite_path(sqlite_url)}.key").write_text(f"{key}\n")
    file = tmp_path / "b.zip"
    code, said, talk = podium(sqlite_url, "backup", str(file), "-o", "json")
    assert (code, talk, json.loads(said)["key"]) == (0, "", "file")
    code, said, _ = podium(other_url, "restore", str(file), "-o", "json")
    assert (code, json.loads(said)["unreadable_blocks"]) == (0, 0)


def test_a_key_that_is_left_out_is_named(sqlite_url: str, tmp_path: Path, podium: Run) -> None:
    """The backup says what else to keep; verifying and restoring, that it is missing, and how to give it."""
    key = Fernet.generate_key().decode()
    migrate(sqlite_url)
    fill(sqlite_url)
    block(sqlite_url, key)
    Path(f"{sqlite_path(sqlite_url)}.key").write_text(f"{key}\n")
    file, other = tmp_path / "b.zip", f"sqlite:///{tmp_path}/other.db"
    code, said, talk = podium(sqlite_url, "backup", str(file), "--without-key", "-o", "json")
    assert (code, json.loads(said)["key"]) == (0, "no")
    assert "podium.db.key" in talk
    assert key.encode() not in file.read_bytes()
    code, _, talk = podium(other, "verify", "--rehearse", str(file))
    assert code == ExitCode.FAILURE
    assert "PODIUM_SERVER_ENCRYPTION_KEY" in talk
    code, _, talk = podium(other, "restore", str(file))
    assert code == ExitCode.FAILURE
    assert "4 of 4 block documents cannot be read" in talk


def test_a_key_beside_the_target_stays_and_the_restored_one_decrypts(sqlite_url: str, tmp_path: Path) -> None:
    """Two keys: the one in the file goes on encrypting, the one of the backup is in the database."""
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    migrate(sqlite_url)
    fill(sqlite_url)
    block(sqlite_url, old)
    Path(f"{sqlite_path(sqlite_url)}.key").write_text(f"{old}\n")
    save(sqlite_url, OPTIONS, tmp_path / "b.zip")
    other = tmp_path / "other.db"
    Path(f"{other}.key").write_text(f"{new}\n")
    done = restoring.restore(f"sqlite:///{other}", OPTIONS, tmp_path / "b.zip")
    assert done.unreadable == 0
    assert Path(f"{other}.key").read_text() == f"{new}\n"


def test_writers_go_on_during_a_backup_and_are_not_in_it(postgres_url: str, tmp_path: Path) -> None:
    """Its locks are those of a reader: writing and reading go on meanwhile."""
    migrate(postgres_url)
    fill(postgres_url)
    with psycopg.connect(sync_url(postgres_url).replace("+psycopg", ""), autocommit=True) as writer:

        def write(table: str, done: int, total: int) -> None:
            writer.execute("SET statement_timeout = 2000")
            writer.execute("UPDATE flow_runs SET name = 'renamed'")

        save(postgres_url, OPTIONS, tmp_path / "b.zip", progress=write)
    names = {row["name"] for row in content(tmp_path / "b.zip")["flow_runs"]}
    assert "renamed" not in names


def test_rows_of_the_past_get_partitions(sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    """So that they are deleted whole when they are too old, as if they had been written where they are now."""
    migrate(sqlite_url)
    fill(sqlite_url)
    now = datetime.now(UTC)
    for days in range(4):
        moment = (now - timedelta(days=days) - EPOCH) // MICROSECOND
        execute(sqlite_url, f"UPDATE events SET occurred = {moment} WHERE event LIKE '%{days}'")
    save(sqlite_url, OPTIONS, tmp_path / "b.zip")
    ages = Ages(events=timedelta(days=7), flow_runs=timedelta(days=7), leftovers=timedelta(days=7))
    restoring.restore(postgres_url, OPTIONS, tmp_path / "b.zip", ages=ages)
    assert value(postgres_url, "SELECT count(*) FROM events") == 4
    assert value(postgres_url, "SELECT count(*) FROM events_other") == 0
    assert commands.check(postgres_url) == []
