"""The runs of schedules that nobody started in time, and which of their slots came later."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, func, literal, select

from podium.db.dialect import holds_any
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import IS_SCHEDULED, flow_runs
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx

WAITING = ("Scheduled", "Late")
"""The names of the states in which no worker has begun to deal with a run."""

PREFIX = len("scheduled ") + 36 + 1 + 36
"""An idempotency key says so far which schedule of which deployment a run is of; then comes the date."""

_RUN = flow_runs.c
_SCHEDULE = func.substr(_RUN.idempotency_key, 1, PREFIX)
_OWN = (_RUN.deployment_id == bindparam("deployment_id"), _RUN.workspace_id == WORKSPACE, _RUN.auto_scheduled)
_LATE = (
    IS_SCHEDULED,
    _RUN.auto_scheduled,
    _RUN.state_name.in_([literal(name) for name in WAITING]),
    _RUN.run_count == 0,
    _RUN.next_scheduled_start_time <= bindparam("latest", type_=Timestamp()),
    _RUN.next_scheduled_start_time == _RUN.expected_start_time,
    _RUN.idempotency_key.is_not(None),
)
ANY_LATE = select(_RUN.id).where(*_LATE)
"""The runs of every workspace that were due at ``latest`` or before."""

_LATE_RUNS = (
    select(_RUN.id, _RUN.state_id, _SCHEDULE.label("schedule"), _RUN.next_scheduled_start_time.label("date"))
    .where(_RUN.deployment_id == bindparam("deployment_id"), _RUN.workspace_id == WORKSPACE, *_LATE)
    .order_by(_RUN.next_scheduled_start_time)
    .limit(bindparam("limit"))
)
_LATEST = (
    select(_SCHEDULE.label("schedule"), func.max(_RUN.expected_start_time, type_=Timestamp()).label("date"))
    .where(
        *_OWN,
        _RUN.expected_start_time >= bindparam("first", type_=Timestamp()),
        _RUN.expected_start_time <= bindparam("now", type_=Timestamp()),
    )
    .group_by(_SCHEDULE)
)
_SLOT = select(_SCHEDULE).where(
    _RUN.id == bindparam("run_id"),
    _RUN.workspace_id == WORKSPACE,
    _RUN.auto_scheduled,
    _RUN.idempotency_key.is_not(None),
)
_LATER = (
    select(_RUN.id)
    .where(
        *_OWN,
        _RUN.expected_start_time > bindparam("date", type_=Timestamp()),
        _RUN.expected_start_time <= bindparam("now", type_=Timestamp()),
        bindparam("schedule") == _SCHEDULE,
    )
    .limit(1)
)


def deployments_with_late_runs(tx: Tx, latest: datetime, tags: list[str] | None, size: int) -> list[Row]:
    """Deployments of every workspace that are served and have runs due at ``latest`` or before; by any of the tags."""
    late = exists().where(_RUN.deployment_id == deployments.c.id, *_LATE)
    served = deployments.c.status == "READY"
    chosen: list[Any] = [served] if tags is None else [served, holds_any(deployments.c.tags, tags)]
    columns = (deployments.c[name] for name in ("id", "workspace_id", "flow_id", "name", "tags"))
    statement = select(*columns).where(*chosen, late).order_by(deployments.c.id).limit(size)
    return tx.all(statement, latest=latest)


def late_runs(tx: Tx, deployment_id: str, latest: datetime, limit: int) -> list[Row]:
    """The runs of a deployment due at ``latest`` or before: id, state_id, schedule and date, oldest first."""
    return tx.all(_LATE_RUNS, deployment_id=deployment_id, latest=latest, limit=limit)


def latest_slots(tx: Tx, deployment_id: str, first: datetime) -> dict[str, datetime]:
    """The latest date from ``first`` on that has come, for each schedule of a deployment."""
    rows = tx.all(_LATEST, deployment_id=deployment_id, first=first, now=tx.now)
    return {row["schedule"]: row["date"] for row in rows}


def slot_of(tx: Tx, run_id: str) -> str | None:
    """Which schedule a run was made of; None when the scheduler did not make it."""
    schedule: str | None = tx.value(_SLOT, run_id=run_id)
    return schedule


def has_later(tx: Tx, deployment_id: str, schedule: str, date: datetime) -> bool:
    """Whether a later date of a schedule has come."""
    return tx.value(_LATER, deployment_id=deployment_id, schedule=schedule, date=date, now=tx.now) is not None
