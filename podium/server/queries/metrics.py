"""What the metrics tell out of the database, over all workspaces."""

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, case, func, select

from podium.db.dialect import seconds_between
from podium.db.tables.concurrency import concurrency_lease_slots, concurrency_leases, concurrency_limits_v2
from podium.db.tables.events import event_deliveries, events
from podium.db.tables.flow_runs import IS_SCHEDULED, START_TIME_OR_EXPECTED, flow_runs
from podium.db.tables.work_pools import workers
from podium.db.types import Timestamp
from podium.db.unit import Row, Tx
from podium.server.events.consumers import CONSUMERS
from podium.server.queries.services import read_heartbeats

LATELY = timedelta(minutes=5)
"""How far back the schedule lag looks."""

_RUN = flow_runs.c
_LIMIT = concurrency_limits_v2.c
_NOW = bindparam("now", type_=Timestamp())

_STATES = select(_RUN.state_type, func.count().label("runs")).group_by(_RUN.state_type)
_DUE = select(
    func.count().label("due"),
    func.sum(case((_RUN.state_name == "Late", 1), else_=0)).label("late"),
    func.min(_RUN.next_scheduled_start_time, type_=Timestamp()).label("oldest"),
).where(IS_SCHEDULED, _RUN.next_scheduled_start_time <= _NOW)
_LAG = select(func.max(seconds_between(_RUN.expected_start_time, _RUN.start_time))).where(
    START_TIME_OR_EXPECTED.between(bindparam("since", type_=Timestamp()), _NOW),
    _RUN.start_time.is_not(None),
    _RUN.auto_scheduled,
)
_WAITING = select(func.count()).where(event_deliveries.c.consumer == bindparam("consumer"))
_OLDEST_EVENT = (
    select(events.c.recorded)
    .join_from(event_deliveries, events, events.c.id == event_deliveries.c.event_id)
    .where(event_deliveries.c.consumer == bindparam("consumer"))
    .order_by(event_deliveries.c.position)
    .limit(1)
)
_SLOTS = select(
    select(func.count()).select_from(concurrency_leases).scalar_subquery().label("leases"),
    select(func.coalesce(func.sum(concurrency_lease_slots.c.slots), 0))
    .join(concurrency_limits_v2, _LIMIT.id == concurrency_lease_slots.c.concurrency_limit_id)
    .where(_LIMIT.slot_decay_per_second == 0)
    .scalar_subquery()
    .label("leased"),
    func.count().label("limits"),
    func.coalesce(func.sum(_LIMIT.limit), 0).label("slots"),
    func.coalesce(func.sum(_LIMIT.anonymous_slots), 0).label("anonymous"),
).where(_LIMIT.active)
_WORKERS = select(workers.c.status, func.count().label("workers")).group_by(workers.c.status)


class Backlog(msgspec.Struct, frozen=True):
    """The events that a consumer has still to handle: how many, and for how many seconds the oldest one waits."""

    events: int
    seconds: float


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How the work stands. ``oldest_late`` and ``lag`` are seconds; ``services`` are their heartbeats."""

    due: int
    late: int
    oldest_late: float
    lag: float
    backlogs: dict[str, Backlog]
    leases: int
    limits: int
    slots: int
    slots_used: int
    workers: dict[str, int]
    services: list[Row]


def count_states(tx: Tx) -> dict[str, int]:
    """How many flow runs are in a state of each type; one without a state is left out."""
    return {row["state_type"]: row["runs"] for row in tx.all(_STATES) if row["state_type"]}


def read_state(tx: Tx) -> State:
    """How the work stands now."""
    due: Any = tx.one(_DUE, now=tx.now)
    slots: Any = tx.one(_SLOTS)
    oldest = due["oldest"]
    return State(
        due=due["due"],
        late=due["late"] or 0,
        oldest_late=0.0 if oldest is None else (tx.now - oldest).total_seconds(),
        lag=max(0.0, tx.value(_LAG, now=tx.now, since=tx.now - LATELY) or 0.0),
        backlogs={consumer.name: _backlog(tx, consumer.name) for consumer in CONSUMERS},
        leases=slots["leases"],
        limits=slots["limits"],
        slots=int(slots["slots"]),
        slots_used=int(slots["leased"] + slots["anonymous"]),
        workers={row["status"]: row["workers"] for row in tx.all(_WORKERS)},
        services=read_heartbeats(tx),
    )


def _backlog(tx: Tx, consumer: str) -> Backlog:
    waiting = tx.value(_WAITING, consumer=consumer)
    oldest = tx.value(_OLDEST_EVENT, consumer=consumer) if waiting else None
    return Backlog(waiting, 0.0 if oldest is None else max(0.0, (tx.now - oldest).total_seconds()))
