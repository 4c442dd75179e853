"""What is kept, and how long: for every table a rule, the table it goes with, or the reason why it does not grow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from podium.db.retention import leftovers, orphans
from podium.db.retention.artifacts import EmptyCollections
from podium.db.retention.events import EventsFromTheFuture, OldEvents, OldEventsByName
from podium.db.retention.logs import LinesFromTheFuture, OldLines
from podium.db.retention.refusals import ExcessRefusals
from podium.db.retention.runs import EndedFlowRuns, EndedTaskRuns
from podium.db.retention.steps import Sweep
from podium.db.retention.whole import PastPartitions

Word = Literal["events", "flow_runs", "orphans", "leftovers"]

VACUUM: Final = "server.services.db_vacuum."
EVENTS_AGE: Final = "server.events.retention_period"
OVERRIDES: Final = VACUUM + "event_retention_overrides"
RUNS_AGE: Final = VACUUM + "retention_period"
LOGS_AGE: Final = VACUUM + "log_retention_period"
LEFTOVERS_AGE: Final = VACUUM + "leftover_retention_period"

OLD_LINES: Final = OldLines()


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows of a table are deleted, and when.

    ``word`` of ``server.services.db_vacuum.enabled`` switches it; ``leftovers`` are always deleted where anything is.
    ``age`` is the setting of how old they become; None: the sentence says it.
    """

    name: str
    table: str
    what: str
    word: Word
    age: str | None
    sweep: Sweep


RULES: Final = (
    Rule("abandoned work", "event_deliveries", "work of a consumer that did not do it in that time, a day at least",
         "events", EVENTS_AGE, leftovers.ABANDONED_WORK),
    Rule("partitions of events", "events", "whole partitions (PostgreSQL)",
         "events", EVENTS_AGE, PastPartitions("events")),
    Rule("events of a name", "events", "events of a name, where it has a shorter age",
         "events", OVERRIDES, OldEventsByName()),
    Rule("old events", "events", "events",
         "events", EVENTS_AGE, OldEvents()),
    Rule("events of the future", "events", "events dated more than a day ahead, by the time they came in",
         "events", EVENTS_AGE, EventsFromTheFuture()),
    Rule("ended flow runs", "flow_runs", "top-level runs that are over, with nothing live below them; what is theirs",
         "flow_runs", RUNS_AGE, EndedFlowRuns()),
    Rule("ended task runs", "task_runs", "task runs outside of flows that are over, with their log lines and artifacts",
         "flow_runs", RUNS_AGE, EndedTaskRuns()),
    Rule("partitions of logs", "logs", "whole partitions (PostgreSQL), also empty ones",
         "leftovers", LOGS_AGE, PastPartitions("logs")),
    Rule("old lines", "logs", "lines whose run is over",
         "leftovers", LOGS_AGE, OLD_LINES),
    Rule("lines of the future", "logs", "such lines dated more than a day ahead, by the time they came in",
         "leftovers", LOGS_AGE, LinesFromTheFuture()),
    Rule("lines of lost flow runs", "logs", "lines of flow runs that do not exist, after a day",
         "orphans", None, orphans.LOGS_OF_FLOW_RUNS),
    Rule("lines of lost task runs", "logs", "lines of task runs that do not exist, after a day",
         "orphans", None, orphans.LOGS_OF_TASK_RUNS),
    Rule("artifacts of lost flow runs", "artifacts", "artifacts of flow runs that do not exist, after a day",
         "orphans", None, orphans.ARTIFACTS_OF_FLOW_RUNS),
    Rule("artifacts of lost task runs", "artifacts", "artifacts of task runs that do not exist, after a day",
         "orphans", None, orphans.ARTIFACTS_OF_TASK_RUNS),
    Rule("empty keys", "artifact_collections", "keys without an artifact",
         "orphans", None, EmptyCollections()),
    Rule("repeated notes", "tally_notes", "notes of changed rows of the past, where there is a newer one, after a day",
         "leftovers", None, leftovers.REPEATED_NOTES),
    Rule("useless entries", "task_run_state_cache", "entries that expired, or whose state is gone",
         "leftovers", None, leftovers.UselessCache()),
    Rule("moot offers", "task_run_deliveries", "offers of background runs that are over",
         "leftovers", None, leftovers.MOOT_OFFERS),
    Rule("closed connections", "task_workers", "connections of task workers that ended a day ago",
         "leftovers", None, leftovers.CLOSED_CONNECTIONS),
    Rule("gone workers", "workers", "workers that are offline, by their last heartbeat",
         "leftovers", LEFTOVERS_AGE, leftovers.GONE_WORKERS),
    Rule("finished cleanup", "worker_cleanup_messages", "cleanup work that is done or given up",
         "leftovers", LEFTOVERS_AGE, leftovers.FINISHED_CLEANUP),
    Rule("untaken cleanup", "worker_cleanup_messages", "cleanup work that no worker took",
         "leftovers", LEFTOVERS_AGE, leftovers.UNTAKEN_CLEANUP),
    Rule("old firings", "automation_firings", "why automations fired",
         "leftovers", LEFTOVERS_AGE, leftovers.OLD_FIRINGS),
    Rule("old refusals", "automation_refusals", "why automations did not fire",
         "leftovers", LEFTOVERS_AGE, leftovers.OLD_REFUSALS),
    Rule("excess refusals", "automation_refusals", "of an automation all but the newest thousand",
         "leftovers", None, ExcessRefusals()),
    Rule("ended actions", "automation_actions", "actions of automations that are done or failed",
         "leftovers", LEFTOVERS_AGE, leftovers.ENDED_ACTIONS),
    Rule("ended deliveries", "notification_deliveries", "what was delivered, or given up",
         "leftovers", LEFTOVERS_AGE, leftovers.ENDED_DELIVERIES),
    Rule("old buckets", "automation_buckets", "counts of windows that ended",
         "leftovers", LEFTOVERS_AGE, leftovers.OLD_BUCKETS),
    Rule("expired tokens", "csrf_tokens", "tokens that expired",
         "leftovers", None, leftovers.EXPIRED_TOKENS),
    Rule("lost processes", "service_heartbeats", "those of a process that is gone for a day",
         "leftovers", None, leftovers.LOST_PROCESSES),
    Rule("moot heartbeats", "flow_run_heartbeats", "heartbeats of runs that are over or never were, after a day",
         "leftovers", None, leftovers.MOOT_HEARTBEATS),
)  # fmt: skip
"""Every rule, in the order in which those of a word are carried out."""

GOES_WITH: Final[Mapping[str, str]] = {
    "event_resources": "events",
    "flow_run_states": "flow_runs",
    "flow_run_inputs": "flow_runs",
    "task_run_states": "task_runs",
    "concurrency_lease_slots": "concurrency_leases",
}
"""Tables whose rows are deleted with those of another."""

DOES_NOT_GROW: Final[Mapping[str, str]] = {
    "workspaces": "made by people",
    "flows": "one for each name",
    "deployments": "made by people",
    "deployment_schedules": "replaced with their deployment",
    "work_pools": "made by people",
    "work_queues": "made by people",
    "variables": "made by people",
    "saved_searches": "made by people",
    "api_presence": "one row",
    "configuration": "a few values of the server",
    "block_types": "one for each kind of block",
    "block_schemas": "one for each version of a block's code",
    "block_schema_references": "parts of the schemas",
    "block_documents": "made by people; nothing tells whether code still loads one",
    "block_document_references": "parts of the documents",
    "concurrency_limits": "made by people",
    "concurrency_limits_v2": "made by people, one for a deployment",
    "concurrency_leases": "taken back by the service repossessor when they expire",
    "automations": "made by people",
    "automation_related_resources": "parts of the automations",
    "flow_run_tallies": "some lines for a slice of time; rolled up again when runs of it are deleted",
    "task_run_tallies": "likewise",
    "event_tallies": "likewise, of events",
    "tally_horizons": "one row for flow runs, one for task runs, one for events",
    "automation_generations": "one row",
    "notifications": "made by people",
    "webhooks": "made by people",
    "automation_child_firings": "one for each trigger that is part of another",
}
"""Tables without a rule, and why they need none."""


def rules_for(words: frozenset[str]) -> list[Rule]:
    """The rules that these words of ``server.services.db_vacuum.enabled`` switch on."""
    wanted = words | {"leftovers"} if words else words
    return [rule for rule in RULES if rule.word in wanted]
