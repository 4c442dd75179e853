"""The schedules of a deployment over HTTP."""

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.operations.deployment_schedules import change_schedule, create_schedules, delete_schedule
from podium.server.queries.deployments import list_schedules
from podium.wire import schedules as wire


async def read_schedules(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(list_schedules, call.path["id"])
    return rows


async def add_schedules(call: Call, body: list[wire.DeploymentScheduleCreate]) -> list[Row]:
    rows: list[Row] = await call.write(create_schedules, call.path["id"], body)
    return rows


async def update_schedule(call: Call, body: wire.DeploymentScheduleUpdate) -> None:
    await call.write(change_schedule, call.path["id"], call.path["schedule_id"], body)


async def remove_schedule(call: Call) -> None:
    await call.write(delete_schedule, call.path["id"], call.path["schedule_id"])


ROUTES = (
    (wire.LIST, read_schedules),
    (wire.CREATE, add_schedules),
    (wire.UPDATE, update_schedule),
    (wire.DELETE, remove_schedule),
)
