"""Storing the runs of schedules with their first states, hundreds by one statement."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    CTE,
    ColumnElement,
    Dialect,
    Insert,
    Integer,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeDecorator, TypeEngine

from podium.db.bulk import as_array, insert_stored, stored
from podium.db.dialect import elements
from podium.db.ids import new_ids
from podium.db.prepared import Prepared
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.types import Json, Timestamp
from podium.db.unit import Row, Tx
from podium.wire.flow_runs import FlowRunPolicy
from podium.wire.states import StateDetails

STATE_NAME = "Scheduled"
STATE_MESSAGE = "Flow run scheduled"

_EMPTY = msgspec.Raw(b"{}")
_ALL_HAVE: Row = {
    "context": _EMPTY,
    "job_variables": _EMPTY,
    "empirical_policy": msgspec.Raw(msgspec.json.encode(FlowRunPolicy())),
    "auto_scheduled": True,
    "run_count": 0,
    "total_run_time": 0.0,
    "state_type": "SCHEDULED",
    "state_name": STATE_NAME,
}
_NOW = ("created", "updated", "state_timestamp")
_OF_SCHEDULE = (
    "workspace_id",
    "flow_id",
    "deployment_id",
    "deployment_version",
    "work_queue_id",
    "work_queue_name",
    "infrastructure_document_id",
    "parameters",
    "tags",
    "labels",
    "created_by",
)
_OF_RUN = ("id", "state_id", "name", "idempotency_key")
_TIMES = ("expected_start_time", "next_scheduled_start_time")
_STATES_HAVE: Row = {"type": _ALL_HAVE["state_type"], "name": STATE_NAME, "message": STATE_MESSAGE}


@dataclass(frozen=True, slots=True)
class NewRuns:
    """The runs to make of a schedule: what all of them are given, and the idempotency key and the time of each."""

    schedule: Row
    keys: Sequence[str]
    times: Sequence[datetime]


def insert_runs(tx: Tx, new: Sequence[NewRuns], names: Sequence[str], likely_free: bool) -> int:
    """Inserts the runs, with names in their order, and their states; those whose slot is filled are left out.

    ``likely_free``: probably none is. Returns how many were inserted.
    """
    if not names:
        return 0
    own = {
        "id": new_ids(len(names)),
        "state_id": new_ids(len(names)),
        "name": names,
        "idempotency_key": [key for each in new for key in each.keys],
    }
    if tx.dialect == "sqlite":
        return _insert_as_rows(tx, new, own)
    values = _as_arrays(new, own)
    if likely_free:
        with suppress(IntegrityError), tx.part():
            return tx.run(_INSERT, values, now=tx.now)
    return tx.run(_INSERT_MISSING, values, now=tx.now)


# On PostgreSQL a column travels as one array: of all ways to give many rows it takes the server the least to read.


class _ArrayText(TypeDecorator[str]):
    """An array that is given as ``as_array`` made it: PostgreSQL reads it once, before it plans."""

    impl = postgresql.ARRAY
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        return None


def _given(name: str, types: Mapping[str, TypeEngine[Any]], **options: Any) -> TableValuedAlias:
    """What to select from where each column is given as an array."""
    arrays = (bindparam(f"{name}_{column}", type_=_ArrayText(type_)) for column, type_ in types.items())
    columns = (column(each, type_) for each, type_ in types.items())
    return func.unnest(*arrays).table_valued(*columns, **options).render_derived(name)


_TYPES = {column.name: column.type for column in flow_runs.c}
_OWN = {"place": Integer(), **{name: _TYPES[name] for name in _OF_RUN}, "time": Text()}
_SCHEDULES = _given("schedule", {name: _TYPES[name] for name in _OF_SCHEDULE}, with_ordinality="place")
_GIVEN = _given("run", _OWN).c
_RUNS = select(*_GIVEN, cast(_GIVEN.time, Timestamp()).label("moment")).cte("runs")
_TX_NOW = bindparam("now", type_=Timestamp())


def _inserting_runs(only_missing: bool) -> CTE:
    values = {
        **{name: bindparam(name, value, type_=_TYPES[name]) for name, value in _ALL_HAVE.items()},
        **dict.fromkeys(_NOW, _TX_NOW),
        **{name: _SCHEDULES.c[name] for name in _OF_SCHEDULE},
        **{name: _RUNS.c[name] for name in _OF_RUN},
        **dict.fromkeys(_TIMES, _RUNS.c.moment),
    }
    rows = select(*(value.label(f"new_{name}") for name, value in values.items()))
    made = postgresql.insert(flow_runs).from_select(
        list(values), rows.select_from(_RUNS.join(_SCHEDULES, _SCHEDULES.c.place == _RUNS.c.place))
    )
    if only_missing:
        made = made.on_conflict_do_nothing()
    return made.returning(flow_runs.c.id, flow_runs.c.workspace_id).cte("made")


def _inserting_states(made: CTE) -> Insert:
    key: ColumnElement[Any] = literal_column("'{scheduled_time}'")
    details = func.jsonb_set(bindparam("details", StateDetails(), type_=Json()), key, func.to_jsonb(_RUNS.c.time))
    values: dict[str, Any] = {
        **{name: bindparam(f"state_{name}", value, type_=Text()) for name, value in _STATES_HAVE.items()},
        "timestamp": _TX_NOW,
        "workspace_id": made.c.workspace_id,
        "id": _RUNS.c.state_id,
        "flow_run_id": made.c.id,
        "state_details": details,
    }
    rows = select(*values.values()).select_from(made.join(_RUNS, _RUNS.c.id == made.c.id))
    return insert(flow_run_states).from_select(list(values), rows)


_INSERT_MISSING = Prepared(_inserting_states(_inserting_runs(only_missing=True)))
# Looking whether a slot is filled, before it is filled, takes a twelfth of the time.
_INSERT = Prepared(_inserting_states(_inserting_runs(only_missing=False)))


def _as_arrays(new: Sequence[NewRuns], own: Mapping[str, Sequence[str]]) -> dict[str, str]:
    values = {f"schedule_{name}": as_array([_text(each.schedule[name]) for each in new]) for name in _OF_SCHEDULE}
    values.update((f"run_{name}", as_array(texts)) for name, texts in own.items())
    values["run_time"] = as_array([time for each in new for time in each.times])
    values["run_place"] = as_array([place for place, each in enumerate(new, 1) for _ in each.times])
    return values


def _text(value: Any) -> Any:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else value


# SQLite is given rows, each value as the driver takes it.

_RUN_COLUMNS = (*_ALL_HAVE, *_NOW, *_OF_SCHEDULE, *_OF_RUN, *_TIMES)
_STATE_COLUMNS = (*_STATES_HAVE, "timestamp", "workspace_id", "id", "flow_run_id", "state_details")
_STORED = Prepared(select(flow_runs.c.id).where(flow_runs.c.id.in_(select(elements("ids").c.value))))
_DETAILS = msgspec.json.encode({**msgspec.to_builtins(StateDetails()), "scheduled_time": "?"}).decode().split('"?"')


def _insert_as_rows(tx: Tx, new: Sequence[NewRuns], own: Mapping[str, Sequence[str]]) -> int:
    [now] = stored(tx, flow_runs.c.created, [tx.now])
    times = [time for each in new for time in each.times]
    starts = stored(tx, flow_runs.c.expected_start_time, times)
    all_have = (*(stored(tx, flow_runs.c[name], [value])[0] for name, value in _ALL_HAVE.items()), *(now for _ in _NOW))
    columns = (stored(tx, flow_runs.c[name], [each.schedule[name] for each in new]) for name in _OF_SCHEDULE)
    schedules = zip(*columns, strict=True)
    of_schedules = [(*all_have, *row) for each, row in zip(new, schedules, strict=True) for _ in each.times]
    of_runs = zip(of_schedules, *own.values(), starts, starts, strict=True)
    runs = [(*of_schedule, *of_run) for of_schedule, *of_run in of_runs]
    made = insert_stored(tx, flow_runs, _RUN_COLUMNS, runs, "ON CONFLICT DO NOTHING")
    details = (time.join(_DETAILS) for time in msgspec.json.encode(times).decode()[1:-1].split(","))
    workspaces = (each.schedule["workspace_id"] for each in new for _ in each.times)
    state = (*_STATES_HAVE.values(), now)
    states = [(*state, *each) for each in zip(workspaces, own["state_id"], own["id"], details, strict=True)]
    if made < len(runs):
        inserted = set(tx.column(_STORED, ids=own["id"]))
        states = [state for state, run_id in zip(states, own["id"], strict=True) if run_id in inserted]
    insert_stored(tx, flow_run_states, _STATE_COLUMNS, states)
    return made
