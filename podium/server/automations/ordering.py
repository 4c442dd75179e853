"""In which order events are evaluated: as they came, but none before the one it follows (contract: "Causal ordering").

A follower whose leader has not come is parked: its delivery names the leader, and is not due before the leader comes or
15 minutes have passed since the follower was received.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, bindparam, exists, select, update

from podium.db.tables.events import event_deliveries, events
from podium.db.tables.flow_runs import flow_run_states
from podium.db.unit import Row, Tx
from podium.server.events.consumers import AUTOMATIONS
from podium.server.events.deliveries import Deliveries, with_events

T = TypeVar("T")

PATIENCE = timedelta(minutes=15)
"""How long an event waits for the one it follows."""

NEAR = timedelta(hours=1)
"""A leader is looked for in this time before its follower first."""

_DELIVERY = event_deliveries.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_EVENT: tuple[ColumnElement[object], ...] = (
    events.c.event,
    events.c.resource,
    events.c.related,
    events.c.payload,
    events.c.follows,
    events.c.received,
    events.c.recorded,
)
DELIVERIES = Deliveries(AUTOMATIONS, _EVENT)

_PARKED = (_DELIVERY.consumer == AUTOMATIONS.name, _DELIVERY.leader.is_not(None))
_FOLLOWERS = (
    with_events(_EVENT)
    .where(*_PARKED, _DELIVERY.leader.in_(_IDS), events.c.id.is_not(None))
    .order_by(_DELIVERY.position)
)
_STORED = select(events.c.id, events.c.recorded).where(events.c.id.in_(_IDS))
_STORED_NEAR = _STORED.where(events.c.occurred >= bindparam("since", type_=events.c.occurred.type))
_STATES = select(flow_run_states.c.id).where(flow_run_states.c.id.in_(_IDS))
_PARKED_LEADERS = select(_DELIVERY.event_id).where(*_PARKED, _DELIVERY.event_id.in_(_IDS))
_WAITING = select(_DELIVERY.event_id).where(
    _DELIVERY.consumer == AUTOMATIONS.name, _DELIVERY.position > bindparam("after"), _DELIVERY.event_id.in_(_IDS)
)
_PARK = (
    update(event_deliveries)
    .where(_DELIVERY.position == bindparam("at"))
    .values(leader=bindparam("its_leader"), not_before=bindparam("until", type_=_DELIVERY.not_before.type))
)
_COME = select(_DELIVERY.position).where(
    *_PARKED,
    _DELIVERY.not_before > bindparam("now", type_=_DELIVERY.not_before.type),
    exists().where(events.c.id == _DELIVERY.leader),
)
_RELEASE = (
    update(event_deliveries)
    .where(_DELIVERY.position.in_(bindparam("positions", expanding=True)))
    .values(leader=None, not_before=None)
)


def follows(row: Row, tx: Tx) -> str | None:
    """The id of the event that must be evaluated before this one, as long as that is waited for."""
    leader: str | None = row["follows"]
    if leader is None or leader == row["event_id"] or tx.now - row["received"] >= PATIENCE:
        return None
    return leader


def arrange(tx: Tx, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The deliveries to evaluate now in their order, with those parked that follow one of them; and those to park."""
    followers = _parked_behind(tx, rows)
    leaders = {row["event_id"]: follows(row, tx) for row in rows}
    here = leaders.keys() | {row["event_id"] for row in followers}
    missing = _missing(tx, rows, {leader for leader in leaders.values() if leader is not None and leader not in here})
    waiting: dict[str, list[Row]] = defaultdict(list)
    for row in followers:
        waiting[row["follows"]].append(row)
    order: list[Row] = []
    done: set[str] = set()
    parked: list[Row] = []
    for row in sorted(rows, key=lambda each: each["position"]):
        leader = leaders[row["event_id"]]
        if leader is None or leader in done or (leader not in here and leader not in missing):
            taken = with_followers(row, waiting, itemgetter("event_id"), itemgetter("occurred"))
            order.extend(taken)
            done.update(each["event_id"] for each in taken)
        elif leader in here:
            waiting[leader].append(row)
        else:
            parked.append(row)
    settled = done.union(row["event_id"] for row in parked)
    return order, [*parked, *(row for row in rows if row["event_id"] not in settled)]


def with_followers(
    first: T, waiting: dict[str, list[T]], id_of: Callable[[T], str], occurred: Callable[[T], datetime]
) -> list[T]:
    """One and those that wait for it, each with its own, the one that occurred first in front; they wait no more."""
    order: list[T] = []
    stack = [first]
    while stack:
        taken = stack.pop()
        order.append(taken)
        behind = sorted(waiting.pop(id_of(taken), ()), key=occurred)
        stack.extend(reversed(behind))
    return order


def park(tx: Tx, rows: Iterable[Row]) -> None:
    """Puts the deliveries off until their leaders come."""
    for row in rows:
        tx.run(_PARK, at=row["position"], its_leader=row["follows"], until=row["received"] + PATIENCE)


def come(tx: Tx) -> list[int]:
    """The positions of those whose leader was stored while they were being parked."""
    return tx.column(_COME, now=tx.now)


def release(tx: Tx, positions: Sequence[int]) -> None:
    """Lets parked deliveries go on."""
    tx.run(_RELEASE, positions=positions)


def _parked_behind(tx: Tx, rows: Iterable[Row]) -> list[Row]:
    """Those parked that follow one of the rows, or one of those that do."""
    found: dict[int, Row] = {}
    known = {row["position"] for row in rows}
    ids = [row["event_id"] for row in rows]
    while ids:
        fresh = [row for row in tx.all(_FOLLOWERS, ids=ids) if row["position"] not in known]
        known.update(row["position"] for row in fresh)
        found.update((row["position"], row) for row in fresh)
        ids = [row["event_id"] for row in fresh]
    return list(found.values())


def _missing(tx: Tx, rows: Sequence[Row], leaders: Collection[str]) -> set[str]:
    """Those of the leaders that are still to be evaluated, or may still come."""
    if not leaders:
        return set()
    since = min(row["occurred"] for row in rows) - NEAR
    recorded = {row["id"]: row["recorded"] for row in tx.all(_STORED_NEAR, ids=list(leaders), since=since)}
    absent = [leader for leader in leaders if leader not in recorded]
    if absent:
        recorded.update((row["id"], row["recorded"]) for row in tx.all(_STORED, ids=absent))
        # The event of a state is stored with it, if it has one: what is not there by now never comes.
        absent = [leader for leader in absent if leader not in recorded]
        known = set(tx.column(_STATES, ids=absent)) if absent else set()
        absent = [leader for leader in absent if leader not in known]
    waiting: set[str] = set(tx.column(_PARKED_LEADERS, ids=list(recorded))) if recorded else set()
    latest = max(row["recorded"] for row in rows)
    behind = [leader for leader, at in recorded.items() if at >= latest]
    if behind:
        waiting.update(tx.column(_WAITING, ids=behind, after=max(row["position"] for row in rows)))
    return waiting.union(absent)
