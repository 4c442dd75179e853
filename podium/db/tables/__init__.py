"""All tables. Import a table from its family: ``from podium.db.tables.flows import flows``."""

from podium.db.tables import (
    artifacts,
    automations,
    blocks,
    concurrency,
    configuration,
    csrf,
    deployments,
    events,
    flow_runs,
    flows,
    logs,
    saved_searches,
    services,
    task_runs,
    variables,
    work_pools,
    workspaces,
)
from podium.db.tables.metadata import metadata

__all__ = [
    "artifacts",
    "automations",
    "blocks",
    "concurrency",
    "configuration",
    "csrf",
    "deployments",
    "events",
    "flow_runs",
    "flows",
    "logs",
    "metadata",
    "saved_searches",
    "services",
    "task_runs",
    "variables",
    "work_pools",
    "workspaces",
]
