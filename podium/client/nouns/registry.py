"""The only list of all nouns, each imported when it is asked for."""

from importlib import import_module
from typing import Final

from podium.client.nouns.noun import Noun

NOUNS: Final = {
    "flow": "flows.FLOW",
    "flow-run": "flow_runs.FLOW_RUN",
    "task-run": "task_runs.TASK_RUN",
    "deployment": "deployments.DEPLOYMENT",
    "work-pool": "work_pools.WORK_POOL",
    "work-queue": "work_queues.WORK_QUEUE",
    "worker": "workers.WORKER",
    "block": "blocks.BLOCK",
    "block-type": "blocks.BLOCK_TYPE",
    "variable": "variables.VARIABLE",
    "artifact": "artifacts.ARTIFACT",
    "concurrency-limit": "limits.TAG_LIMIT",
    "global-concurrency-limit": "limits.GLOBAL_LIMIT",
    "automation": "automations.AUTOMATION",
    "notification": "notifications.NOTIFICATION",
    "delivery": "deliveries.DELIVERY",
    "webhook": "webhooks.WEBHOOK",
    "event": "events.EVENT",
}
"""Module and row of each, by its name."""


def noun_of(name: str) -> Noun:
    """The noun of this name. Raises KeyError."""
    module, _, constant = NOUNS[name].partition(".")
    row: Noun = getattr(import_module(f"podium.client.nouns.{module}"), constant)
    return row
