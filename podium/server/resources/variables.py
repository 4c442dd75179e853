"""Variables over HTTP."""

from typing import Any

from podium.db.unit import Row, Tx
from podium.server.http.call import Call
from podium.server.operations import variables as operations
from podium.server.queries import filter_targets, generic, sorting
from podium.server.queries.filtering import conditions
from podium.server.queries.variables import VARIABLES
from podium.wire import variables as wire


async def create_variable(call: Call, body: wire.VariableCreate) -> Row:
    values = {"name": body.name, "value": body.value, "tags": body.tags}
    row: Row = await call.write(operations.create_variable, values)
    return row


async def read_variable(call: Call) -> Row:
    row: Row = await call.read(generic.get, VARIABLES, call.path["id"])
    return row


async def read_variable_by_name(call: Call) -> Row:
    row: Row = await call.read(_by_name, call.path["name"])
    return row


def _by_name(tx: Tx, name: str) -> Row:
    return generic.get_by(tx, VARIABLES, name=name)


async def list_variables(call: Call, body: wire.VariableQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.VARIABLES, body)
    rows: list[Row] = await call.read(generic.page, VARIABLES, where, sorting.VARIABLES[body.sort], limit, body.offset)
    return rows


async def count_variables(call: Call, body: wire.VariableCountQuery) -> int:
    total: int = await call.read(generic.count, VARIABLES, conditions(filter_targets.VARIABLES, body))
    return total


def _changes(body: wire.VariableUpdate) -> dict[str, Any]:
    """Name and tags cannot be null; a null there changes nothing."""
    return {name: value for name, value in body.sent().items() if value is not None or name == "value"}


async def update_variable(call: Call, body: wire.VariableUpdate) -> None:
    await call.write(operations.change_variable, call.path["id"], _changes(body))


async def update_variable_by_name(call: Call, body: wire.VariableUpdate) -> None:
    await call.write(operations.change_variable_by_name, call.path["name"], _changes(body))


async def delete_variable(call: Call) -> None:
    await call.write(operations.delete_variable, call.path["id"])


async def delete_variable_by_name(call: Call) -> None:
    await call.write(operations.delete_variable_by_name, call.path["name"])


ROUTES = (
    (wire.CREATE, create_variable),
    (wire.READ, read_variable),
    (wire.READ_BY_NAME, read_variable_by_name),
    (wire.FILTER, list_variables),
    (wire.COUNT, count_variables),
    (wire.UPDATE, update_variable),
    (wire.UPDATE_BY_NAME, update_variable_by_name),
    (wire.DELETE, delete_variable),
    (wire.DELETE_BY_NAME, delete_variable_by_name),
)
