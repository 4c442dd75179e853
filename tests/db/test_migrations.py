"""The history of the tables: what it ends in is what the code declares, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from podium.db import commands
from podium.db.connections import open_engine
from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.migrations import HEAD, REVISIONS
from podium.db.migrations.comparison import differences
from podium.db.options import Options
from podium.db.tables import metadata
from podium.db.tables.workspaces import workspaces
from tests.db.catalogue import catalogue
from tests.migrated import migrate


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = open_engine(url, Options())
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def test_the_listed_revisions_are_the_scripts() -> None:
    """The server compares with the list, Alembic runs the scripts: they are the same, in one line."""
    assert tuple(commands.history()) == REVISIONS
    assert REVISIONS[-1] == HEAD


def test_upgrading_an_empty_database_makes_the_declared_tables(database_url: str) -> None:
    """Types, defaults, keys and constraints are as declared."""
    commands.upgrade(database_url)
    with connected(database_url) as connection:
        assert differences(connection) == []


def test_upgrading_makes_exactly_what_the_declaration_would(database_url: str) -> None:
    """Also in what Alembic does not compare: expressions and conditions of indexes, the order of columns."""
    commands.upgrade(database_url)
    with connected(database_url) as connection:
        upgraded = catalogue(connection)
    commands.downgrade(database_url, "base")
    with connected(database_url) as connection:
        assert catalogue(connection) == {}
        metadata.create_all(connection)
        declared = catalogue(connection)
        connection.rollback()
    assert upgraded == declared


def test_down_to_base_and_up_again(database_url: str) -> None:
    """Nothing is left behind on the way down, and the way up works again."""
    commands.upgrade(database_url)
    with connected(database_url) as connection:
        before = catalogue(connection)
    assert commands.downgrade(database_url, "base") == commands.Change(HEAD, None)
    with connected(database_url) as connection:
        assert catalogue(connection) == {}
    assert commands.upgrade(database_url) == commands.Change(None, HEAD)
    with connected(database_url) as connection:
        assert catalogue(connection) == before


def test_the_printed_sql_does_what_the_upgrade_does(database_url: str) -> None:
    """An administrator may run the statements of a dry run by hand."""
    script = commands.migration_sql(database_url, None, HEAD)
    with connected(database_url) as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.executescript(script) if connection.dialect.name == "sqlite" else raw.execute(script)
    assert commands.schema_state(database_url) == "current"
    assert commands.check(database_url) == []


def test_a_new_database_has_the_default_workspace(database_url: str) -> None:
    """There is a workspace to work in, made just now."""
    commands.upgrade(database_url)
    with connected(database_url) as connection:
        (row,) = connection.execute(select(workspaces.c.id, workspaces.c.handle, workspaces.c.created)).all()
    assert (row.id, row.handle) == (DEFAULT_WORKSPACE_ID, "default")
    assert abs(row.created - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_database_in_memory_is_upgraded_on_its_connection() -> None:
    """SQLite in memory exists on one connection only."""
    with connected("sqlite+aiosqlite:///:memory:") as connection:
        commands.upgrade_connection(connection)
        assert commands.revision_of(connection) == HEAD
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        commands.upgrade_connection(connection)


def test_a_comparison_names_what_differs(database_url: str) -> None:
    """A table, a column, an index or a default that someone changed is named."""
    migrate(database_url)
    with connected(database_url) as connection:
        for change in (
            "ALTER TABLE variables DROP COLUMN value",
            "ALTER TABLE flows ADD COLUMN colour TEXT",
            "DROP INDEX ix_flow_runs_name",
            "DROP TABLE saved_searches",
        ):
            connection.exec_driver_sql(change)
        assert set(differences(connection)) >= {
            "missing column variables.value",
            "unknown column flows.colour",
            "missing index ix_flow_runs_name of flow_runs",
            "missing table saved_searches",
        }
        connection.rollback()
