"""Reading deployments as the wire shows them: with their schedules, work pool and concurrency limit."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import floor
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, delete, insert, or_, select, update

from podium.db.tables.concurrency import concurrency_limits_v2
from podium.db.tables.deployments import deployment_schedules, deployments
from podium.db.tables.flows import flows
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.generic import Entity, new_row
from podium.server.queries.leases import LEASED_SLOTS
from podium.wire.deployments import Deployment
from podium.wire.schedules import DeploymentSchedule

DEPLOYMENTS = Entity(deployments, Deployment, "Deployment")
SCHEDULES = Entity(deployment_schedules, DeploymentSchedule, "Schedule")

_LIMIT = concurrency_limits_v2
_own_queue = work_queues.alias("own_queue")
_SHOWN_OF_LIMIT = ("id", "created", "updated", "active", "name", "limit", "slot_decay_per_second")
_LIMIT_COLUMNS = tuple(column.label(f"limit_{column.name}") for column in _LIMIT.c if column.name != "workspace_id")


def _joined(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .outerjoin(work_queues, work_queues.c.id == deployments.c.work_queue_id)
        .outerjoin(work_pools, work_pools.c.id == work_queues.c.work_pool_id)
        .where(deployments.c.workspace_id == WORKSPACE)
    )


_READ = _joined(
    *DEPLOYMENTS.columns,
    work_pools.c.name.label("work_pool_name"),
    *_LIMIT_COLUMNS,
    LEASED_SLOTS.label("limit_leased_slots"),
).outerjoin(_LIMIT, _LIMIT.c.id == deployments.c.concurrency_limit_id)
_READ_ONE = _READ.where(deployments.c.id == bindparam("deployment_id"))
_READ_BY_NAME = _READ.join(flows, flows.c.id == deployments.c.flow_id).where(
    flows.c.name == bindparam("flow_name"), deployments.c.name == bindparam("deployment_name")
)
_SCHEDULES = (
    select(*SCHEDULES.columns)
    .where(deployment_schedules.c.deployment_id.in_(bindparam("ids", expanding=True)), SCHEDULES.mine)
    .order_by(deployment_schedules.c.updated.desc(), deployment_schedules.c.id.desc())
)
_WHOLE = _joined(
    *deployments.c,
    work_queues.c.name.label("queue_name"),
    work_pools.c.id.label("work_pool_id"),
    work_pools.c.name.label("work_pool_name"),
    work_pools.c.type.label("work_pool_type"),
    flows.c.name.label("flow_name"),
    flows.c.labels.label("flow_labels"),
).join(flows, flows.c.id == deployments.c.flow_id)
_WHOLE_ONE = _WHOLE.where(deployments.c.id == bindparam("deployment_id"))
_WHOLE_LOCKED = _WHOLE_ONE.with_for_update(of=deployments)
_WHOLE_BY_KEY = _WHOLE.where(
    deployments.c.flow_id == bindparam("flow_id"), deployments.c.name == bindparam("deployment_name")
).with_for_update(of=deployments)


def find_deployment(tx: Tx, deployment_id: str) -> Row | None:
    """The deployment with this id as the wire shows it, or None."""
    found = _answers(tx, _one(tx.one(_READ_ONE, deployment_id=deployment_id)))
    return found[0] if found else None


def read_deployment(tx: Tx, deployment_id: str) -> Row:
    """The deployment with this id as the wire shows it; ``NotFound`` when there is none."""
    return _there(find_deployment(tx, deployment_id))


def read_deployment_by_name(tx: Tx, flow_name: str, deployment_name: str) -> Row:
    """The deployment with this name of the flow with that name; ``NotFound`` when there is none."""
    row = tx.one(_READ_BY_NAME, flow_name=flow_name, deployment_name=deployment_name)
    found = _answers(tx, _one(row))
    return _there(found[0] if found else None)


def list_deployments(
    tx: Tx,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """The deployments that match, in order, at most ``limit`` after the first ``offset``."""
    return _answers(tx, tx.all(_READ.where(*where).order_by(*order).limit(limit).offset(offset or None)))


def _one(row: Row | None) -> list[Row]:
    return [] if row is None else [row]


def _there(row: Row | None) -> Row:
    if row is None:
        raise NotFound("Deployment not found")
    return row


def _answers(tx: Tx, rows: list[Row]) -> list[Row]:
    schedules: dict[str, list[Row]] = {row["id"]: [] for row in rows}
    if rows:
        for schedule in tx.all(_SCHEDULES, ids=list(schedules)):
            schedules[schedule["deployment_id"]].append(schedule)
    for row in rows:
        row["schedules"] = schedules[row["id"]]
        row["concurrency_limit"] = None
        row["global_concurrency_limit"] = _limit_of(row, tx.now)
    return rows


def _limit_of(row: Row, now: datetime) -> Row | None:
    """The concurrency limit of a deployment's row, whose columns are taken out of it."""
    leased = row.pop("limit_leased_slots")
    limit = {column.name: row.pop(f"limit_{column.name}") for column in _LIMIT.c if column.name != "workspace_id"}
    if limit["id"] is None:
        return None
    gone = floor(limit["slot_decay_per_second"] * max(0.0, (now - limit["slots_updated"]).total_seconds()))
    shown = {name: limit[name] for name in _SHOWN_OF_LIMIT}
    return {**shown, "active_slots": max(0, limit["anonymous_slots"] - gone) + int(leased or 0)}


def find_whole(tx: Tx, deployment_id: str, *, lock: bool = False) -> Row | None:
    """Every column of a deployment, with the names of its flow (and its labels), queue and pool; None without it."""
    return tx.one(_WHOLE_LOCKED if lock else _WHOLE_ONE, deployment_id=deployment_id)


def get_whole(tx: Tx, deployment_id: str, *, lock: bool = False) -> Row:
    """``find_whole``; ``NotFound`` when there is none."""
    return _there(find_whole(tx, deployment_id, lock=lock))


def find_whole_by_key(tx: Tx, flow_id: str, name: str) -> Row | None:
    """``find_whole`` by flow and name, locked."""
    return tx.one(_WHOLE_BY_KEY, flow_id=flow_id, deployment_name=name)


def event_context(whole: Row) -> Row:
    """What the events of a deployment tell of its surroundings."""
    shown = ("flow_name", "work_pool_id", "work_pool_name", "work_pool_type")
    return {"work_queue_name": whole["queue_name"], **{name: whole[name] for name in shown}}


def event_contexts(tx: Tx, deployment_ids: Sequence[str]) -> Iterable[tuple[Row, Row]]:
    """The whole rows of some deployments, each with its ``event_context``."""
    if not deployment_ids:
        return []
    rows = tx.all(_WHOLE.where(deployments.c.id.in_(deployment_ids)))
    return [(row, event_context(row)) for row in rows]


def list_schedules(tx: Tx, deployment_id: str) -> list[Row]:
    """The schedules of a deployment, the latest changed first; ``NotFound`` without the deployment."""
    check_exists(tx, deployment_id)
    return schedules_of(tx, deployment_id)


def schedules_of(tx: Tx, deployment_id: str) -> list[Row]:
    """The schedules of a deployment, the latest changed first."""
    return tx.all(_SCHEDULES, ids=[deployment_id])


_EXISTS = select(deployments.c.id).where(
    deployments.c.id == bindparam("deployment_id"), deployments.c.workspace_id == WORKSPACE
)
_LOCK = _EXISTS.with_for_update()


def check_exists(tx: Tx, deployment_id: str, *, lock: bool = False) -> None:
    """``NotFound`` when there is no such deployment; ``lock`` keeps others from changing it until the unit ends."""
    if tx.value(_LOCK if lock else _EXISTS, deployment_id=deployment_id) is None:
        raise NotFound("Deployment not found.")


_PLACES = select(
    deployment_schedules.c.id,
    deployment_schedules.c.timing,
    deployment_schedules.c.active,
    deployment_schedules.c.filled_until,
    deployment_schedules.c.promised_until,
).where(deployment_schedules.c.deployment_id == bindparam("deployment_id"), SCHEDULES.mine)


def schedule_places(tx: Tx, deployment_id: str) -> dict[str, Row]:
    """Of each schedule of a deployment, by its id: timing, whether it is active, until when filled and promised."""
    return {row["id"]: row for row in tx.all(_PLACES, deployment_id=deployment_id)}


_NOW = bindparam("now", type_=Timestamp())
_FILLED = deployment_schedules.c.filled_until
_OF_SEVERAL = update(deployment_schedules).where(
    deployment_schedules.c.deployment_id.in_(bindparam("ids", expanding=True)), SCHEDULES.mine
)
_PROMISED = deployment_schedules.c.promised_until
_RESTART = _OF_SEVERAL.values(filled_until=_NOW, promised_until=None)
_REOPEN = _OF_SEVERAL.where(or_(_FILLED.is_(None), _FILLED > _NOW)).values(
    filled_until=_NOW, promised_until=case((_PROMISED > _FILLED, _PROMISED), else_=_FILLED)
)


def reopen_schedules(tx: Tx, deployment_ids: Sequence[str], *, restart: bool = False) -> None:
    """Has the slots of the schedules filled again from now on, where their runs ahead were removed.

    Slots that already wait to be filled still do, unless the schedules ``restart``.
    """
    tx.run(_RESTART if restart else _REOPEN, ids=list(deployment_ids), now=tx.now)


_NOT_SHOWN = ("workspace_id", "timing", "filled_until", "promised_until")
_ADD_SCHEDULES = insert(deployment_schedules)
_DELETE_SCHEDULES = delete(deployment_schedules).where(
    deployment_schedules.c.deployment_id == bindparam("of_deployment"), deployment_schedules.c.workspace_id == WORKSPACE
)


def add_schedules(tx: Tx, deployment_id: str, schedules: Sequence[Row]) -> list[Row]:
    """Inserts schedules of a deployment; the rows. A taken slug raises ``IntegrityError``."""
    rows = []
    for place, schedule in enumerate(schedules):
        # Lists are by this time: it keeps the order in which they were sent.
        time = tx.now + timedelta(microseconds=place)
        values = {**schedule, "deployment_id": deployment_id, "created": time, "updated": time}
        rows.append(new_row(tx, deployment_schedules, values))
    tx.many(_ADD_SCHEDULES, rows)
    return [{name: value for name, value in row.items() if name not in _NOT_SHOWN} for row in rows]


def delete_schedules(tx: Tx, deployment_id: str) -> None:
    """Deletes every schedule of a deployment."""
    tx.run(_DELETE_SCHEDULES, of_deployment=deployment_id)


_SERVING = (
    select(*(column for column in work_queues.c if column.name not in ("workspace_id", "status")))
    .where(
        work_queues.c.workspace_id == WORKSPACE,
        work_queues.c.work_pool_id.in_(
            select(_own_queue.c.work_pool_id)
            .join(deployments, deployments.c.work_queue_id == _own_queue.c.id)
            .where(deployments.c.id == bindparam("deployment_id"))
        ),
    )
    .order_by(work_queues.c.name)
)


def queues_serving(tx: Tx, deployment_id: str) -> list[Row]:
    """The queues of the deployment's pool, by name; ``NotFound`` without the deployment."""
    check_exists(tx, deployment_id)
    return tx.all(_SERVING, deployment_id=deployment_id)
