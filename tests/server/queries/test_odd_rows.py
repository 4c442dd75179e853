"""One odd row never fails a list: what the database holds is shown as well as it can be, whoever put it there.

Every column of a kind is overwritten with something that the server would not store; then everything that reads is
called, and answers as it did before.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec.inspect as types
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Column, Text, text, update

from podium.db.connections import open_engine
from podium.db.options import Options
from podium.db.tables import metadata
from podium.db.tables.blocks import block_documents
from podium.db.types import Json, Timestamp
from podium.db.urls import sqlite_path
from podium.wire.catalogue import ROWS
from tests import backing
from tests.contract import hostile
from tests.contract.seeds import Seeds
from tests.server.conftest import LiveServer, settings_for

READING = sorted(
    name
    for name, row in ROWS.items()
    if row.permission == "read" or name.endswith(("GET_SCHEDULED_FLOW_RUNS", "GET_RUNS"))
)
OWN = {"workspaces", "configuration", "csrf_tokens", "service_heartbeats"}
"""Tables of the server's own, which no list shows."""

LOOKED_UP = {
    # What one asks about that tries a webhook.
    "template",
    "checksum",
    "version",
    "name",
    "slug",
    "key",
    "tag",
    "resource_id",
    "idempotency_key",
    "dynamic_key",
    "data",
}
EARLIEST, LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

KEY = Fernet.generate_key().decode()
"""Of the blocks, which copies have in common."""

Odd = Callable[[Column[Any]], Any]


def is_text(column: Column[Any]) -> bool:
    return type(column.type) is Text and column.name not in LOOKED_UP and not column.foreign_keys


ODD: dict[str, tuple[Callable[[Column[Any]], bool], Any]] = {
    "a number for JSON": (lambda column: isinstance(column.type, Json), 5),
    "a list for JSON": (lambda column: isinstance(column.type, Json), [None, {"a": "b"}, "c"]),
    "an object for JSON": (
        lambda column: isinstance(column.type, Json),
        {"type": "no-such", "x": [1], "y": {"z": None}},
    ),
    "nothing": (lambda column: bool(column.nullable), None),
    "the first moment": (lambda column: isinstance(column.type, Timestamp), EARLIEST),
    "the last moment": (lambda column: isinstance(column.type, Timestamp), LATEST),
    "an unknown text": (is_text, "NO SUCH THING \u20ac" * 300),
}


def calls(api: httpx.Client, seeds: Seeds) -> dict[str, httpx.Response]:
    """What everything that reads answers."""
    answers = {}
    for name in READING:
        row = ROWS[name]
        body = None if row.body is None else hostile.sample(types.type_info(row.body), seeds.known)
        query = None if row.query is None else hostile.sample(types.type_info(row.query), seeds.known)
        url = row.url(**seeds.path(row.path, row.names))
        answers[name] = api.request(row.method, url, json=body, params=query)
    return answers


class Planted(NamedTuple):
    """A database with one of each thing, copied for each test, and what everything that reads answers there."""

    url: str
    seeds: Seeds
    answers: dict[str, httpx.Response]


class Place(NamedTuple):
    """A server on its copy."""

    url: str
    api: httpx.Client
    seeds: Seeds
    before: dict[str, httpx.Response]


@contextmanager
def served(url: str) -> Iterator[httpx.Client]:
    settings = settings_for(url, PODIUM_SERVER_ENCRYPTION_KEY=KEY)
    with LiveServer(settings, with_services=False) as live, httpx.Client(base_url=live.url, timeout=30) as api:
        yield api


@pytest.fixture(scope="module")
def planted(module_database_url: str) -> Planted:
    with served(module_database_url) as api:
        seeds = Seeds(api)
        return Planted(module_database_url, seeds, calls(api, seeds))


@pytest.fixture
def place(planted: Planted, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with ExitStack() as stack:
        if source := sqlite_path(planted.url):
            url = f"sqlite+aiosqlite:///{shutil.copy(source, tmp_path / 'podium.db')}"
        else:
            postgres: backing.Postgres = request.getfixturevalue("postgres")
            url = stack.enter_context(postgres.database(template=planted.url.rpartition("/")[2]))
        api = stack.enter_context(served(url))
        yield Place(url, api, planted.seeds, planted.answers)


def overwrite(url: str, statements: list[Any]) -> None:
    engine = open_engine(url, Options())
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)
    engine.dispose()


def differing(before: dict[str, httpx.Response], after: dict[str, httpx.Response]) -> list[str]:
    found = []
    for name, answer in after.items():
        if answer.status_code != before[name].status_code:
            found.append(f"{name}: {before[name].status_code} becomes {answer.status_code} {answer.text[:200]}")
        elif "json" in answer.headers.get("content-type", ""):
            try:
                json.loads(answer.content)
            except ValueError as error:
                found.append(f"{name}: {error}")
    return found


@pytest.mark.parametrize("name", ODD)
def test_everything_that_reads_answers_as_before(place: Place, name: str) -> None:
    """With each column of a kind odd in every row."""
    url, api, seeds, before = place
    matches, value = ODD[name]
    statements = []
    for table in metadata.sorted_tables:
        columns = [each for each in table.c if matches(each) and not each.primary_key and not each.foreign_keys]
        if columns and table.name not in OWN:
            statements += [update(table).values({column.name: value}) for column in columns]
    overwrite(url, statements)
    assert not (found := differing(before, calls(api, seeds))), "\n".join(found)


@pytest.mark.parametrize("module_database_url", ["sqlite"], indirect=True)
def test_what_is_no_json_is_shown_as_null(place: Place) -> None:
    """SQLite keeps any text in such a column; the answer is JSON all the same."""
    url, api, seeds, before = place
    columns = [
        (table.name, each.name)
        for table in metadata.sorted_tables
        for each in table.c
        if isinstance(each.type, Json) and table.name not in OWN
    ]
    overwrite(url, [text(f"UPDATE {table} SET \"{column}\" = '{{no json'") for table, column in columns])
    assert not (found := differing(before, calls(api, seeds))), "\n".join(found)


def test_a_block_of_another_key_is_listed_without_its_data(place: Place) -> None:
    """Asked for alone it says what is missing."""
    url, api, seeds, _ = place
    schema = {each: seeds.known[each] for each in ("block_type_id", "block_schema_id")}
    readable = api.post("/block_documents/", json={"name": "readable", "data": {"a": 1}, **schema}).json()
    lost = seeds.path("/block_documents/{id}", ("id",))["id"]
    overwrite(url, [update(block_documents).where(block_documents.c.id == lost).values(data="gAAAAABo")])
    listed = {each["id"]: each["data"] for each in api.post("/block_documents/filter").raise_for_status().json()}
    assert listed == {readable["id"]: {"a": 1}, lost: {}}
    assert len(api.get("/block_types/slug/shelf/block_documents").raise_for_status().json()) == 2
    answer = api.get(f"/block_documents/{lost}")
    assert answer.status_code == 409
    assert "key" in answer.json()["detail"]
