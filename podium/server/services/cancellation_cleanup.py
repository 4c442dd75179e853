"""Ends what cancelled runs left behind: their tasks, their subflows, and themselves when nobody answers."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, literal, select

from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.task_runs import task_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.types import Timestamp
from podium.db.unit import Row, Tx
from podium.profiles import Settings
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.task_run_states import set_task_run_state
from podium.server.operations.worker_cleanup import enqueue_cleanup
from podium.server.orchestration.policies import MINIMAL_FLOW_POLICY
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.sweep import PAGE, is_still_in, page_by_page
from podium.wire.states import UNFINISHED, StateCreate, StateType
from podium.wire.worker_channel import CANCELLING_TIMEOUT

LOOK_BACK = timedelta(days=1)
WITHOUT_WORKERS = (":push", ":managed")

_PARENT = flow_runs.alias("parent")
_UNFINISHED = [literal(each) for each in UNFINISHED]
_LEFT_TASK_RUNS = (
    select(task_runs.c.id, task_runs.c.workspace_id)
    .join(flow_runs, flow_runs.c.id == task_runs.c.flow_run_id)
    .where(
        flow_runs.c.state_type == "CANCELLED",
        flow_runs.c.end_time >= bindparam("since", type_=Timestamp()),
        task_runs.c.state_type.in_(_UNFINISHED),
    )
    .order_by(task_runs.c.id)
    .limit(PAGE)
)
_LEFT_SUBFLOWS = (
    select(
        flow_runs.c.id,
        flow_runs.c.workspace_id,
        flow_runs.c.state_id,
        flow_runs.c.deployment_id,
    )
    .join(task_runs, task_runs.c.id == flow_runs.c.parent_task_run_id)
    .join(_PARENT, _PARENT.c.id == task_runs.c.flow_run_id)
    .where(
        flow_runs.c.parent_task_run_id.is_not(None),
        flow_runs.c.state_type.in_(_UNFINISHED),
        _PARENT.c.state_type == "CANCELLED",
        (flow_runs.c.state_type != "CANCELLING") | flow_runs.c.deployment_id.is_(None),
    )
    .order_by(flow_runs.c.id)
    .limit(PAGE)
)
_UNANSWERED = (
    select(
        flow_runs.c.id,
        flow_runs.c.workspace_id,
        flow_runs.c.state_id,
        flow_runs.c.infrastructure_pid,
        flow_runs.c.work_queue_id,
        work_queues.c.work_pool_id,
        work_pools.c.type.label("work_pool_type"),
    )
    .outerjoin(work_queues, work_queues.c.id == flow_runs.c.work_queue_id)
    .outerjoin(work_pools, work_pools.c.id == work_queues.c.work_pool_id)
    .where(
        flow_runs.c.state_type == "CANCELLING",
        flow_runs.c.state_timestamp <= bindparam("until", type_=Timestamp()),
    )
    .order_by(flow_runs.c.state_timestamp, flow_runs.c.id)
    .limit(PAGE)
)


def _since(settings: Settings, now: datetime) -> dict[str, datetime]:
    return {"since": now - LOOK_BACK}


def _until(settings: Settings, now: datetime) -> dict[str, datetime]:
    return {"until": now - timedelta(seconds=settings.server.services.cancellation_cleanup.cancelling_timeout_seconds)}


LEFT_TASK_RUNS = Look((_LEFT_TASK_RUNS,), _since)
LEFT_SUBFLOWS = Look((_LEFT_SUBFLOWS,))
UNANSWERED = Look((_UNANSWERED,), _until)


async def cancel_left_task_runs(runtime: Runtime) -> None:
    """Cancels the unfinished task runs of flow runs that were cancelled during the last day."""
    await page_by_page(runtime.database, left_task_runs, cancel_task_run)


async def cancel_left_subflows(runtime: Runtime) -> None:
    """Cancels the unfinished subflow runs of cancelled flow runs."""
    await page_by_page(runtime.database, left_subflows, cancel_subflow)


async def end_cancelling(runtime: Runtime) -> None:
    """Cancels the runs whose process did not answer within the time for it."""
    timeout = runtime.settings.server.services.cancellation_cleanup.cancelling_timeout_seconds
    await page_by_page(runtime.database, unanswered_runs, end_unanswered, timedelta(seconds=timeout))


def left_task_runs(tx: Tx) -> list[Row]:
    """Unfinished task runs, of every workspace, whose flow run is cancelled."""
    return tx.all(_LEFT_TASK_RUNS, since=tx.now - LOOK_BACK)


def cancel_task_run(tx: Tx, task_run: Row) -> None:
    """Cancels a task run by force."""
    cancelled = StateCreate(type="CANCELLED", message="The parent flow run was cancelled.")
    set_task_run_state(tx, task_run["id"], cancelled, force=True)


def left_subflows(tx: Tx) -> list[Row]:
    """Unfinished subflow runs, of every workspace, whose parent is cancelled and that were not told yet."""
    return tx.all(_LEFT_SUBFLOWS)


def cancel_subflow(tx: Tx, run: Row) -> None:
    """Cancels a subflow run; one with a deployment has a process of its own, which is asked to end."""
    if not is_still_in(tx, run):
        return
    kind: StateType = "CANCELLED" if run["deployment_id"] is None else "CANCELLING"
    proposal = StateCreate(type=kind, message="The parent flow run was cancelled.")
    set_flow_run_state(tx, run["id"], proposal, policy=MINIMAL_FLOW_POLICY)


def unanswered_runs(tx: Tx, timeout: timedelta) -> list[Row]:
    """Runs of every workspace that have been CANCELLING for longer than the timeout."""
    return tx.all(_UNANSWERED, until=tx.now - timeout)


def end_unanswered(tx: Tx, run: Row) -> None:
    """Cancels a run whose process did not answer, and offers its worker to clean up after it."""
    if not is_still_in(tx, run):
        return
    message = "The flow run did not confirm its cancellation in time."
    outcome = set_flow_run_state(tx, run["id"], StateCreate(type="CANCELLED", message=message))
    if outcome.stored and run["work_pool_id"] and not run["work_pool_type"].endswith(WITHOUT_WORKERS):
        target = {"flow_run_id": run["id"], "infrastructure_pid": run["infrastructure_pid"]}
        key = f"{CANCELLING_TIMEOUT}:{run['id']}:{run['state_id']}"
        enqueue_cleanup(tx, run["work_pool_id"], run["work_queue_id"], CANCELLING_TIMEOUT, target, key)
