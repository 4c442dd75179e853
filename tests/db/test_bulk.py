"""Many rows at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from podium.db.bulk import (
    CHUNK,
    as_array,
    insert_many,
    insert_new,
    insert_stored,
    put_many,
    put_missing,
    put_newest,
    set_many,
    stored,
)
from podium.db.engine import Database
from podium.db.ids import DEFAULT_WORKSPACE_ID, canonical_id, new_id, new_ids
from podium.db.tables.events import events
from podium.db.tables.flows import flows
from podium.db.tables.logs import logs
from podium.db.tables.services import service_heartbeats
from podium.db.tables.task_runs import task_runs
from podium.db.unit import Tx
from tests.migrated import migrate

NOW = datetime(2024, 5, 6, 12, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def run(database_url: str) -> Any:
    """Runs a writing unit on a migrated database."""
    migrate(database_url)

    def write(unit: Any) -> Any:
        async def work() -> Any:
            database = Database(database_url)
            try:
                return await database.write(unit)
            finally:
                await database.close()

        return asyncio.run(work())

    return write


def test_rows_are_stored_as_a_plain_insert_would(run: Any) -> None:
    """Ids, times, JSON, nulls and text with every special character."""
    odd = "tab\t newline\n return\r backslash \\ \\N quote ' \" ü 🎼"

    def unit(tx: Tx) -> tuple[Any, Any]:
        flow_columns = ("id", "workspace_id", "name", "tags", "labels", "created", "updated")
        insert_many(tx, flows, flow_columns, [(new_id(), tx.workspace_id, odd, [odd], {"k": odd}, NOW, NOW)])
        columns = ("id", "workspace_id", "timestamp", "level", "name", "message", "flow_run_id", "created")
        lines = [(new_id(), tx.workspace_id, NOW + timedelta(seconds=n), n, "n", odd, None, NOW) for n in range(3)]
        insert_many(tx, logs, columns, lines)
        insert_many(tx, logs, columns, [])
        return tx.all(select(flows)), tx.all(select(logs).order_by(logs.c.timestamp))

    [flow], lines = run(unit)
    assert (flow["name"], flow["created"]) == (odd, NOW)
    assert [(line["level"], line["message"], line["flow_run_id"]) for line in lines] == [
        (n, odd, None) for n in range(3)
    ]
    assert lines[2]["timestamp"] == NOW + timedelta(seconds=2)


def test_a_wrong_row_stores_none(run: Any) -> None:
    """The unit fails as a whole."""

    def unit(tx: Tx) -> None:
        columns = ("id", "workspace_id", "timestamp", "level", "name", "message", "created")
        good = (new_id(), tx.workspace_id, NOW, 1, "n", "m", NOW)
        insert_many(tx, logs, columns, [good, (*good[:5], None, NOW)])

    with pytest.raises(IntegrityError):
        run(unit)
    assert run(lambda tx: tx.all(select(logs))) == []


def test_ids_made_together_sort_in_their_order() -> None:
    """They are version 7 UUIDs, all different from those of another call."""
    ids = new_ids(1000)
    assert ids == sorted(ids)
    assert len({*ids, *new_ids(1000)}) == 2000
    assert all(canonical_id(each) == each and each[14] == "7" for each in ids)
    assert new_ids(0) == []


def test_rows_that_exist_are_left_out_and_told(run: Any) -> None:
    """Only what no uniqueness keeps out is inserted; values are stored as by a plain insert."""

    def row(name: str, tags: list[str]) -> dict[str, Any]:
        shared = {"workspace_id": DEFAULT_WORKSPACE_ID, "created": NOW, "updated": NOW}
        return {"id": new_id(), "name": name, "tags": tags, "labels": {"a": 'quo"te ö'}, **shared}

    def unit(tx: Tx) -> Any:
        first = [row("one", ["a"]), row("two", [])]
        again = [row("two", ["b"]), row("three", ["c"])]
        assert insert_new(tx, flows, []) == []
        assert sorted(insert_new(tx, flows, first)) == sorted(each["id"] for each in first)
        assert insert_new(tx, flows, again) == [again[1]["id"]]
        tx.run(flows.insert().values(row("plain", ["a"])))
        columns = (flows.c.name, flows.c.tags, flows.c.labels, flows.c.created)
        return tx.all(select(*columns).order_by(flows.c.name))

    stored = run(unit)
    assert [(each["name"], bytes(each["tags"])) for each in stored] == [
        ("one", b'["a"]'), ("plain", b'["a"]'), ("three", b'["c"]'), ("two", b"[]")
    ]  # fmt: skip
    assert {bytes(each["labels"]).replace(b" ", b"") for each in stored} == {'{"a":"quo\\"teö"}'.encode()}
    assert {each["created"] for each in stored} == {NOW}


def test_any_number_of_rows_is_inserted_with_what_they_share_and_what_not(run: Any) -> None:
    """One row, a whole number of statements and more; values that all rows share, nothing among them, and others."""

    def unit(tx: Tx, count: int) -> list[tuple[Any, ...]]:
        shared = {"workspace_id": DEFAULT_WORKSPACE_ID, "tags": [f"{count}"], "created": NOW}
        rows = [
            {"id": new_id(), "name": f"{count} {n:03}", "labels": {"n": n}, "updated": NOW + timedelta(n), **shared}
            for n in range(count)
        ]
        assert len(set(insert_new(tx, flows, rows[1:]))) == count - 1
        assert insert_new(tx, flows, [rows[0], rows[0]]) == [rows[0]["id"]]
        stored = tx.all(select(flows).where(flows.c.name.startswith(f"{count} ")).order_by(flows.c.name))
        return [(bytes(row["tags"]), bytes(row["labels"]), row["created"], row["updated"]) for row in stored]

    for count in (1, 2, CHUNK + 1, 2 * CHUNK + 2):
        stored = run(lambda tx, count=count: unit(tx, count))
        assert len(stored) == count
        for n, (tags, labels, created, updated) in enumerate(stored):
            assert (tags, labels.replace(b" ", b"")) == (b'["%d"]' % count, b'{"n":%d}' % n)
            assert (created, updated) == (NOW, NOW + timedelta(n))


def test_rows_are_put_in_place_of_those_with_the_same_key(run: Any) -> None:
    """By one statement, moments, numbers and nothing at all included."""

    def beat(name: str, **values: Any) -> dict[str, Any]:
        empty = {"last_started": None, "duration": None, "last_error": None}
        return {"name": name, "process": "p", "interval": 1.5, **empty, **values}

    def unit(tx: Tx) -> Any:
        key = ("name", "process")
        put_many(tx, service_heartbeats, [], key)
        put_many(tx, service_heartbeats, [beat("a", last_error="x"), beat("b", duration=0.25)], key)
        put_many(tx, service_heartbeats, [beat("a", last_started=NOW), beat("c")], key)
        table = service_heartbeats.c
        columns = (table.name, table.interval, table.last_started, table.duration, table.last_error)
        return [tuple(row.values()) for row in tx.all(select(*columns).order_by(table.name))]

    assert run(unit) == [
        ("a", 1.5, NOW, None, None),
        ("b", 1.5, None, 0.25, None),
        ("c", 1.5, None, None, None),
    ]


def test_a_column_is_set_row_by_row(run: Any) -> None:
    """By one statement; other rows stay as they are."""
    later = NOW + timedelta(days=1)

    def unit(tx: Tx) -> Any:
        shared = {"workspace_id": DEFAULT_WORKSPACE_ID, "tags": [], "labels": {}, "created": NOW, "updated": NOW}
        ids = insert_new(tx, flows, [{"id": new_id(), "name": name, **shared} for name in "abc"])
        set_many(tx, flows, "updated", {})
        set_many(tx, flows, "updated", {ids[0]: later, ids[1]: later + timedelta(seconds=1)})
        return ids, {row["id"]: row["updated"] for row in tx.all(select(flows.c.id, flows.c.updated))}

    ids, stored = run(unit)
    assert stored == {ids[0]: later, ids[1]: later + timedelta(seconds=1), ids[2]: NOW}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # rows take another way to PostgreSQL
def test_rows_are_inserted_as_the_driver_takes_them(run: Any) -> None:
    """How many is told, where some are there already; a column is made ready at once."""

    def unit(tx: Tx) -> tuple[int, int, list[dict[str, Any]]]:
        columns = ("id", "workspace_id", "name", "tags", "labels", "created", "updated")
        moments = stored(tx, flows.c.created, [NOW, NOW + timedelta(seconds=1)] * CHUNK)
        tags = stored(tx, flows.c.tags, [["a"]] * 2 * CHUNK)
        shared = (DEFAULT_WORKSPACE_ID,)
        rows = [
            (new_id(), *shared, f"{place:04}", tag, "{}", moment, moment)
            for place, (tag, moment) in enumerate(zip(tags, moments, strict=True))
        ]
        first = insert_stored(tx, flows, columns, rows[:-1])
        again = insert_stored(tx, flows, columns, rows, "ON CONFLICT DO NOTHING")
        assert insert_stored(tx, flows, columns, []) == 0
        return first, again, tx.all(select(flows).order_by(flows.c.name))

    first, again, found = run(unit)
    assert (first, again, len(found)) == (2 * CHUNK - 1, 1, 2 * CHUNK)
    assert [each["created"] for each in found[:2]] == [NOW, NOW + timedelta(seconds=1)]
    assert bytes(found[0]["tags"]) == b'["a"]'


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no arrays
def test_columns_travel_as_arrays(run: Any) -> None:
    """Nulls, and whatever is in a text: it arrives as it was."""
    texts = [
        "",
        "plain",
        None,
        "null",
        "NULL",
        '"',
        "\\",
        '\\"',
        "{a,b}",
        " x ",
        "\n\t\x01",
        "ü 🎼",
        '{"k": "v\\u0000"}',
    ]

    def unit(tx: Tx) -> Any:
        raw: Any = tx.connection.connection.driver_connection
        statement = "SELECT %s::text[], %s::text[], %s::int[], %s::timestamptz[], %s::uuid[]"
        ids = new_ids(3)
        arrays = tuple(map(as_array, (texts, ["no", "escapes"], [1, None, -3], [NOW, None], ids)))
        return ids, raw.execute(statement, arrays).fetchone()

    ids, found = run(unit)
    assert found == (texts, ["no", "escapes"], [1, None, -3], [NOW, None], ids)


def test_new_rows_that_no_table_takes_are_refused(run: Any) -> None:
    """As an error of SQLAlchemy, whatever the driver calls it."""
    with pytest.raises(IntegrityError):
        run(lambda tx: insert_new(tx, flows, [{"id": new_id(), "name": None}]))


def _run_row(tx: Tx, run_id: str, seconds: int) -> dict[str, Any]:
    moment = NOW + timedelta(seconds=seconds)
    fixed = {"id": run_id, "workspace_id": tx.workspace_id, "flow_run_id": None, "task_key": "k", "dynamic_key": run_id}
    return {**fixed, "name": f"at {seconds}", "state_timestamp": moment, "created": moment, "updated": moment}


def test_only_what_is_newer_replaces(run: Any) -> None:
    """An older row, or one as old, changes nothing; what is kept of a row stays."""

    def unit(tx: Tx) -> Any:
        ids = new_ids(150)
        put_newest(tx, task_runs, [_run_row(tx, each, 5) for each in ids], "state_timestamp", ("created",))
        again = [_run_row(tx, each, 4 + place % 3) for place, each in enumerate(ids)]
        put_newest(tx, task_runs, again, "state_timestamp", ("created",))
        put_newest(tx, task_runs, [], "state_timestamp", ("created",))
        return [(row["name"], row["created"]) for row in tx.all(select(task_runs).order_by(task_runs.c.id))]

    created = NOW + timedelta(seconds=5)
    assert run(unit) == [("at 6" if place % 3 == 2 else "at 5", created) for place in range(150)]


def test_what_is_there_stays(run: Any) -> None:
    """Also where one of the rows holds text that PostgreSQL stores in JSON but cannot look into."""
    odd = msgspec.Raw(b'{"nul": "\\u0000"}')

    def unit(tx: Tx) -> list[list[bytes]]:
        found = []
        for store in (put_missing, insert_new):
            tx.run(events.delete())
            ids = new_ids(71)
            store(tx, events, [_event_row(tx, each, b"{}") for each in ids[:40]])
            more = [_event_row(tx, each, b'{"second": 1}') for each in ids[20:70]]
            store(tx, events, [*more, _event_row(tx, ids[70], bytes(odd))])
            found.append([bytes(row["payload"]) for row in tx.all(select(events.c.payload).order_by(events.c.id))])
        return found

    assert run(unit) == [[b"{}"] * 40 + [b'{"second": 1}'] * 30 + [bytes(odd)]] * 2


def _event_row(tx: Tx, event_id: str, payload: bytes) -> dict[str, Any]:
    said = {"resource": {}, "related": [], "payload": msgspec.Raw(payload)}
    moments = dict.fromkeys(("occurred", "received", "recorded"), NOW)
    return {"id": event_id, "workspace_id": tx.workspace_id, "event": "e", "resource_id": "r", **said, **moments}
