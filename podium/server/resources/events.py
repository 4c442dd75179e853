"""Events over HTTP."""

import base64
from datetime import datetime, time, timedelta
from typing import Annotated, Any, get_args
from urllib.parse import quote

import msgspec

from podium.db.unit import Row, Tx
from podium.server.errors import Forbidden, InvalidRequest
from podium.server.events.intake import BadEvent, Limits, checked_event
from podium.server.events.outbox import store_client_events
from podium.server.http.call import Call
from podium.server.http.workspaces import api_path_of
from podium.server.queries.event_counts import count_by, count_events
from podium.server.queries.events import list_events
from podium.wire import events as wire
from podium.wire.decoding import encode
from podium.wire.scalars import Natural

LONGEST_LOOK_BACK = timedelta(days=180)


class _Place(msgspec.Struct):
    """Where the next page of a list begins."""

    filter: wire.EventFilter
    count: Annotated[int, msgspec.Meta(ge=-1)]
    page_size: Annotated[int, msgspec.Meta(ge=0, le=50)]
    offset: Natural


async def create_events(call: Call, body: list[wire.Event]) -> None:
    limits = Limits.of(call.runtime.settings)
    try:
        events = [checked_event(event, limits) for event in body]
    except BadEvent as error:
        raise InvalidRequest([{"type": "value_error", "loc": ["body"], "msg": str(error), "input": None}]) from None
    await call.write(store_client_events, events)


async def filter_events(call: Call, body: wire.EventQuery) -> Row:
    wanted = body.filter or wire.EventFilter()
    _bound(wanted, call.now)
    place = _Place(wanted, count=-1, page_size=body.limit, offset=0)
    return await _page(call, place)


async def next_events(call: Call) -> Row:
    try:
        token = base64.b64decode(base64.b64decode(call.query.page_token, validate=True), validate=True)
        place = msgspec.json.decode(token, type=_Place)
    except (ValueError, RecursionError):
        raise Forbidden("The page token is not valid.") from None
    return await _page(call, place)


async def count_events_by(call: Call, body: wire.EventCountQuery) -> list[Row]:
    countable = call.path["countable"]
    if countable not in get_args(wire.Countable):
        choice = {"type": "enum", "loc": ["path", "countable"], "msg": "Unknown kind of count", "input": countable}
        raise InvalidRequest([choice])
    _bound(body.filter, call.now)
    counts: list[Row] = await call.read(count_by, countable, body)
    return counts


def _bound(wanted: wire.EventFilter, now: datetime) -> None:
    """The range of time that a filter means which does not say."""
    if wanted.occurred.since is None:
        today = datetime.combine(now.date(), time(), now.tzinfo)
        wanted.occurred.since = today - LONGEST_LOOK_BACK
    if wanted.occurred.until is None:
        wanted.occurred.until = now


def _read(tx: Tx, place: _Place) -> tuple[list[Row], int]:
    rows = list_events(tx, place.filter, place.page_size, place.offset) if place.page_size else []
    return rows, count_events(tx, place.filter) if place.count < 0 else place.count


async def _page(call: Call, place: _Place) -> Row:
    rows, total = await call.read(_read, place)
    after = place.offset + len(rows)
    following: Any = None
    if rows and after < total:
        token = encode(_Place(place.filter, total, place.page_size, after))
        page_token = base64.b64encode(base64.b64encode(token)).decode()
        api = call.request.prefix + api_path_of(call.request.scope, call.runtime.settings.server.api.mount)
        following = f"{api}/events/filter/next?page-token={quote(page_token, safe='')}"
    return {"events": rows, "total": total, "next_page": following}


ROUTES = (
    (wire.CREATE, create_events),
    (wire.FILTER, filter_events),
    (wire.NEXT, next_events),
    (wire.COUNT_BY, count_events_by),
)
