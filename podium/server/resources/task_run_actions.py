"""What makes task runs and moves them through their states over HTTP; reading them is in ``task_runs``."""

from podium.db.unit import Row, Tx
from podium.server.errors import NotFound
from podium.server.http.call import Call, Reply
from podium.server.operations.states import Outcome
from podium.server.operations.task_run_states import set_task_run_state
from podium.server.operations.task_runs import create_task_run, delete_task_run
from podium.wire import task_runs as wire
from podium.wire.states import SetState


async def make_task_run(call: Call, body: wire.TaskRunCreate) -> Reply:
    row, made = await call.write(_make_task_run, body)
    return Reply(row, status=201 if made else 200)


def _make_task_run(tx: Tx, body: wire.TaskRunCreate) -> tuple[Row, bool]:
    values = {
        "id": body.id and str(body.id),
        "name": body.name,
        "flow_run_id": body.flow_run_id and str(body.flow_run_id),
        "task_key": body.task_key,
        "dynamic_key": body.dynamic_key,
        "task_version": body.task_version,
        "cache_key": body.cache_key,
        "cache_expiration": body.cache_expiration,
        "empirical_policy": body.empirical_policy,
        "tags": body.tags,
        "labels": body.labels,
        "task_inputs": body.task_inputs,
    }
    return create_task_run(tx, values, body.state)


async def set_state(call: Call, body: SetState) -> Reply:
    outcome: Outcome = await call.write(set_task_run_state, call.path["id"], body.state, body.force)
    return Reply(outcome.answer, status=201 if outcome.stored else 200)


async def remove_task_run(call: Call) -> None:
    if not await call.write(delete_task_run, call.path["id"]):
        raise NotFound("Task run not found")


ROUTES = (
    (wire.CREATE, make_task_run),
    (wire.SET_STATE, set_state),
    (wire.DELETE, remove_task_run),
)
