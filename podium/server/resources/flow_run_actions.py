"""What makes flow runs and moves them through their states over HTTP; reading them is in ``flow_runs``."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, select

from podium.db.tables.flow_runs import flow_runs
from podium.db.unit import Row, Tx
from podium.server.errors import Invalid, NotFound
from podium.server.http.call import Call, Reply
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.flow_runs import create_flow_run, delete_flow_run, delete_flow_run_logs, queue_for
from podium.server.operations.pausing import resume_flow_run
from podium.server.operations.states import Outcome
from podium.server.queries import filter_targets, flow_run_inputs
from podium.server.queries.filtering import conditions
from podium.server.queries.flow_runs import FLOW_RUNS
from podium.server.refusals import refusal_of
from podium.wire import flow_runs as wire
from podium.wire.decoding import encode
from podium.wire.states import SetState, StateCreate

LONGEST_KEY = 512


async def make_flow_run(call: Call, body: wire.FlowRunCreate) -> Reply:
    most = call.runtime.settings.server.api.max_parameter_size
    if most and body.parameters and len(encode(body.parameters)) > most:
        raise Invalid(f"The parameters are larger than {most} bytes.")
    row, made = await call.write(_make_flow_run, body)
    return Reply(row, status=201 if made else 200)


def _make_flow_run(tx: Tx, body: wire.FlowRunCreate) -> tuple[Row, bool]:
    values = {
        "flow_id": str(body.flow_id),
        "name": body.name,
        "deployment_id": body.deployment_id and str(body.deployment_id),
        "parent_task_run_id": body.parent_task_run_id and str(body.parent_task_run_id),
        "infrastructure_document_id": body.infrastructure_document_id and str(body.infrastructure_document_id),
        "flow_version": body.flow_version,
        "parameters": body.parameters,
        "context": body.context,
        "job_variables": body.job_variables,
        "empirical_policy": body.empirical_policy,
        "tags": body.tags,
        "labels": body.labels,
        "idempotency_key": body.idempotency_key,
        **queue_for(tx, body.work_pool_name, body.work_queue_name),
    }
    return create_flow_run(tx, values, body.state)


async def set_state(call: Call, body: SetState) -> Reply:
    unit = partial(set_flow_run_state, client_version=call.client_version, api_version=call.api_version)
    outcome: Outcome = await call.write(unit, call.path["id"], body.state, body.force)
    return Reply(outcome.answer, status=201 if outcome.stored else 200)


async def set_states(call: Call, body: wire.FlowRunBulkSetState) -> Row:
    where = conditions(filter_targets.FLOW_RUNS, body)
    unit = partial(_set_states, client_version=call.client_version, api_version=call.api_version)
    results: list[Row] = await call.write(unit, where, body.limit, body.state, body.force)
    return {"results": results}


def _set_states(
    tx: Tx, where: Sequence[ColumnElement[bool]], limit: int, state: StateCreate, force: bool, **versions: Any
) -> list[Row]:
    results: list[Row] = []
    for run_id in _chosen(tx, where, limit):
        try:
            with tx.part():
                answer = set_flow_run_state(tx, run_id, state, force, **versions).answer
        except Exception as error:
            problem = refusal_of(error)
            if problem is None:
                raise
            details = {"type": "abort_details", "reason": problem.detail}
            answer = {"status": "ABORT", "details": details, "state": None}
        results.append({"flow_run_id": run_id, **answer})
    return results


def _chosen(tx: Tx, where: Sequence[ColumnElement[bool]], limit: int) -> list[str]:
    chosen = select(flow_runs.c.id).where(FLOW_RUNS.mine, *where).order_by(flow_runs.c.id).limit(limit)
    return tx.column(chosen)


async def resume(call: Call, body: wire.Resume) -> Reply:
    unit = partial(resume_flow_run, client_version=call.client_version, api_version=call.api_version)
    outcome: Outcome = await call.write(unit, call.path["id"], body.run_input)
    return Reply(outcome.answer, status=201 if outcome.stored else 200)


async def remove_flow_run(call: Call) -> None:
    if not await call.write(delete_flow_run, call.path["id"]):
        raise NotFound("Flow run not found")
    await call.write(delete_flow_run_logs, call.path["id"])


async def remove_flow_runs(call: Call, body: wire.FlowRunBulkDelete) -> Row:
    deleted: list[str] = await call.write(_remove, conditions(filter_targets.FLOW_RUNS, body), body.limit)
    for flow_run_id in deleted:
        await call.write(delete_flow_run_logs, flow_run_id)
    return {"deleted": deleted}


def _remove(tx: Tx, where: Sequence[ColumnElement[bool]], limit: int) -> list[str]:
    return [run_id for run_id in _chosen(tx, where, limit) if delete_flow_run(tx, run_id)]


async def create_input(call: Call, body: wire.FlowRunInputCreate) -> None:
    if not body.key or len(body.key) > LONGEST_KEY or any(character.isspace() for character in body.key):
        raise Invalid(f"The key of an input is 1 to {LONGEST_KEY} characters without blanks.")
    await call.write(flow_run_inputs.add_input, call.path["id"], body.key, body.value, body.sender)


async def list_inputs(call: Call, body: wire.FlowRunInputQuery) -> list[Row]:
    if body.limit < 0:
        raise Invalid(f"Invalid limit: {body.limit} is negative.")
    rows: list[Row] = await call.read(
        flow_run_inputs.list_inputs, call.path["id"], body.prefix, body.limit, body.exclude_keys or []
    )
    return rows


async def read_input(call: Call) -> Reply:
    value: str = await call.read(flow_run_inputs.get_input, call.path["id"], call.path["key"])
    return Reply(content=value.encode(), media="text/plain; charset=utf-8")


async def delete_input(call: Call) -> None:
    await call.write(flow_run_inputs.remove_input, call.path["id"], call.path["key"])


ROUTES = (
    (wire.CREATE, make_flow_run),
    (wire.SET_STATE, set_state),
    (wire.BULK_SET_STATE, set_states),
    (wire.RESUME, resume),
    (wire.DELETE, remove_flow_run),
    (wire.BULK_DELETE, remove_flow_runs),
    (wire.CREATE_INPUT, create_input),
    (wire.FILTER_INPUT, list_inputs),
    (wire.READ_INPUT, read_input),
    (wire.DELETE_INPUT, delete_input),
)
