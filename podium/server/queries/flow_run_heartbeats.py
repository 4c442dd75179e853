"""The heartbeats of flow runs, and what else shows that a run goes on."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, exists, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import canonical_id
from podium.db.prepared import Prepared
from podium.db.tables.events import event_resources, events
from podium.db.tables.flow_run_heartbeats import flow_run_heartbeats
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.logs import logs
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.events.event import Event

HEARTBEAT = "prefect.flow-run.heartbeat"
FLOW_RUN = "prefect.flow-run."

FORGOTTEN_AT_ONCE = 1000

_BEAT, _RUN = flow_run_heartbeats.c, flow_runs.c
_IS_ITS_RUN = and_(_RUN.id == _BEAT.flow_run_id, _RUN.workspace_id == _BEAT.workspace_id)
_UNTIL = bindparam("until", type_=Timestamp())
_SINCE = bindparam("since", type_=Timestamp())

_UPSERT: dict[str, Prepared] = {}
for _name, _make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
    _statement = _make(flow_run_heartbeats)
    _new = _statement.excluded
    _UPSERT[_name] = Prepared(
        _statement.on_conflict_do_update(
            index_elements=[_BEAT.workspace_id, _BEAT.flow_run_id],
            set_={"received": _new.received, "occurred": _new.occurred, "previous": _BEAT.occurred},
            # A client sends again what was not confirmed to it.
            where=_BEAT.occurred != _new.occurred,
        )
    )

_SILENT = (
    select(
        _RUN.id, _RUN.workspace_id, _RUN.state_id, _RUN.state_timestamp, _BEAT.received, _BEAT.occurred, _BEAT.previous
    )
    .join_from(flow_run_heartbeats, flow_runs, _IS_ITS_RUN)
    .where(_BEAT.received < _UNTIL, _RUN.state_type == "RUNNING", _RUN.state_timestamp < _UNTIL)
    .where(_RUN.id > bindparam("after", type_=_RUN.id.type))
    .order_by(_RUN.id)
    .limit(bindparam("most"))
)
_MINE = and_(_BEAT.workspace_id == WORKSPACE, _BEAT.flow_run_id == bindparam("run_id", type_=_BEAT.flow_run_id.type))
_LAST = select(_BEAT.received).where(_MINE)
_MOVE_ON = update(flow_run_heartbeats).where(_MINE).values(received=bindparam("heard", type_=Timestamp()))
_OVER = (
    select(_BEAT.workspace_id, _BEAT.flow_run_id)
    .join_from(flow_run_heartbeats, flow_runs, _IS_ITS_RUN, isouter=True)
    .where(
        _BEAT.received < _UNTIL,
        _RUN.id.is_(None) | _RUN.state_type.in_(("COMPLETED", "FAILED", "CRASHED", "CANCELLED")),
    )
    .limit(FORGOTTEN_AT_ONCE)
)
_FORGET = delete(flow_run_heartbeats).where(
    tuple_(_BEAT.workspace_id, _BEAT.flow_run_id).in_(bindparam("keys", expanding=True)), _BEAT.received < _UNTIL
)

_RESOURCE = event_resources.c
_IN_EVENTS = (
    select(events.c.received)
    .join_from(
        event_resources,
        events,
        and_(events.c.id == _RESOURCE.event_id, events.c.occurred == _RESOURCE.occurred),
    )
    .where(
        _RESOURCE.workspace_id == WORKSPACE,
        _RESOURCE.resource_id == bindparam("resource_id"),
        _RESOURCE.occurred > _SINCE,
        events.c.received > _SINCE,
    )
    .order_by(_RESOURCE.occurred.desc())
    .limit(1)
)
_IN_LOGS = (
    select(logs.c.created)
    .where(
        logs.c.workspace_id == WORKSPACE,
        logs.c.flow_run_id == bindparam("run_id", type_=logs.c.flow_run_id.type),
        logs.c.timestamp > _SINCE,
        logs.c.created > _SINCE,
    )
    .order_by(logs.c.timestamp.desc())
    .limit(1)
)

NEVER_HEARD = ~exists().where(_IS_ITS_RUN)
"""The condition that a flow run has sent no heartbeat."""


def note_heartbeats(tx: Tx, received: Iterable[Event]) -> None:
    """Keeps the time of the last heartbeat of each run among what clients sent."""
    rows = {}
    for event in received:
        if event.event == HEARTBEAT:
            run_id = canonical_id(event.resource_id.removeprefix(FLOW_RUN))
            if run_id is not None:
                rows[run_id] = {
                    "workspace_id": tx.workspace_id,
                    "flow_run_id": run_id,
                    "received": tx.now,
                    "occurred": event.occurred,
                    "previous": None,
                }
    # In the order of the ids: two batches must not lock each other's rows.
    tx.many(_UPSERT[tx.dialect], [rows[run_id] for run_id in sorted(rows)])


def silent_runs(tx: Tx, until: datetime, after: str, most: int) -> list[Row]:
    """Running flow runs of every workspace whose last heartbeat came before a moment, in the order of their ids."""
    return tx.all(_SILENT, until=until, after=after, most=most)


def last_heartbeat(tx: Tx, run_id: str) -> datetime | None:
    """When the last heartbeat of a run came, or what counts as one."""
    received: datetime | None = tx.value(_LAST, run_id=run_id)
    return received


def count_as_heartbeat(tx: Tx, run_id: str, heard: datetime) -> None:
    """Takes another sign of life of a run for a heartbeat."""
    tx.run(_MOVE_ON, run_id=run_id, heard=heard)


def last_heard_of(tx: Tx, run_id: str, since: datetime) -> datetime | None:
    """When the last event about a run, one of its tasks included, or log line of it came; None when none did since."""
    found = (
        tx.value(_IN_EVENTS, resource_id=FLOW_RUN + run_id, since=since),
        tx.value(_IN_LOGS, run_id=run_id, since=since),
    )
    return max((moment for moment in found if moment is not None), default=None)


def forget_heartbeats(tx: Tx, until: datetime) -> int:
    """Deletes a batch of old heartbeats of runs that are over, or never were; how many it found."""
    rows = tx.all(_OVER, until=until)
    if rows:
        tx.run(_FORGET, keys=[(row["workspace_id"], row["flow_run_id"]) for row in rows], until=until)
    return len(rows)
