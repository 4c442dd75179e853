"""PostgreSQL's partitions of events and logs: made ahead, dropped whole, and never needed for storing anything."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from podium.db import commands
from podium.db.connections import open_engine
from podium.db.ids import DEFAULT_WORKSPACE_ID, new_id
from podium.db.options import Options
from podium.db.partitions import PARTS, Partition, make_partition, partitions_of, width_for
from podium.db.retention.ages import Ages
from podium.db.retention.rules import RULES
from podium.db.retention.sweeping import carry_out, make_partitions
from podium.db.tables.events import events
from podium.db.tables.logs import logs
from podium.db.unit import Tx
from podium.server.app import create_runtime
from tests.server.conftest import LiveServer, Units, settings_for
from tests.server.rows import Rows

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AGES = Ages(events=7 * DAY, flow_runs=90 * DAY, leftovers=30 * DAY, logs=14 * DAY)


@pytest.fixture
def units(migrated_postgres: str, postgres: Any) -> Iterator[Units]:
    """A PostgreSQL database of the test's own, at noon of a Wednesday in June."""
    with postgres.database(template=migrated_postgres.rpartition("/")[2]) as url:
        loop = asyncio.new_event_loop()
        runtime = create_runtime(settings_for(url))
        runtime.database.clock = lambda: NOW
        try:
            yield Units(runtime, loop.run_until_complete)
        finally:
            loop.run_until_complete(runtime.database.close())
            loop.close()


def prepare(units: Units, at: datetime = NOW) -> None:
    units.database.clock = lambda: at
    units.run(make_partitions(units.database, AGES, MINUTE))


def names(units: Units, table: Any = events) -> list[str]:
    return [each.name for each in units.read(partitions_of, table)]


def vacuum(units: Units, *words: str, ages: Ages = AGES) -> None:
    units.run(carry_out(units.database, [rule for rule in RULES if rule.word in words], ages, 50))


def happen(units: Units, *moments: datetime) -> list[str]:
    """Events that occurred then."""
    ids = [new_id() for _ in moments]

    def unit(tx: Tx) -> None:
        for event_id, moment in zip(ids, moments, strict=True):
            key = {"workspace_id": tx.workspace_id, "occurred": moment, "resource_id": "r", "resource": {}}
            more = {"related": [], "payload": {}, "received": moment, "recorded": moment}
            tx.run(events.insert().values(id=event_id, event="e", **key, **more))
            part = {"event_id": event_id, "position": 0, "resource_role": ""}
            tx.run(text("INSERT INTO event_resources (event_id, position, occurred, workspace_id, resource_id,"
                        " resource_role) VALUES (:event_id, :position, :occurred, :workspace_id, 'r', :resource_role)"),
                   part | {"occurred": moment, "workspace_id": tx.workspace_id})  # fmt: skip

    units.write(unit)
    return ids


def where(units: Units, table: str = "events") -> dict[str, str]:
    """The partition that each event is in."""
    key = "id" if table == "events" else "event_id"
    rows = units.all(text(f"SELECT {key} AS id, tableoid::regclass::text AS part FROM {table}"))
    return {row["id"]: row["part"] for row in rows}


@pytest.mark.parametrize(
    ("days", "width"),
    [(0.001, MINUTE / 6), (1, timedelta(hours=1) * 24), (7, DAY), (30, 7 * DAY), (90, 7 * DAY), (365, 28 * DAY)],
)
def test_the_number_of_partitions_is_bounded(days: float, width: timedelta) -> None:
    """A period of retention has fourteen at most, of days, weeks or such."""
    found = width_for(days * DAY)
    assert found <= width
    assert found * PARTS >= days * DAY


def test_partitions_are_made_ahead_and_for_both_tables_of_events(units: Units) -> None:
    """Days for events that are kept for a week; weeks for lines that are kept for two, from the day it is."""
    prepare(units)
    assert names(units) == ["events_20260617", "events_20260618", "events_20260619", "events_other"]
    assert names(units, logs) == ["logs_20260617", "logs_20260618", "logs_20260619", "logs_other"]
    prepare(units)
    prepare(units, NOW + DAY)
    assert names(units)[-2:] == ["events_20260620", "events_other"]
    [today, *_] = units.read(partitions_of, events)
    assert today == Partition("events_20260617", datetime(2026, 6, 17, tzinfo=UTC), datetime(2026, 6, 18, tzinfo=UTC))


def test_every_moment_has_a_place(units: Units) -> None:
    """Also before partitions were made, long ago and far ahead; what came too early is moved where it belongs."""
    early = happen(units, NOW, NOW - 400 * DAY, NOW + 4000 * DAY, NOW + DAY)
    assert set(where(units).values()) == {"events_other"}
    prepare(units)
    late = happen(units, NOW + DAY, NOW - 400 * DAY)
    for table in ("events", "event_resources"):
        places = where(units, table)
        found = [places[each].removeprefix(f"{table}_") for each in early + late]
        assert found == ["20260617", "other", "other", "20260618", "20260618", "other"]
    assert commands.check(str(units.runtime.settings.server.database.connection_url)) == []


def test_where_there_is_too_much_to_move_it_stays(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was off for long makes the partitions of later all the same, and old rows go one by one."""
    monkeypatch.setattr("podium.db.partitions.MOST_MOVED", 1)
    happen(units, NOW, NOW + MINUTE)
    prepare(units)
    assert names(units) == ["events_20260618", "events_20260619", "events_other"]
    units.database.clock = lambda: NOW + 8 * DAY
    vacuum(units, "events")
    assert where(units) == {}


def test_what_is_past_is_dropped_whole(units: Units) -> None:
    """When all of it is older than the age, not before; of both tables at once."""
    prepare(units)
    [old, young] = happen(units, NOW, NOW + DAY)
    units.database.clock = lambda: NOW + 7 * DAY + MINUTE
    vacuum(units, "events")
    assert set(where(units)) == {old, young}
    units.database.clock = lambda: NOW + 8 * DAY
    vacuum(units, "events")
    assert set(where(units)) == set(where(units, "event_resources")) == {young}
    assert "events_20260617" not in names(units)


def test_exactly_where_somebody_asks(units: Units) -> None:
    """Row by row, in a partition of which a part is not old enough."""
    prepare(units)
    [_, young] = happen(units, NOW, NOW + MINUTE)
    units.database.clock = lambda: NOW + 7 * DAY + MINUTE
    vacuum(units, "events", ages=Ages(7 * DAY, 90 * DAY, 30 * DAY, exact=True))
    assert set(where(units)) == set(where(units, "event_resources")) == {young}


def test_a_partition_with_work_that_waits_is_kept(units: Units) -> None:
    """The others in it go one by one."""
    prepare(units)
    [waits, _] = happen(units, NOW, NOW)

    def deliver(tx: Tx) -> None:
        tx.run(text("UPDATE events SET recorded = :now"), now=NOW + 8 * DAY)
        tx.run(
            text("INSERT INTO event_deliveries (workspace_id, consumer, event_id, occurred) VALUES (:w, 'c', :e, :o)"),
            {"w": DEFAULT_WORKSPACE_ID, "e": waits, "o": NOW},
        )

    units.write(deliver)
    units.database.clock = lambda: NOW + 9 * DAY
    vacuum(units, "events")
    assert where(units) == {waits: "events_20260617"}


def test_lines_of_a_live_run_keep_their_partition(units: Units) -> None:
    """The lines of others in it go; when the run is over it goes as a whole. Without an age only empty ones do."""
    rows = Rows(units.write)
    flow = rows.flow()
    live, over = (rows.flow_run(flow, state=state) for state in ("RUNNING", "FAILED"))
    prepare(units)
    for run in (live, over):
        rows.add(logs, flow_run_id=run, timestamp=NOW, level=20, name="l", message="m")
    units.database.clock = lambda: NOW + 16 * DAY
    vacuum(units, "leftovers", ages=Ages(7 * DAY, 90 * DAY, 30 * DAY))
    assert names(units, logs) == ["logs_20260617", "logs_other"]
    vacuum(units, "leftovers")
    assert units.all(text("SELECT flow_run_id FROM logs")) == [{"flow_run_id": live}]
    units.write(lambda tx: tx.run(text("UPDATE flow_runs SET state_type = 'FAILED'")))
    vacuum(units, "leftovers")
    assert names(units, logs) == ["logs_other"]


def test_two_processes_make_one_partition(units: Units) -> None:
    """The second leaves it to the first."""
    start, end = datetime(2026, 6, 17, tzinfo=UTC), datetime(2026, 6, 18, tzinfo=UTC)

    async def both() -> list[bool]:
        return list(await asyncio.gather(*(units.database.write(make_partition, "logs", start, end) for _ in range(4))))

    assert units.run(both()).count(True) == 1


def test_a_lock_that_somebody_holds_is_not_waited_for_long(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others would wait behind: it is tried again, and then left to the next round."""
    prepare(units)
    url = units.runtime.settings.server.database.connection_url
    engine = open_engine(str(url), Options())
    units.database.clock = lambda: NOW + 20 * DAY
    monkeypatch.setattr("podium.db.retention.sweeping.TRIES", 2)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT 1 FROM events LIMIT 1")
        with pytest.raises(Exception, match="lock timeout"):
            vacuum(units, "events")
    engine.dispose()
    vacuum(units, "events")
    assert names(units) == ["events_other"]


def test_partitions_may_be_dropped_while_others_delete(units: Units) -> None:
    """Whoever has just listed one that is gone looks again."""
    rows = Rows(units.write)
    flow = rows.flow()
    clock = [NOW]
    units.database.clock = lambda: clock[0]
    for _ in range(12):
        run = rows.flow_run(flow, state="COMPLETED", end_time=NOW - 400 * DAY)
        rows.add(logs, flow_run_id=run, timestamp=NOW, level=20, name="l", message="m")

    async def come_and_go() -> None:
        for _ in range(6):
            clock[0] += 5 * DAY
            await make_partitions(units.database, AGES, MINUTE)
            await carry_out(units.database, [rule for rule in RULES if rule.word == "leftovers"], AGES, 50)

    async def delete() -> None:
        while clock[0] < NOW + 25 * DAY:
            await carry_out(units.database, [rule for rule in RULES if rule.word == "flow_runs"], AGES, 1)
            await carry_out(units.database, [rule for rule in RULES if rule.word == "events"], AGES, 1)

    async def both() -> None:
        await asyncio.gather(come_and_go(), delete())

    units.run(both())
    assert units.all(text("SELECT 1 FROM flow_runs")) == units.all(text("SELECT 1 FROM logs")) == []


def test_a_server_makes_them_at_its_start(units: Units) -> None:
    """Before the first request, also one that runs no services."""
    url = str(units.runtime.settings.server.database.connection_url)
    with LiveServer(settings_for(url), with_services=False):
        assert len(names(units)) > 2


def rows_of(connection: Connection, table: str) -> list[Any]:
    return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]


def test_the_rows_of_an_older_version_are_kept_as_they_are(postgres_url: str) -> None:
    """The upgrade takes what was there, with any date, into the partition of the past; the way back keeps them too."""
    commands.upgrade(postgres_url, "0002")
    engine = open_engine(postgres_url, Options())
    dates = ("now()", "now() - interval '3 years'", "now() + interval '3 years'", "'0044-03-15 00:00:00+00 BC'")
    with engine.begin() as connection:
        for number, date in enumerate(dates):
            key = f"'00000000-0000-0000-0000-00000000000{number}'"
            workspace = f"'{DEFAULT_WORKSPACE_ID}'"
            empty = "'{}', '[]', '{}', NULL, now(), now()"
            for statement in (
                f"INSERT INTO events VALUES ({key}, {workspace}, {date}, 'e', 'r', {empty})",
                f"INSERT INTO event_resources VALUES ({key}, 0, {date}, {workspace}, 'r', '', '{{}}')",
                f"INSERT INTO logs VALUES ({key}, {workspace}, {date}, 20, 'l', 'm', {key}, NULL, now())",
                f"INSERT INTO event_deliveries (workspace_id, consumer, event_id) VALUES ({workspace}, 'c', {key})",
            ):
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("DELETE FROM events WHERE occurred < '0001-01-01'")
        connection.exec_driver_sql("DELETE FROM event_resources WHERE occurred < '0001-01-01'")
        connection.exec_driver_sql("DELETE FROM logs WHERE timestamp < '0001-01-01'")
        before = {table: rows_of(connection, table) for table in ("events", "event_resources", "logs")}
    commands.upgrade(postgres_url)
    assert commands.check(postgres_url) == []
    with engine.begin() as connection:
        assert {table: rows_of(connection, table) for table in before} == before
        assert len(rows_of(connection, "events_before")) == 2
        assert len(rows_of(connection, "logs_other")) == 1
        known = connection.exec_driver_sql("SELECT count(occurred) FROM event_deliveries").scalar()
        assert known == 3
    commands.downgrade(postgres_url, "0002")
    with engine.begin() as connection:
        assert {table: rows_of(connection, table) for table in before} == before
    engine.dispose()
