"""Every metric, a row each; the answer and its help texts come from these, and `docs/metrics.md` is held to them."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name without the prefix, what kind it is, what it says, and its labels."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    says: str
    labels: tuple[str, ...] = ()


PREFIX: Final = "podium_"

FAMILIES: Final = (
    Family("info", "gauge", "1; the version of Podium and the kind of database.", ("version", "database")),
    Family("database_up", "gauge", "Whether the database answers within 2.5 seconds; without it the rest of it lacks."),
    Family("messages_up", "gauge", "Whether messages of other processes arrive (Redis); 1 without others."),
    # The work, out of the database: the same whichever process tells.
    Family("flow_runs", "gauge", "Flow runs by the type of their state.", ("state_type",)),
    Family("flow_runs_due", "gauge", "Scheduled flow runs whose time has come and that nobody started yet."),
    Family("flow_runs_late", "gauge", "Those of them that are marked Late."),
    Family("oldest_late_flow_run_seconds", "gauge", "For how long the longest overdue scheduled flow run waits."),
    Family(
        "schedule_lag_seconds",
        "gauge",
        "The longest wait past its time of a run of a schedule that started within the last 5 minutes.",
    ),
    Family("event_deliveries", "gauge", "Events that a consumer has still to handle.", ("consumer",)),
    Family("event_lag_seconds", "gauge", "For how long the oldest of them waits.", ("consumer",)),
    Family("concurrency_limits", "gauge", "Active concurrency limits."),
    Family("concurrency_slots", "gauge", "Their slots together."),
    Family("concurrency_slots_used", "gauge", "Those of them that are taken."),
    Family("concurrency_leases", "gauge", "Leases on slots."),
    Family("workers", "gauge", "Workers by their status.", ("status",)),
    # The background services, of all processes.
    Family("service_interval_seconds", "gauge", "Seconds between two rounds of a background service.", ("service",)),
    Family(
        "service_last_finished_timestamp_seconds",
        "gauge",
        "When a round of the service last finished without an error, in seconds since 1970.",
        ("service",),
    ),
    Family("service_duration_seconds", "gauge", "How long that round took.", ("service",)),
    Family("service_late", "gauge", "1 when the service is late or failing, as readiness says.", ("service",)),
    # What the processes of this server counted since they started, together.
    Family(
        "http_request_duration_seconds",
        "histogram",
        "Time from a request to its answer, by operation; other: pages, and paths that lead nowhere.",
        ("method", "path"),
    ),
    Family(
        "http_requests_total", "counter", "Requests by operation and class of status.", ("method", "path", "status")
    ),
    Family("flow_run_transitions_total", "counter", "States that flow runs came into, by their type.", ("state_type",)),
    Family("events_total", "counter", "Events that were stored."),
    Family("ignored_fields_total", "counter", "Fields of bodies that this version does not know."),
    Family("database_units_total", "counter", "Units of work of the database.", ("kind",)),
    Family("database_unavailable_total", "counter", "Units of work that the database did not answer."),
    Family("database_units_in_progress", "gauge", "Units of work that run, or wait for a connection."),
    Family("database_connections", "gauge", "The most connections to the database that the processes work with."),
    # Each process of this server.
    Family("process_resident_memory_bytes", "gauge", "Resident memory.", ("process",)),
    Family("process_open_fds", "gauge", "Open file descriptors.", ("process",)),
    Family("process_cpu_seconds_total", "counter", "Processor time.", ("process",)),
    Family("process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", ("process",)),
)
