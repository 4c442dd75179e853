"""The WebSocket endpoints."""

from podium.server.sockets.events_in import EventsIn
from podium.server.sockets.events_out import EventsOut
from podium.server.sockets.logs_out import LogsOut
from podium.server.sockets.task_subscriptions import TaskSubscriptions
from podium.server.sockets.worker_channel import WorkerChannel

SOCKETS = (
    ("/events/in", EventsIn),
    ("/events/out", EventsOut),
    ("/logs/out", LogsOut),
    ("/task_runs/subscriptions/scheduled", TaskSubscriptions),
    ("/work_pools/{p2}/workers/connect", WorkerChannel),
)
"""Each path below the API's base, with the class that makes its responder: ``make(runtime, guard)``."""
