"""Why automations fired, why they did not, and what one would do: endpoints of Podium's own."""

from typing import Any, Literal

from podium.wire.automations import AutomationCreate
from podium.wire.endpoint import Answer, Body, Endpoint
from podium.wire.events import Event
from podium.wire.parameters import Parameters
from podium.wire.scalars import Id, Natural, OrDefault, Time

ActionState = Literal["pending", "sending", "executed", "failed"]


class Stretch(Parameters):
    """Which rows of a list, the newest first. ``limit`` null is the server's own."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0


class ActionDone(Answer):
    """An action of a firing: pending, sending (waits for its delivery), executed, or failed for a reason."""

    id: Id
    action_index: int
    action: dict[str, Any]
    state: ActionState
    attempts: int
    reason: str | None
    result: Any
    created: Time
    ended: Time | None


class AutomationFiring(Answer):
    """An automation fired: by which of its events, and what was done.

    ``firing`` is the trigger's with those of the triggers that it is made of. Its id is that of the event
    ``prefect.automation.triggered``.
    """

    id: Id
    automation_id: Id
    trigger_id: Id
    triggered: Time
    triggering_event_id: Id | None
    triggering_labels: dict[str, str]
    firing: dict[str, Any]
    actions: list[ActionDone] = []


class AutomationRefusal(Answer):
    """Why a trigger did not fire though events concerned it, ``count`` times between ``first`` and ``last``.

    ``reason`` is a word of docs/automations.md, ``meaning`` says it in a sentence, ``detail`` is of the last time.
    ``values`` are those of the labels of ``for_each``, sorted by label.
    """

    id: Id
    automation_id: Id
    trigger_id: Id
    reason: str
    meaning: str
    values: list[str]
    detail: dict[str, Any]
    count: int
    first: Time
    last: Time
    last_event_id: Id | None


class AutomationTest(Body):
    """An automation to try on events, which arrive in this order, none before it occurred, and then time passes until
    ``now``."""

    automation: AutomationCreate
    events: list[Event]
    now: Time | None = None


class TriedAction(Answer):
    """An action that would be queued: for the event, or for that the automation fired (``on_trigger``)."""

    action_index: int
    action: dict[str, Any]
    on_trigger: bool


class TriedFiring(Answer):
    """When the automation would fire, because of which event, and what it would do."""

    triggered: Time
    triggering_event_id: Id | None
    triggering_labels: dict[str, str]
    actions: list[TriedAction]


class TriedRefusal(Answer):
    """Why a trigger would not fire. ``trigger`` is its place: ``trigger``, or ``trigger.triggers[0]``, and so on."""

    trigger: str
    reason: str
    meaning: str
    values: list[str]
    detail: dict[str, Any]
    count: int
    first: Time
    last: Time
    last_event_id: Id | None


class AutomationTestResult(Answer):
    """What would come of it."""

    firings: list[TriedFiring]
    refusals: list[TriedRefusal]


FIRINGS = Endpoint(
    method="GET",
    path="/automations/{id}/firings",
    summary="List why an automation fired, and what was done",
    query=Stretch,
    answer=list[AutomationFiring],
    statuses=(404, 422),
)
REFUSALS = Endpoint(
    method="GET",
    path="/automations/{id}/refusals",
    summary="List why an automation did not fire",
    query=Stretch,
    answer=list[AutomationRefusal],
    statuses=(404, 422),
)
TEST = Endpoint(
    method="POST",
    path="/automations/test",
    summary="Tell what an automation would do",
    body=AutomationTest,
    answer=AutomationTestResult,
    statuses=(422,),
)
