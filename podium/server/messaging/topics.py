"""What travels between processes: the type of the messages of each topic."""

from datetime import datetime
from typing import Any, TypedDict

from podium.server.events.event import Event
from podium.server.messaging.bus import CLEANUP_MESSAGES, EVENTS, LOGS, SCHEDULED_TASK_RUNS, WORK_POOL_SNAPSHOTS


class LogLine(TypedDict):
    """A stored line of a log, as its listeners see it."""

    id: str
    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: str | None
    task_run_id: str | None


TYPES: dict[str, Any] = {
    EVENTS: list[Event],
    LOGS: list[tuple[str, LogLine]],
    SCHEDULED_TASK_RUNS: list[tuple[str, str]],
    WORK_POOL_SNAPSHOTS: list[tuple[str, str]],
    CLEANUP_MESSAGES: list[tuple[str, str]],
}
