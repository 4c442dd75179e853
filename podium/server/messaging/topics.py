"""What travels between processes: the type of the messages of each topic."""

from typing import Any

from podium.server.events.event import Event
from podium.server.messaging.bus import CLEANUP_MESSAGES, EVENTS, LOGS, SCHEDULED_TASK_RUNS, WORK_POOL_SNAPSHOTS
from podium.server.queries.logs import LogLine

TYPES: dict[str, Any] = {
    EVENTS: list[Event],
    LOGS: list[tuple[str, LogLine]],
    SCHEDULED_TASK_RUNS: list[tuple[str, str]],
    WORK_POOL_SNAPSHOTS: list[tuple[str, str]],
    CLEANUP_MESSAGES: list[tuple[str, str]],
}
