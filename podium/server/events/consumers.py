"""Who must handle events exactly once: each event a consumer wants becomes a row of work for it."""

from collections.abc import Callable
from dataclasses import dataclass

from podium.server.events.event import Event

CLIENT_ORCHESTRATED = ("prefect.orchestration", "client")


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of events; ``name`` marks its rows in ``event_deliveries`` and wakes it on the bus.

    ``wants``: None where what it wants changes with what is in the database (``automations/interest.py``).
    """

    name: str
    wants: Callable[[Event], bool] | None


def _reports_task_run(event: Event) -> bool:
    label, value = CLIENT_ORCHESTRATED
    return event.event.startswith("prefect.task-run") and event.resource.get(label) == value


TASK_RUN_RECORDER = Consumer("task-run-recorder", _reports_task_run)

AUTOMATIONS = Consumer("automations", None)

CONSUMERS = (TASK_RUN_RECORDER, AUTOMATIONS)
