"""The runs of deployments over HTTP: making, scheduling and handing them out."""

from datetime import timedelta
from typing import Any

from podium.db.unit import Row, Tx
from podium.server.errors import BadRequest, Invalid
from podium.server.http.automation_headers import automation_of
from podium.server.http.call import Call, Reply
from podium.server.operations.deployment_runs import create_deployment_run, create_deployment_runs
from podium.server.operations.polling import mark_deployments_polled, need_marking
from podium.server.operations.schedule_plans import Span
from podium.server.operations.scheduling import schedule_deployment
from podium.server.queries.deployments import check_exists
from podium.server.queries.scheduled_runs import read_deployment_runs
from podium.wire import deployments as wire
from podium.wire.decoding import encode

MOST_AT_ONCE = 100


async def create_flow_run(call: Call, body: wire.DeploymentFlowRunCreate) -> Reply:
    _check_size(call, body)
    run, made = await call.write(create_deployment_run, call.path["id"], body, automation_of(call.request))
    return Reply(run, status=201 if made else 200)


async def create_flow_runs(call: Call, body: list[wire.DeploymentFlowRunCreate]) -> dict[str, Any]:
    if len(body) > MOST_AT_ONCE:
        raise BadRequest(f"Cannot create more than {MOST_AT_ONCE} flow runs at once.")
    for each in body:
        _check_size(call, each)
    return {"results": await call.write(create_deployment_runs, call.path["id"], body, automation_of(call.request))}


def _check_size(call: Call, body: wire.DeploymentFlowRunCreate) -> None:
    most = call.runtime.settings.server.api.max_parameter_size
    if most and body.parameters and len(encode(body.parameters)) > most:
        raise Invalid(f"The parameters are larger than {most} bytes.")


async def get_scheduled_flow_runs(call: Call, body: wire.ScheduledRunsQuery) -> list[Row]:
    """Served deployments ask for this all the time: a read, and a write only when the last note of a poll is old."""
    limit = call.limit(body.limit)
    ids = [str(deployment_id) for deployment_id in body.deployment_ids]
    runs, mark = await call.read(_scheduled, ids, body.scheduled_before, limit)
    if mark:
        await call.write(mark_deployments_polled, ids)
    return runs  # type: ignore[no-any-return]


def _scheduled(tx: Tx, ids: list[str], before: Any, limit: int) -> tuple[list[Row], bool]:
    if not ids:
        return [], False
    return read_deployment_runs(tx, ids, before, limit), need_marking(tx, ids)


async def schedule_runs(call: Call, body: wire.ScheduleRuns) -> None:
    await call.read(check_exists, call.path["id"])
    scheduler = call.runtime.settings.server.services.scheduler
    start = body.start_time or call.now
    ahead = float(scheduler.min_scheduled_time if body.min_time is None else body.min_time)
    span = Span(
        start=start,
        end=body.end_time or start + timedelta(seconds=scheduler.max_scheduled_time),
        until=start + timedelta(seconds=ahead),
        min_runs=scheduler.min_runs if body.min_runs is None else body.min_runs,
        max_runs=scheduler.max_runs if body.max_runs is None else body.max_runs,
    )
    batch = scheduler.insert_batch_size
    await schedule_deployment(call.runtime.database, call.path["id"], span, batch, call.workspace_id)


ROUTES = (
    (wire.CREATE_FLOW_RUN, create_flow_run),
    (wire.CREATE_FLOW_RUNS, create_flow_runs),
    (wire.GET_SCHEDULED_FLOW_RUNS, get_scheduled_flow_runs),
    (wire.SCHEDULE, schedule_runs),
)
