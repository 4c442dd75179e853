"""Which schedules there are to look at, and how far they are filled; over all workspaces."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, cast, func, or_, select, true, tuple_

from podium.db.bulk import set_many
from podium.db.dialect import elements, json_text
from podium.db.prepared import Prepared
from podium.db.tables.deployments import deployment_schedules, deployments
from podium.db.tables.flow_runs import IS_SCHEDULED, flow_runs
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
_PLACE = (deployment_schedules.c.deployment_id, deployment_schedules.c.id)
_AFTER = (bindparam("after_deployment", type_=Id()), bindparam("after_schedule", type_=Id()))
_PAGE = Prepared(
    _ACTIVE.where(tuple_(*_PLACE) > tuple_(*_AFTER), deployments.c.id >= _AFTER[0])
    .order_by(*_PLACE)
    .limit(bindparam("size"))
)
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
_IDS = elements("ids")
_ID = cast(_IDS.c.value, Id())
_TIME = flow_runs.c.next_scheduled_start_time
_NOW = bindparam("now", type_=Timestamp())
_IS_ONE = and_(flow_runs.c.deployment_id == _ID, IS_SCHEDULED, flow_runs.c.auto_scheduled)
# Compared and ordered as in the index of a deployment's scheduled runs. PostgreSQL takes any table without statistics
# for a small one, and would look for the time in the index of all queues, once for each deployment.
_RUNS = (
    select(_MAKER.label("schedule_id"), _TIME)
    .where(_IS_ONE, tuple_(flow_runs.c.deployment_id, _TIME) >= tuple_(_ID, _NOW))
    .order_by(_TIME)
    .correlate(_IDS)
    .lateral("runs")
)


def _counted(maker: ColumnElement[Any], time: ColumnElement[Any]) -> Select[Any]:
    last = func.max(time, type_=Timestamp())
    return select(maker.label("schedule_id"), func.count().label("runs"), last.label("last")).group_by(maker)


_OF_ONE = _counted(_RUNS.c.schedule_id, _RUNS.c.next_scheduled_start_time).lateral("ahead")
_AHEAD = {
    "sqlite": Prepared(_counted(_MAKER, _TIME).select_from(_IDS.join(flow_runs, _IS_ONE)).where(_TIME >= _NOW)),
    "postgresql": Prepared(select(*_OF_ONE.c).select_from(_IDS.join(_OF_ONE, true()))),
}
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
_LOCKED = Prepared(
    select(
        *_SCHEDULE,
        deployment_schedules.c.slug,
        deployment_schedules.c.timing,
        deployment_schedules.c.parameters.label("schedule_parameters"),
        *_GIVEN_TO_RUNS,
    )
    .join(deployments, deployments.c.id == deployment_schedules.c.deployment_id)
    .where(
        deployment_schedules.c.id.in_(select(_ID)),
        deployment_schedules.c.active,
        ~deployments.c.paused,
    )
    .order_by(deployments.c.id, deployment_schedules.c.id)
    .with_for_update(key_share=True, of=[deployments, deployment_schedules])
)


def schedule_page(tx: Tx, after: tuple[str, str], size: int) -> list[Row]:
    """The next so many active schedules, by deployment and id, after a deployment and a schedule of it."""
    return tx.all(_PAGE, after_deployment=after[0], after_schedule=after[1], size=size)


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
    rows = tx.all(_AHEAD[tx.dialect], ids=list(deployment_ids), now=tx.now)
    return {row["schedule_id"]: (row["runs"], row["last"]) for row in rows}


def lock_schedules(tx: Tx, schedule_ids: Sequence[str]) -> dict[str, Row]:
    """The active ones of the schedules, with what their deployments give to runs; no edit passes before the commit."""
    return {row["id"]: row for row in tx.all(_LOCKED, ids=list(schedule_ids))}


def mark_filled(tx: Tx, until: Mapping[str, datetime]) -> None:
    """Notes until when the slots of schedules, by their ids, have their runs; the schedules are locked."""
    set_many(tx, deployment_schedules, "filled_until", until)
