"""Which schedules there are to look at, and the rows of the runs made of them; over all workspaces."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, exists, func, or_, select

from podium.db.bulk import insert_new, set_many
from podium.db.dialect import json_text
from podium.db.tables.deployments import deployment_schedules, deployments
from podium.db.tables.flow_runs import IS_SCHEDULED, flow_run_states, flow_runs
from podium.db.types import Id, Timestamp
from podium.db.unit import WORKSPACE, Row, Tx

_SCHEDULE = (
    deployment_schedules.c.id,
    deployment_schedules.c.deployment_id,
    deployment_schedules.c.schedule,
    deployment_schedules.c.filled_until,
    deployment_schedules.c.promised_until,
)
_ACTIVE = (
    select(*_SCHEDULE, deployments.c.tags)
    .join(deployments, deployments.c.id == deployment_schedules.c.deployment_id)
    .where(deployment_schedules.c.active, ~deployments.c.paused)
)
_NEXT_DEPLOYMENTS = (
    select(deployments.c.id)
    .where(
        ~deployments.c.paused,
        exists().where(deployment_schedules.c.deployment_id == deployments.c.id, deployment_schedules.c.active),
    )
    .order_by(deployments.c.id)
    .limit(bindparam("size"))
)
_PAGE = _ACTIVE.where(deployments.c.id.in_(_NEXT_DEPLOYMENTS)).order_by(deployments.c.id)
_LATER_PAGE = _ACTIVE.where(
    deployments.c.id.in_(_NEXT_DEPLOYMENTS.where(deployments.c.id > bindparam("after", type_=Id())))
).order_by(deployments.c.id)
_SINCE = bindparam("changed_since", type_=Timestamp())
_SOON = bindparam("filled_soon", type_=Timestamp())
RECENT = _ACTIVE.where(
    or_(
        deployments.c.updated >= _SINCE,
        deployment_schedules.c.updated >= _SINCE,
        deployment_schedules.c.filled_until <= _SOON,
    )
)
"""The active schedules that changed at ``changed_since`` or later, or are not filled until ``filled_soon``."""

_OF_DEPLOYMENT = _ACTIVE.where(
    deployments.c.id == bindparam("deployment_id"), deployment_schedules.c.workspace_id == WORKSPACE
)
_MAKER = json_text(flow_runs.c.created_by, "id")
_AHEAD = (
    select(
        _MAKER.label("schedule_id"),
        func.count().label("runs"),
        func.max(flow_runs.c.next_scheduled_start_time, type_=Timestamp()).label("last"),
    )
    .where(
        flow_runs.c.deployment_id.in_(bindparam("ids", expanding=True)),
        IS_SCHEDULED,
        flow_runs.c.auto_scheduled,
        flow_runs.c.next_scheduled_start_time >= bindparam("now", type_=Timestamp()),
    )
    .group_by(_MAKER)
)
_GIVEN_TO_RUNS = tuple(
    deployments.c[name]
    for name in (
        "workspace_id",
        "flow_id",
        "version",
        "work_queue_id",
        "work_queue_name",
        "infrastructure_document_id",
        "parameters",
        "tags",
        "labels",
    )
)
# An edit waits for the lock: the runs it removes then include these. Another scheduler does too, and sees how far it is
# filled by then.
_LOCKED = (
    select(
        *_SCHEDULE,
        deployment_schedules.c.slug,
        deployment_schedules.c.timing,
        deployment_schedules.c.parameters.label("schedule_parameters"),
        *_GIVEN_TO_RUNS,
    )
    .join(deployments, deployments.c.id == deployment_schedules.c.deployment_id)
    .where(
        deployment_schedules.c.id.in_(bindparam("ids", expanding=True)),
        deployment_schedules.c.active,
        ~deployments.c.paused,
    )
    .order_by(deployments.c.id, deployment_schedules.c.id)
    .with_for_update(key_share=True, of=[deployments, deployment_schedules])
)


def schedule_page(tx: Tx, after: str | None, size: int) -> list[Row]:
    """The active schedules (id, deployment_id, schedule) of the next so many deployments that have any, by id."""
    if after is None:
        return tx.all(_PAGE, size=size)
    return tx.all(_LATER_PAGE, size=size, after=after)


def recent_schedules(tx: Tx, since: datetime, soon: datetime) -> list[Row]:
    """The active schedules that changed, or whose deployment did, at ``since`` or later, or not filled until ``soon``.

    An edit removes the runs ahead, and whatever the clocks of two processes say, its schedules are not filled then.
    """
    return tx.all(RECENT, changed_since=since, filled_soon=soon)


def active_schedules(tx: Tx, deployment_id: str) -> list[Row]:
    """The active schedules of a deployment that is not paused."""
    return tx.all(_OF_DEPLOYMENT, deployment_id=deployment_id)


def runs_ahead(tx: Tx, deployment_ids: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """For each schedule of the deployments how many scheduled runs it has from now on, and when the last one is."""
    rows = tx.all(_AHEAD, ids=list(deployment_ids), now=tx.now)
    return {row["schedule_id"]: (row["runs"], row["last"]) for row in rows}


def lock_schedules(tx: Tx, schedule_ids: Sequence[str]) -> dict[str, Row]:
    """The active ones of the schedules, with what their deployments give to runs; no edit passes before the commit."""
    return {row["id"]: row for row in tx.all(_LOCKED, ids=list(schedule_ids))}


def insert_runs(tx: Tx, runs: Sequence[Row]) -> list[str]:
    """Inserts runs, leaving out those whose slot is filled; the ids of the inserted."""
    return insert_new(tx, flow_runs, runs)


def mark_filled(tx: Tx, until: Mapping[str, datetime]) -> None:
    """Notes until when the slots of schedules, by their ids, have their runs; the schedules are locked."""
    set_many(tx, deployment_schedules, "filled_until", until)


def insert_states(tx: Tx, states: Sequence[Row]) -> None:
    """Inserts the states of runs."""
    insert_new(tx, flow_run_states, states)
