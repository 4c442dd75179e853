"""The only list of all endpoints: a module named here contributes every row it holds."""

from podium.wire import (
    admin,
    artifacts,
    automation_firings,
    automations,
    block_documents,
    block_schemas,
    block_types,
    collections,
    concurrency,
    concurrency_v2,
    csrf,
    deployments,
    documentation,
    events,
    explain,
    flow_runs,
    flows,
    logs,
    metrics,
    notification_deliveries,
    notifications,
    podium,
    root,
    saved_searches,
    schedules,
    slots,
    states,
    task_runs,
    task_workers,
    templates,
    ui,
    variables,
    webhooks,
    work_pools,
    work_queues,
    workers,
)
from podium.wire.endpoint import Endpoint

MODULES = (
    root,
    podium,
    documentation,
    admin,
    csrf,
    flows,
    flow_runs,
    explain,
    states,
    task_runs,
    deployments,
    schedules,
    work_pools,
    work_queues,
    workers,
    task_workers,
    variables,
    artifacts,
    logs,
    metrics,
    events,
    automation_firings,
    automations,
    notifications,
    webhooks,
    notification_deliveries,
    templates,
    block_types,
    block_schemas,
    block_documents,
    concurrency,
    concurrency_v2,
    slots,
    saved_searches,
    collections,
    ui,
)

ROWS: dict[str, Endpoint] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": row
    for module in MODULES
    for name, row in vars(module).items()
    if isinstance(row, Endpoint)
}
"""Each endpoint by its module and constant, such as ``flow_runs.SET_STATE``."""

ENDPOINTS: tuple[Endpoint, ...] = tuple(ROWS.values())
