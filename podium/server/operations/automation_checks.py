"""What an automation must not be: one that would run itself for ever, or one with templates that are none."""

from collections.abc import Iterator
from typing import Any

from podium.server.errors import InvalidRequest
from podium.server.operations.hydration import KIND, Unhydratable, check
from podium.wire.actions import Action, CallWebhook, RunDeployment, SendEmailNotification, SendNotification
from podium.wire.automations import AutomationUpdate
from podium.wire.events import ResourceSpecification
from podium.wire.triggers import EventTrigger

STATES_OF_NEW_RUNS = frozenset(f"prefect.flow-run.{name}" for name in ("Scheduled", "Pending", "Running", "*"))
EVERY_FLOW_RUN = frozenset({"prefect.flow-run.*", "*"})

Place = tuple[str | int, ...]


def check_automation(body: AutomationUpdate) -> None:
    """Raises ``InvalidRequest`` with everything that is wrong with an automation, and where."""
    errors = list(_template_errors(body))
    endless = _endless(body) if body.enabled else None
    if endless:
        errors.append(_error((), endless, None))
    if errors:
        raise InvalidRequest(errors)


def _error(place: Place, reason: str, given: Any) -> dict[str, Any]:
    return {"type": "value_error", "loc": ["body", *place], "msg": reason, "input": given}


def _endless(body: AutomationUpdate) -> str | None:
    """Why the automation would make runs because of the runs it makes."""
    trigger = body.trigger
    if not isinstance(trigger, EventTrigger) or trigger.posture != "Reactive":
        return None
    if not STATES_OF_NEW_RUNS.intersection(trigger.expect):
        return None
    runs = [action for action in body.actions if isinstance(action, RunDeployment)]
    if any(action.source == "inferred" for action in runs):
        return "Running the deployment of each flow run that starts would never end; select a deployment."
    if runs and _is_every_flow_run(trigger.match) and _is_any_related(trigger.match_related):
        return "Running a deployment for every flow run that starts would never end; narrow `match` or `match_related`."
    return None


def _is_every_flow_run(specification: ResourceSpecification) -> bool:
    if not specification:
        return True
    patterns = specification.get("prefect.resource.id", [])
    listed = [patterns] if isinstance(patterns, str) else patterns
    return len(specification) == 1 and not EVERY_FLOW_RUN.isdisjoint(listed)


def _is_any_related(specifications: ResourceSpecification | list[ResourceSpecification]) -> bool:
    listed = specifications if isinstance(specifications, list) else [specifications]
    return all(_is_every_flow_run(each) for each in listed)


def _template_errors(body: AutomationUpdate) -> Iterator[dict[str, Any]]:
    for name in ("actions", "actions_on_trigger", "actions_on_resolve"):
        for index, action in enumerate(getattr(body, name)):
            for field, place, given in _templates(action):
                problem = _problem(given)
                if problem is not None:
                    error = _error((name, index, field, *place), problem.detail, given)
                    yield {**error, "ctx": {"line": problem.line}} if problem.line else error


def _templates(action: Action) -> Iterator[tuple[str, Place, Any]]:
    """The field, the place in it and the value of everything in an action that may be a template."""
    if isinstance(action, (SendNotification, SendEmailNotification)):
        yield "subject", (), action.subject
        yield "body", (), action.body
    elif isinstance(action, CallWebhook):
        yield "payload", (), action.payload
    elif isinstance(action, RunDeployment) and action.parameters:
        for place, value in _parameters(action.parameters, ()):
            yield "parameters", place, value


def _parameters(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    """Each text and each value that stands for another."""
    if isinstance(value, dict) and KIND not in value:
        for key, item in value.items():
            yield from _parameters(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _parameters(item, (*place, index))
    else:
        yield place, value


def _problem(value: Any) -> Unhydratable | None:
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        value = {KIND: "jinja", "template": value}
    try:
        check(value)
    except Unhydratable as error:
        return error
    return None
