"""Deployments over HTTP."""

from typing import Any

from podium.db.unit import Row
from podium.server.http.automation_headers import automation_of
from podium.server.http.call import Call, Reply
from podium.server.operations.deployments import (
    change_deployment,
    delete_deployment,
    delete_deployments,
    save_deployment,
    set_paused,
)
from podium.server.queries import filter_targets, generic, sorting
from podium.server.queries.deployments import (
    DEPLOYMENTS,
    list_deployments,
    queues_serving,
    read_deployment,
    read_deployment_by_name,
)
from podium.server.queries.filtering import conditions
from podium.server.queries.paging import read_page
from podium.wire import deployments as wire
from podium.wire.filters import QueueScope


async def create_deployment(call: Call, body: wire.DeploymentCreate) -> Reply:
    deployment, made = await call.write(save_deployment, body, automation_of(call.request))
    return Reply(deployment, status=201 if made else 200)


def _for_client(call: Call, row: Row) -> Row:
    """Clients before 3.2 take no null for the queue of a deployment that has none; they take a field left out."""
    if row["work_queue_id"] is None and call.client_before(3, 2):
        return {name: value for name, value in row.items() if name != "work_queue_id"}
    return row


async def get_deployment(call: Call) -> Row:
    return _for_client(call, await call.read(read_deployment, call.path["id"]))


async def get_deployment_by_name(call: Call) -> Row:
    names = call.path["flow_name"], call.path["deployment_name"]
    return _for_client(call, await call.read(read_deployment_by_name, *names))


async def filter_deployments(call: Call, body: wire.DeploymentQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.DEPLOYMENTS, body)
    rows: list[Row] = await call.read(list_deployments, where, sorting.DEPLOYMENTS[body.sort], limit, body.offset)
    return [_for_client(call, row) for row in rows]


async def paginate_deployments(call: Call, body: wire.DeploymentPageQuery) -> dict[str, Any]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.DEPLOYMENTS, body)
    found: dict[str, Any] = await call.read(
        read_page,
        lambda tx, limit, offset: list_deployments(tx, where, sorting.DEPLOYMENTS[body.sort], limit, offset),
        lambda tx: generic.count(tx, DEPLOYMENTS, where),
        limit,
        body.page,
    )
    return found


async def count_deployments(call: Call, body: QueueScope) -> int:
    total: int = await call.read(generic.count, DEPLOYMENTS, conditions(filter_targets.DEPLOYMENTS, body))
    return total


async def update_deployment(call: Call, body: wire.DeploymentUpdate) -> None:
    await call.write(change_deployment, call.path["id"], body, automation_of(call.request))


async def remove_deployment(call: Call) -> None:
    await call.write(delete_deployment, call.path["id"])


async def bulk_delete_deployments(call: Call, body: wire.DeploymentBulkDelete) -> dict[str, Any]:
    where = conditions(filter_targets.DEPLOYMENTS, body)
    return {"deleted": await call.write(delete_deployments, where, body.limit)}


async def pause_deployment(call: Call) -> None:
    await call.write(set_paused, call.path["id"], True)


async def resume_deployment(call: Call) -> None:
    await call.write(set_paused, call.path["id"], False)


async def check_work_queues(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(queues_serving, call.path["id"])
    return rows


ROUTES = (
    (wire.CREATE, create_deployment),
    (wire.READ, get_deployment),
    (wire.READ_BY_NAME, get_deployment_by_name),
    (wire.FILTER, filter_deployments),
    (wire.PAGINATE, paginate_deployments),
    (wire.COUNT, count_deployments),
    (wire.UPDATE, update_deployment),
    (wire.DELETE, remove_deployment),
    (wire.BULK_DELETE, bulk_delete_deployments),
    (wire.PAUSE, pause_deployment),
    (wire.RESUME, resume_deployment),
    (wire.CHECK_WORK_QUEUES, check_work_queues),
)
