"""Concurrency limits with their slots: who holds them, and who waits for one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, func, or_, select

from podium.db.dialect import holds_all
from podium.db.tables.concurrency import concurrency_lease_slots, concurrency_leases, concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import IS_SCHEDULED, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.task_runs import task_runs
from podium.db.tables.work_pools import work_queues
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.leases import LEASED_SLOTS
from podium.server.queries.scheduled_runs import NOT_RETRYING_ITSELF
from podium.server.queries.work_pools import HOLDS_SLOT

MOST_COUNTED = 1000
"""Waiting runs of a limit are counted so far."""

AWAITING_SLOT = "AwaitingConcurrencySlot"

_LIMIT, _LEASE, _HELD, _RUN, _TASK = (
    table.c for table in (concurrency_limits_v2, concurrency_leases, concurrency_lease_slots, flow_runs, task_runs)
)
_LIMITS = select(concurrency_limits_v2, LEASED_SLOTS.label("leased_slots")).where(_LIMIT.workspace_id == WORKSPACE)
_IN_USE = or_(
    _LIMIT.anonymous_slots > 0,
    _LIMIT.limit == 0,
    exists().where(_HELD.concurrency_limit_id == _LIMIT.id),
)
_OWNERS = select(deployments.c.id, deployments.c.name, flows.c.name.label("flow_name")).join(
    flows, flows.c.id == deployments.c.flow_id
)
_LIMITED = select(deployments.c.id).where(
    deployments.c.concurrency_limit_id == bindparam("limit_id", type_=deployments.c.concurrency_limit_id.type)
)
_OF_TASK = flow_runs.alias("of_task")
_RUN_COLUMNS = (_RUN.id, _RUN.name, _RUN.state_name, _RUN.state_timestamp)


def limits_with_slots(tx: Tx, ids: Sequence[str] | None, in_use: bool) -> list[Row]:
    """Global limits, those of tags and deployments too, with their ``leased_slots``."""
    where = [*([_IN_USE] if in_use else []), *([] if ids is None else [_LIMIT.id.in_(ids)])]
    return tx.all(_LIMITS.where(*where))


def deployments_named(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """``flow/deployment`` of deployments by their ids."""
    found = tx.all(_OWNERS.where(deployments.c.workspace_id == WORKSPACE, deployments.c.id.in_(ids))) if ids else []
    return {row["id"]: f"{row['flow_name']}/{row['name']}" for row in found}


def lease_holders_of(tx: Tx, limit_ids: Sequence[str], most: int) -> dict[str, list[Row]]:
    """The oldest leases on each of these limits, with the name and state of the run that holds each."""
    if not limit_ids or not most:
        return {}
    oldest = (_LEASE.created, _LEASE.id)
    first = _first_of(
        (_LEASE.holder_type, _LEASE.holder_id, _LEASE.created, _LEASE.expiration, _LEASE.id, _HELD.slots),
        _HELD.concurrency_limit_id,
        oldest,
        (_HELD.concurrency_limit_id.in_(limit_ids), _HELD.lease_id == _LEASE.id),
    ).subquery()
    named = (
        select(
            first,
            func.coalesce(_RUN.name, _TASK.name, deployments.c.name).label("name"),
            case((_RUN.id.is_not(None), _RUN.state_name), else_=_TASK.state_name).label("state"),
            _OF_TASK.c.id.label("flow_run_id"),
            _OF_TASK.c.name.label("flow_run_name"),
        )
        .outerjoin(flow_runs, and_(first.c.holder_type == "flow_run", _RUN.id == first.c.holder_id))
        .outerjoin(task_runs, and_(first.c.holder_type == "task_run", _TASK.id == first.c.holder_id))
        .outerjoin(_OF_TASK, _OF_TASK.c.id == _TASK.flow_run_id)
        .outerjoin(deployments, and_(first.c.holder_type == "deployment", deployments.c.id == first.c.holder_id))
        .where(first.c.place <= most)
        .order_by(first.c.created, first.c.id)
    )
    return _by_limit(tx.all(named))


def runs_in_queues(tx: Tx, queue_ids: Sequence[str], most: int) -> dict[str, list[Row]]:
    """The runs that hold slots of each of these queues, the longest in their state first."""
    return _runs_holding(tx, _RUN.work_queue_id, _RUN.work_queue_id.in_(queue_ids), most) if queue_ids else {}


def runs_in_pools(tx: Tx, pool_ids: Sequence[str], most: int) -> dict[str, list[Row]]:
    """The runs that hold slots of each of these pools, the longest in their state first."""
    wanted = and_(work_queues.c.work_pool_id.in_(pool_ids), _RUN.work_queue_id == work_queues.c.id)
    return _runs_holding(tx, work_queues.c.work_pool_id, wanted, most) if pool_ids else {}


def _runs_holding(tx: Tx, of: ColumnElement[Any], wanted: ColumnElement[bool], most: int) -> dict[str, list[Row]]:
    oldest = (_RUN.state_timestamp, _RUN.id)
    where = (wanted, _RUN.workspace_id == WORKSPACE, _RUN.state_type.in_(HOLDS_SLOT))
    first = _first_of(_RUN_COLUMNS, of, oldest, where).subquery()
    shown = select(first).where(first.c.place <= most).order_by(first.c.state_timestamp, first.c.id)
    return _by_limit(tx.all(shown)) if most else {}


def _first_of(
    columns: Sequence[ColumnElement[Any]],
    of: ColumnElement[Any],
    order: Sequence[ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
) -> Any:
    """Rows with their ``place`` among those of the same ``limit_id``."""
    place = func.row_number().over(partition_by=of, order_by=list(order)).label("place")
    return select(*columns, of.label("limit_id"), place).where(*where)


def _by_limit(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["limit_id"], []).append(row)
    return found


def runs_waiting_for_queue(tx: Tx, queue_id: str, most: int) -> tuple[int, list[Row]]:
    """How many due runs of a queue nobody has taken, counted so far, and the first of them."""
    return _waiting_runs(tx, [_RUN.work_queue_id == queue_id, *_due(tx)], most)


def runs_waiting_for_pool(tx: Tx, pool_id: str, most: int) -> tuple[int, list[Row]]:
    """Likewise for all queues of a pool."""
    queues = select(work_queues.c.id).where(work_queues.c.work_pool_id == pool_id)
    return _waiting_runs(tx, [_RUN.work_queue_id.in_(queues), *_due(tx)], most)


def _due(tx: Tx) -> tuple[ColumnElement[bool], ...]:
    return (IS_SCHEDULED, NOT_RETRYING_ITSELF, _RUN.next_scheduled_start_time <= tx.now)


def runs_waiting_for_limit(tx: Tx, limit_id: str, most: int) -> tuple[int, list[Row]]:
    """Likewise for the deployments that have this limit, with the runs that were refused a slot and try again."""
    # Their ids come first: given a subquery, SQLite reads all scheduled runs.
    limited = tx.column(_LIMITED, limit_id=limit_id)
    if not limited:
        return 0, []
    waits = or_(_RUN.next_scheduled_start_time <= tx.now, _RUN.state_name == AWAITING_SLOT)
    return _waiting_runs(tx, [_RUN.deployment_id.in_(limited), IS_SCHEDULED, NOT_RETRYING_ITSELF, waits], most)


def _waiting_runs(tx: Tx, where: Sequence[ColumnElement[bool]], most: int) -> tuple[int, list[Row]]:
    # In their order, for which there is an index by deployment and by queue: SQLite would take that of states.
    counted = select(_RUN.id).where(*where).order_by(_RUN.next_scheduled_start_time).limit(MOST_COUNTED).subquery()
    number: int = tx.value(select(func.count()).select_from(counted))
    first = select(*_RUN_COLUMNS).where(*where).order_by(_RUN.next_scheduled_start_time, _RUN.id).limit(most)
    return number, tx.all(first) if number and most else []


def tasks_waiting_for_tag(tx: Tx, tag: str, most: int) -> tuple[int, list[Row]]:
    """How many task runs with a tag have not begun while their flow run goes on, and the first of them."""
    where = (
        _TASK.workspace_id == WORKSPACE,
        _TASK.state_type.in_(("PENDING", "SCHEDULED")),
        holds_all(_TASK.tags, [tag]),
        or_(_TASK.flow_run_id.is_(None), _RUN.state_type == "RUNNING"),
    )
    joined = task_runs.outerjoin(flow_runs, _RUN.id == _TASK.flow_run_id)
    counted = select(_TASK.id).select_from(joined).where(*where).limit(MOST_COUNTED).subquery()
    number: int = tx.value(select(func.count()).select_from(counted))
    columns = (_TASK.id, _TASK.name, _TASK.state_name, _TASK.state_timestamp)
    first = select(*columns).select_from(joined).where(*where).order_by(_TASK.state_timestamp, _TASK.id).limit(most)
    return number, tx.all(first) if number and most else []
