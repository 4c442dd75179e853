"""Pausing and resuming what can be: deployments, work pools, work queues and automations."""

from podium.db.unit import Tx
from podium.server.automations.invocation import (
    ActionFailed,
    Effect,
    Invocation,
    Perform,
    first_of_kind,
    target,
)
from podium.server.operations.automations import change_automation
from podium.server.operations.deployments import set_paused
from podium.server.operations.work_pools import change_work_pool
from podium.server.operations.work_queues import change_queue
from podium.server.queries.generic import get
from podium.server.queries.work_pools import WORK_POOLS
from podium.wire import automations, deployments, work_pools, work_queues


def chosen(invocation: Invocation, kind: str) -> str:
    """The id of the object of a kind that the action selects, or of the first in the event."""
    selected: str | None = getattr(invocation.action, f"{kind.replace('-', '_')}_id")
    if selected is not None:
        return selected
    name = kind.replace("-", " ")
    event = invocation.context.triggering_event
    if event is None:
        raise ActionFailed(f"No event to infer the {name}")
    found = first_of_kind(event, kind)
    if found is None:
        raise ActionFailed(f"No {name} could be inferred")
    return found[0]


def _deployment(paused: bool) -> Perform:
    def perform(tx: Tx, invocation: Invocation, effect: Effect) -> None:
        deployment_id = chosen(invocation, "deployment")
        effect.related.append(target("deployment", deployment_id))
        set_paused(tx, deployment_id, paused)
        effect.details["status_code"] = (deployments.PAUSE if paused else deployments.RESUME).status

    return perform


def _work_pool(paused: bool) -> Perform:
    def perform(tx: Tx, invocation: Invocation, effect: Effect) -> None:
        pool = get(tx, WORK_POOLS, chosen(invocation, "work-pool"))
        effect.related.append(target("work-pool", pool["id"], pool["name"]))
        change_work_pool(tx, pool["name"], {"is_paused": paused})
        effect.details["status_code"] = work_pools.UPDATE.status

    return perform


def _work_queue(paused: bool) -> Perform:
    def perform(tx: Tx, invocation: Invocation, effect: Effect) -> None:
        queue_id = chosen(invocation, "work-queue")
        effect.related.append(target("work-queue", queue_id))
        change_queue(tx, queue_id, {"is_paused": paused})
        effect.details["status_code"] = work_queues.UPDATE.status

    return perform


def _automation(paused: bool) -> Perform:
    def perform(tx: Tx, invocation: Invocation, effect: Effect) -> None:
        automation_id = chosen(invocation, "automation")
        effect.related.append(target("automation", automation_id))
        change_automation(tx, automation_id, {"enabled": not paused})
        effect.details["status_code"] = automations.UPDATE.status

    return perform


pause_deployment, resume_deployment = _deployment(True), _deployment(False)
pause_work_pool, resume_work_pool = _work_pool(True), _work_pool(False)
pause_work_queue, resume_work_queue = _work_queue(True), _work_queue(False)
pause_automation, resume_automation = _automation(True), _automation(False)
