"""Creating, changing, trying and deleting notifications. Each is done by an automation made from it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from podium.db.ids import new_id
from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, Invalid, InvalidRequest
from podium.server.notifications.queue import Message, queue_delivery
from podium.server.operations.automations import (
    change_automation,
    create_automation,
    delete_automation,
    replace_automation,
)
from podium.server.operations.notification_messages import MESSAGE, SUBJECT, sample_words
from podium.server.queries.generic import add_if_absent, find_by, patch
from podium.server.queries.notifications import (
    NOTIFICATIONS,
    SCOPES,
    find_channel,
    get_notification,
    notification_of,
    unknown_ids,
)
from podium.wire.actions import Action
from podium.wire.automations import AutomationCreate, AutomationUpdate
from podium.wire.events import ResourceSpecification
from podium.wire.notifications import STATE_TYPES, NotificationTest
from podium.wire.triggers import CompoundTrigger, EventTrigger, Trigger

NOTIFY = "notify"
"""What a block is able to do that is a channel."""

_ROLES = {"tags": "tag", "flow_ids": "flow", "deployment_ids": "deployment", "work_pool_ids": "work-pool"}


def create_notification(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Stores a notification and the automation that does it.

    ``Conflict`` when its name is taken, ``InvalidRequest`` when it goes nowhere or is about what does not exist.
    """
    _check(tx, values, values)
    automation = create_automation(tx, _automation(AutomationCreate, values))
    columns = {name: value for name, value in values.items() if name != "enabled"}
    row = add_if_absent(tx, NOTIFICATIONS, {**columns, "automation_id": automation["id"]})
    if row is None:
        raise _taken(values["name"])
    return {**row, "enabled": values["enabled"]}


def change_notification(tx: Tx, notification_id: str, changes: Mapping[str, Any]) -> None:
    """Changes a notification and its automation, which keeps its id.

    ``NotFound`` without one; otherwise as ``create_notification``. Pausing and resuming alone lets its triggers be.
    """
    stored = get_notification(tx, notification_id)
    automation_id = stored["automation_id"]
    columns = {name: value for name, value in changes.items() if name != "enabled"}
    if columns:
        values = {name: plain(value) for name, value in stored.items()} | dict(changes)
        namesake = find_by(tx, NOTIFICATIONS, name=values["name"])
        if namesake is not None and namesake["id"] != notification_id:
            raise _taken(values["name"])
        _check(tx, values, changes)
        replace_automation(tx, automation_id, _automation(AutomationUpdate, values))
    elif changes:
        change_automation(tx, automation_id, changes)
    if changes:
        patch(tx, NOTIFICATIONS, notification_id, columns)


def delete_notification(tx: Tx, notification_id: str) -> None:
    """Deletes a notification with its automation; ``NotFound`` without one."""
    delete_automation(tx, get_notification(tx, notification_id)["automation_id"])


def replace_free_automation(tx: Tx, automation_id: str, body: AutomationUpdate) -> None:
    """``replace_automation``; ``Conflict`` for one that a notification is done by, which would say otherwise."""
    notification = notification_of(tx, automation_id)
    if notification is not None:
        raise Conflict(f"The automation does the notification {notification['name']!r}: change that instead.")
    replace_automation(tx, automation_id, body)


def try_notification(tx: Tx, notification_id: str) -> NotificationTest:
    """Queues what the notification would say of a run that there is not, whether it is paused or not.

    ``NotFound`` without one, ``Invalid`` when its channel is gone or its words fail. Whoever calls this wakes
    ``DELIVERIES`` after the commit.
    """
    notification = get_notification(tx, notification_id)
    emails, block = plain(notification["emails"]), notification["block_document_id"]
    if block is not None and find_channel(tx, block) is None:
        raise Invalid("The block that the notification goes to does not exist any more.")
    name, kind = _sample_state(plain(notification["state_names"]))
    try:
        subject, body = sample_words(notification, name, kind, tx.settings)
    except ValueError as error:
        raise Invalid(f"The words of the notification fail: {error}") from None
    message = Message(subject=f"Test: {subject}", body=body, emails=emails)
    delivery = queue_delivery(tx, "email" if emails else "notification", message, f"test {new_id()}", block)
    assert delivery is not None
    return NotificationTest(delivery_id=delivery, subject=message.subject, body=body)


def _sample_state(states: list[str]) -> tuple[str, str]:
    """Name and type of a state that the notification is about."""
    first = states[0] if states else "FAILED"
    return (first.capitalize(), first) if first in STATE_TYPES else (first, first.upper())


def _taken(name: str) -> Conflict:
    return Conflict(f"A notification with the name {name!r} already exists.")


def _check(tx: Tx, values: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
    """``values``: what the notification is to be; only ids that are ``changed`` are looked up."""
    errors = list(_errors(tx, values, changed))
    if errors:
        raise InvalidRequest(errors)


def _errors(tx: Tx, values: Mapping[str, Any], changed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    block = values["block_document_id"]
    if block is None and not values["emails"]:
        yield _error("block_document_id", "Expected a block that notifies, or emails", None)
    if block is not None and "block_document_id" in changed:
        channel = find_channel(tx, block)
        if channel is None:
            yield _error("block_document_id", "There is no such block", block)
        elif not values["emails"] and NOTIFY not in plain(channel["capabilities"]):
            yield _error("block_document_id", f"The block {channel['name']!r} is none that notifies", block)
    for column in SCOPES:
        if column in changed:
            for unknown in unknown_ids(tx, column, values[column]):
                yield _error(column, f"There is no such {_ROLES[column].replace('-', ' ')}", unknown)


def _error(field: str, reason: str, given: Any) -> dict[str, Any]:
    return {"type": "value_error", "loc": ["body", field], "msg": reason, "input": given}


def _automation(kind: Any, values: Mapping[str, Any]) -> Any:
    """The automation that does a notification."""
    return kind(
        name=values["name"],
        description="Does the notification of this name, and is changed with it.",
        enabled=values["enabled"],
        trigger=_trigger(values),
        actions=[_action(values)],
    )


def _action(values: Mapping[str, Any]) -> Action:
    words = {"subject": values["subject"] or SUBJECT, "body": values["message"] or MESSAGE}
    where = {"block_document_id": values["block_document_id"]}
    kind = "send-notification"
    if values["emails"]:
        kind, where = "send-email-notification", {**where, "emails": values["emails"]}
    action: Action = msgspec.convert({"type": kind, **words, **where}, Action)
    return action


def _trigger(values: Mapping[str, Any]) -> Trigger:
    """Fires for each state that a run enters. An event that both kinds of states speak of fires once."""
    types = [state for state in values["state_names"] if state in STATE_TYPES]
    names = [f"prefect.flow-run.{state}" for state in values["state_names"] if state not in STATE_TYPES]
    related = list(_related(values))
    if not names:
        # Events about runs that are not states have no type of one.
        return _of_runs({"prefect.state-type": types or "*"}, related, ["prefect.flow-run.*"])
    if not types:
        return _of_runs({}, related, names)
    others = [each for each in STATE_TYPES if each not in types]
    triggers: list[Trigger] = [_of_runs({"prefect.state-type": types}, related, ["prefect.flow-run.*"])]
    if others:
        triggers.append(_of_runs({"prefect.state-type": others}, related, names))
    return CompoundTrigger(triggers=triggers, require="any", within=None)


def _of_runs(match: ResourceSpecification, related: list[ResourceSpecification], expect: list[str]) -> EventTrigger:
    match = {"prefect.resource.id": "prefect.flow-run.*", **match}
    return EventTrigger(posture="Reactive", match=match, match_related=related, expect=expect)


def _related(values: Mapping[str, Any]) -> Iterator[ResourceSpecification]:
    for column, role in _ROLES.items():
        if values[column]:
            ids = [f"prefect.{role}.{each}" for each in values[column]]
            yield {"prefect.resource.id": ids, "prefect.resource.role": role}
