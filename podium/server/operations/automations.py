"""Creating, changing and deleting automations."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from podium.db.ids import new_id
from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.automations.interest import count_up
from podium.server.errors import Invalid, MissingObject
from podium.server.events.lifecycle import Verb, automation_event
from podium.server.operations.job_variables import check_job_variables
from podium.server.queries.automations import (
    AUTOMATIONS,
    forget_triggers,
    owned_automations,
    relate_owner,
    relate_used,
)
from podium.server.queries.deployments import get_whole
from podium.server.queries.generic import add, change, take_out
from podium.wire.actions import Action, RunDeployment
from podium.wire.automations import AutomationCreate, AutomationUpdate
from podium.wire.triggers import EventTrigger, Trigger

LISTS_OF_ACTIONS = ("actions", "actions_on_trigger", "actions_on_resolve")


def create_automation(tx: Tx, body: AutomationCreate) -> Row:
    """Stores an automation whose triggers get ids of their own.

    ``NotFound`` for job variables of a deployment that does not exist, ``Invalid`` for those that do not fit its pool.
    """
    _check_deployments(tx, body)
    count_up(tx)
    automation = add(tx, AUTOMATIONS, _columns(body))
    if body.owner_resource is not None:
        relate_owner(tx, automation["id"], body.owner_resource)
    relate_used(tx, automation["id"], _deployments_run(body))
    _tell(tx, "created", automation)
    return automation


def replace_automation(tx: Tx, automation_id: str, body: AutomationUpdate) -> None:
    """Puts other contents into an automation; its triggers begin anew. ``MissingObject`` without one.

    Otherwise as ``create_automation``.
    """
    _check_deployments(tx, body)
    change_automation(tx, automation_id, _columns(body))
    relate_used(tx, automation_id, _deployments_run(body))


def change_automation(tx: Tx, automation_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of an automation, whose triggers begin anew; ``MissingObject`` without one."""
    count_up(tx)
    automation = change(tx, AUTOMATIONS, automation_id, values)
    if automation is None:
        raise MissingObject(f"Automation {automation_id} not found")
    forget_triggers(tx, automation_id)
    _tell(tx, "updated", automation)


def delete_automation(tx: Tx, automation_id: str) -> None:
    """Deletes an automation and what its triggers remember; ``MissingObject`` without one."""
    count_up(tx)
    automation = take_out(tx, AUTOMATIONS, automation_id)
    if automation is None:
        raise MissingObject(f"Automation {automation_id} not found")
    _tell(tx, "deleted", automation)


def delete_owned_automations(tx: Tx, resource_id: str) -> None:
    """Deletes the automations a resource owns, as a deployment does before it sends its triggers anew."""
    count_up(tx)
    for automation in owned_automations(tx, resource_id):
        take_out(tx, AUTOMATIONS, automation["id"])
        _tell(tx, "deleted", automation)


def _tell(tx: Tx, verb: Verb, automation: Row) -> None:
    tx.emit(automation_event(verb, automation, tx.now))


def _columns(body: AutomationUpdate) -> dict[str, Any]:
    _give_ids(body.trigger)
    return {
        "name": body.name,
        "description": body.description,
        "enabled": body.enabled,
        "tags": body.tags,
        "trigger": body.trigger,
        **{name: [_stored(action) for action in getattr(body, name)] for name in LISTS_OF_ACTIONS},
    }


def _give_ids(trigger: Trigger) -> None:
    trigger.id = new_id()
    if not isinstance(trigger, EventTrigger):
        for inner in trigger.triggers:
            _give_ids(inner)


def _stored(action: Action) -> dict[str, Any]:
    """The JSON of an action, its ids spelled as everywhere."""
    fields: dict[str, Any] = msgspec.to_builtins(action)
    return {name: str(UUID(value)) if name.endswith("_id") and value else value for name, value in fields.items()}


def _runs(body: AutomationUpdate) -> Iterator[RunDeployment]:
    """The actions that run a selected deployment."""
    for name in LISTS_OF_ACTIONS:
        for action in getattr(body, name):
            if isinstance(action, RunDeployment) and action.deployment_id is not None:
                yield action


def _deployments_run(body: AutomationUpdate) -> list[str]:
    return list(dict.fromkeys(f"prefect.deployment.{UUID(action.deployment_id)}" for action in _runs(body)))


def _check_deployments(tx: Tx, body: AutomationUpdate) -> None:
    for action in _runs(body):
        if action.job_variables:
            deployment = get_whole(tx, str(UUID(action.deployment_id)))
            variables = {**plain(deployment["job_variables"]), **action.job_variables}
            reason = check_job_variables(tx, deployment["work_queue_id"], variables)
            if reason:
                raise Invalid(f"The automation cannot run the deployment {deployment['name']!r}. {reason}")
