"""Rows of the inputs of flow runs."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from podium.db.tables.flow_runs import flow_run_inputs, flow_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Conflict, NotFound
from podium.server.queries.generic import Entity, add_if_absent
from podium.wire.flow_runs import FlowRunInput

INPUTS = Entity(flow_run_inputs, FlowRunInput, "Flow run input")

_OF_RUN = (flow_run_inputs.c.workspace_id == WORKSPACE, flow_run_inputs.c.flow_run_id == bindparam("run_id"))
_VALUE = select(flow_run_inputs.c.value).where(*_OF_RUN, flow_run_inputs.c.key == bindparam("input_key"))
_DELETE = delete(flow_run_inputs).where(*_OF_RUN, flow_run_inputs.c.key == bindparam("input_key"))
_RUN_EXISTS = select(flow_runs.c.id).where(flow_runs.c.workspace_id == WORKSPACE, flow_runs.c.id == bindparam("run_id"))


def add_input(tx: Tx, flow_run_id: str, key: str, value: str, sender: str | None = None) -> None:
    """Keeps an input; raises ``NotFound`` for an unknown run and ``Conflict`` for a key the run has."""
    if tx.value(_RUN_EXISTS, run_id=flow_run_id) is None:
        raise NotFound("Flow run not found")
    row = {"flow_run_id": flow_run_id, "key": key, "value": value, "sender": sender}
    if add_if_absent(tx, INPUTS, row) is None:
        raise Conflict("A flow run input with this key already exists.")


def find_input(tx: Tx, flow_run_id: str, key: str) -> str | None:
    """The value under a key, None when there is none."""
    value: str | None = tx.value(_VALUE, run_id=flow_run_id, input_key=key)
    return value


def get_input(tx: Tx, flow_run_id: str, key: str) -> str:
    """The value under a key; ``NotFound`` when there is none."""
    value = find_input(tx, flow_run_id, key)
    if value is None:
        raise NotFound("Flow run input not found")
    return value


def list_inputs(tx: Tx, flow_run_id: str, prefix: str, limit: int, exclude_keys: Sequence[str]) -> list[Row]:
    """The inputs whose keys start with the prefix and are not excluded, oldest first."""
    columns = flow_run_inputs.c
    statement = (
        select(*INPUTS.columns)
        .where(*_OF_RUN, columns.key.startswith(prefix, autoescape=True), columns.key.not_in(exclude_keys))
        .order_by(columns.created, columns.id)
        .limit(limit)
    )
    return tx.all(statement, run_id=flow_run_id)


def remove_input(tx: Tx, flow_run_id: str, key: str) -> None:
    """Deletes an input; ``NotFound`` when there is none."""
    if tx.run(_DELETE, run_id=flow_run_id, input_key=key) == 0:
        raise NotFound("Flow run input not found")
