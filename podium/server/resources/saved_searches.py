"""Saved searches over HTTP."""

from podium.db.tables.saved_searches import saved_searches
from podium.db.unit import Row, Tx
from podium.server.errors import NotFound
from podium.server.http.call import Call, Reply
from podium.server.queries import generic
from podium.wire import saved_searches as wire
from podium.wire.parameters import Listing

SAVED_SEARCHES = generic.Entity(saved_searches, wire.SavedSearch, "Saved search")
BY_NAME = (saved_searches.c.name, saved_searches.c.id)


async def save_search(call: Call, body: wire.SavedSearchCreate) -> Reply:
    row = await call.write(_save, body)
    return Reply(row, status=201 if row["created"] == row["updated"] else 200)


def _save(tx: Tx, body: wire.SavedSearchCreate) -> Row:
    row = generic.new_row(tx, saved_searches, {"name": body.name, "filters": body.filters})
    saved = generic.upsert(tx, saved_searches, row, on=("workspace_id", "name"), replace=("filters", "updated"))
    stored = tx.one(saved.returning(*SAVED_SEARCHES.columns))
    assert stored is not None
    return stored


async def read_search(call: Call) -> Row:
    row: Row = await call.read(generic.get, SAVED_SEARCHES, call.path["id"])
    return row


async def list_searches(call: Call, body: Listing) -> list[Row]:
    limit = call.limit(body.limit)
    rows: list[Row] = await call.read(generic.page, SAVED_SEARCHES, (), BY_NAME, limit, body.offset)
    return rows


async def delete_search(call: Call) -> None:
    if not await call.write(generic.remove, SAVED_SEARCHES, call.path["id"]):
        raise NotFound("Saved search not found")


ROUTES = (
    (wire.SAVE, save_search),
    (wire.READ, read_search),
    (wire.FILTER, list_searches),
    (wire.DELETE, delete_search),
)
