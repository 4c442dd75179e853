"""Events as clients send them, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from podium.db.ids import new_id
from podium.server.events.event import Event

START = datetime(2026, 5, 6, 12, tzinfo=UTC)


def event(name: str = "garden.watered", resource_id: str = "garden.1", **fields: Any) -> Event:
    """An event that just has to be one; ``labels`` are more labels of its resource."""
    labels = {"prefect.resource.id": resource_id, **fields.pop("labels", {})}
    return Event(**{"event": name, "occurred": START, "resource": labels, **fields})


def related(resource_id: str, role: str, **labels: str) -> dict[str, str]:
    """A related resource."""
    return {"prefect.resource.id": resource_id, "prefect.resource.role": role, **labels}


def frame(sent: Event, **changes: Any) -> str:
    """The event as a client writes it on a socket."""
    fields = ("id", "occurred", "event", "resource", "related", "payload", "follows")
    return msgspec.json.encode({name: getattr(sent, name) for name in fields} | changes).decode()


def task_run_event(
    task_run_id: str, flow_run_id: str | None, state: str, seconds: float, key: str = "task-1", **columns: Any
) -> Event:
    """A client's report that a task run entered a state, so many seconds after ``START``."""
    run = {
        "task_key": "watering",
        "dynamic_key": key,
        "name": f"watering-{key}",
        "tags": ["garden"],
        "task_inputs": {"bed": []},
        "empirical_policy": {"retries": 2},
        "run_count": 0,
        **columns,
    }
    links = [] if flow_run_id is None else [related(f"prefect.flow-run.{flow_run_id}", "flow-run")]
    payload = {
        "task_run": run,
        "validated_state": {"type": state, "name": state.title(), "message": f"it is {state}", "state_details": {}},
    }
    return event(
        f"prefect.task-run.{state.title()}",
        f"prefect.task-run.{task_run_id}",
        occurred=START + timedelta(seconds=seconds),
        labels={"prefect.orchestration": "client"},
        related=links,
        payload=payload,
    )


def life_of_task_run(flow_run_id: str | None, key: str, task_run_id: str | None = None) -> list[Event]:
    """All that a client reports of a task run that fails once and then completes, in order."""
    task_run_id = task_run_id or new_id()
    started = "2026-05-06T12:00:01Z"
    ended = "2026-05-06T12:00:05.5Z"
    return [
        task_run_event(task_run_id, flow_run_id, "PENDING", 0, key),
        task_run_event(task_run_id, flow_run_id, "RUNNING", 1, key, run_count=1, start_time=started),
        task_run_event(task_run_id, flow_run_id, "SCHEDULED", 2, key, run_count=1, start_time=started),
        task_run_event(task_run_id, flow_run_id, "RUNNING", 3, key, run_count=2, start_time=started),
        task_run_event(
            task_run_id,
            flow_run_id,
            "COMPLETED",
            5.5,
            key,
            run_count=2,
            start_time=started,
            end_time=ended,
            total_run_time=4.5,
        ),
    ]
