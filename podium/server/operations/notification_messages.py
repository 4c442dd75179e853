"""The words of notifications: the server's own, the check of others, and what they say of a run that there is not."""

from datetime import UTC, datetime
from typing import Any

from podium.db.unit import Row
from podium.profiles import Settings
from podium.server.errors import InvalidRequest

_STATE = "event.resource['prefect.state-name']"
SUBJECT = f"{{{{ flow.name }}}}/{{{{ flow_run.name }}}}: {{{{ {_STATE} }}}}"
MESSAGE = (
    "The {{ flow_run.name }} run of the {{ flow.name }} flow entered "
    f"a{{{{ 'n' if {_STATE}[0] in 'AEIOU' }}}} {{{{ {_STATE} }}}} state at "
    "{{ event.occurred.strftime('%Y-%m-%d %H:%M:%S') }} UTC."
)
"""What is said where the notification has no words of its own."""

FIELDS = ("subject", "message")

_ID = "01980000-0000-7000-8000-000000000000"
_MOMENT = datetime(2026, 6, 27, 16, 21, 37, tzinfo=UTC)


def check_words(body: Any, settings: Settings) -> None:
    """Raises ``InvalidRequest`` for a subject or message that is no template, or one that fails, with its line."""
    errors = []
    for field in FIELDS:
        source = getattr(body, field)
        problem = _problem(source, settings) if isinstance(source, str) else None
        if problem is not None:
            line, reason = problem
            message = f"Line {line}: {reason}" if line else reason
            place = {"loc": ["body", field], "input": source, "ctx": {"line": line}}
            errors.append({"type": "template_error", "msg": message, **place})
    if errors:
        raise InvalidRequest(errors)


def _problem(source: str, settings: Settings) -> tuple[int, str] | None:
    # Loaded on use: a server that renders nothing starts sooner and smaller without Jinja.
    from podium.server.operations.templating import Unrenderable, render, syntax_problem

    problem = syntax_problem(source)
    if problem is None:
        try:
            render(source, **_sample("Failed", "FAILED", settings))
        except Unrenderable as error:
            return 0, f"The template fails: {error}"
    return problem


def sample_words(notification: Row, name: str, kind: str, settings: Settings) -> tuple[str, str]:
    """Subject and body about a run that there is not, in a state of this name and type; ``ValueError`` for bad ones."""
    from podium.server.operations.templating import render

    sample = _sample(name, kind, settings)
    subject, body = notification["subject"] or SUBJECT, notification["message"] or MESSAGE
    return render(subject, **sample), render(body, **sample)


def _sample(name: str, kind: str, settings: Settings) -> dict[str, Any]:
    """What templates know of an event, for one that did not happen."""
    from podium.server.automations.context import Dotted, ShownEvent, Thing, ui_root
    from podium.server.operations.template_filters import UI_ROOT

    event = ShownEvent(_event(name, kind))
    state = {"type": kind, "name": name, "message": "No rows today", "timestamp": _MOMENT}
    deployment = {"id": _ID, "name": "every-day", "flow_id": _ID, "tags": []}
    run = {"id": _ID, "name": "fuzzy-leopard", "flow_id": _ID, "deployment_id": _ID, "tags": ["daily-etl"]}
    return {
        "automation": Thing("automation", {"id": _ID, "name": "sample", "tags": []}),
        "event": event,
        "events": [event],
        "labels": Dotted({}),
        "flow": Thing("flow", {"id": _ID, "name": "daily-etl", "tags": [], "labels": {}}),
        "flow_run": Thing("flow-run", {**run, "state_name": name, "state_type": kind, "state": state}),
        "deployment": Thing("deployment", deployment),
        "work_pool": Thing("work-pool", {"id": _ID, "name": "default", "type": "process"}),
        "work_queue": Thing("work-queue", {"id": _ID, "name": "default"}),
        "variables": {},
        UI_ROOT: ui_root(settings),
    }


def _event(name: str, kind: str) -> dict[str, Any]:
    labels = {
        "prefect.resource.id": f"prefect.flow-run.{_ID}",
        "prefect.resource.name": "fuzzy-leopard",
        "prefect.run-count": "1",
        "prefect.state-message": "No rows today",
        "prefect.state-name": name,
        "prefect.state-timestamp": _MOMENT.isoformat(),
        "prefect.state-type": kind,
    }
    related = [
        {"prefect.resource.id": f"prefect.{role}.{key}", "prefect.resource.role": role, "prefect.resource.name": called}
        for role, key, called in (
            ("flow", _ID, "daily-etl"),
            ("deployment", _ID, "every-day"),
            ("work-pool", _ID, "default"),
            ("tag", "daily-etl", "daily-etl"),
        )
    ]
    return {
        "id": _ID,
        "occurred": _MOMENT,
        "event": f"prefect.flow-run.{name}",
        "resource": labels,
        "related": related,
        "payload": {"validated_state": {"type": kind, "name": name, "message": "No rows today"}},
        "received": _MOMENT,
        "follows": None,
    }
