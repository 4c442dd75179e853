"""Which rules a transition passes, in order."""

from podium.server.orchestration.engine import Policy
from podium.server.orchestration.rules.caching import CACHE_INSERTION, CACHE_RETRIEVAL
from podium.server.orchestration.rules.cancelling import (
    BYPASS_CANCELLING_FLOW_RUNS_WITH_NO_INFRA,
    ENFORCE_CANCELLING_TO_CANCELLED,
)
from podium.server.orchestration.rules.catch_up import KEEP_SKIPPED_RUNS_FROM_STARTING
from podium.server.orchestration.rules.deployment_concurrency import (
    ENFORCE_DEPLOYMENT_CONCURRENCY_ON_LATE,
    PRESERVE_LEASE_ID,
    RELEASE_FLOW_CONCURRENCY_SLOTS,
    REMOVE_LEASE_FOR_OLD_CLIENT_VERSIONS,
    SECURE_FLOW_CONCURRENCY_SLOTS,
    VALIDATE_DEPLOYMENT_CONCURRENCY_AT_RUNNING,
)
from podium.server.orchestration.rules.guards import (
    ENSURE_ONLY_SCHEDULED_FLOWS_MARKED_LATE,
    HANDLE_FLOW_TERMINAL_STATE_TRANSITIONS,
    PREVENT_DUPLICATE_TRANSITIONS,
    PREVENT_LATE_CLAIMS,
    PREVENT_PENDING_TRANSITIONS,
    PREVENT_RESULT_DATA_LOSS,
)
from podium.server.orchestration.rules.instrumentation import INSTRUMENT_FLOW_RUN_STATE_TRANSITIONS
from podium.server.orchestration.rules.pausing import HANDLE_PAUSING_FLOWS, HANDLE_RESUMING_PAUSED_FLOWS
from podium.server.orchestration.rules.retries import (
    HANDLE_TASK_TERMINAL_STATE_TRANSITIONS,
    RENAME_RERUNS,
    RETRY_FAILED_FLOWS,
    RETRY_FAILED_TASKS,
    UPDATE_FLOW_RUN_TRACKER_ON_TASKS,
)
from podium.server.orchestration.rules.scheduling import COPY_SCHEDULED_TIME, WAIT_FOR_SCHEDULED_TIME
from podium.server.orchestration.rules.task_concurrency import (
    RELEASE_TASK_CONCURRENCY_SLOTS,
    SECURE_TASK_CONCURRENCY_SLOTS,
)
from podium.server.orchestration.rules.task_runs import (
    COPY_TASK_PARAMETERS_ID,
    ENQUEUE_SCHEDULED_TASKS,
    PREVENT_RUNNING_TASKS_FROM_STOPPED_FLOWS,
)
from podium.server.orchestration.rules.work_pool_concurrency import ENFORCE_WORK_POOL_CONCURRENCY

CORE_FLOW_POLICY = Policy(
    "CoreFlowPolicy",
    (
        PRESERVE_LEASE_ID,
        PREVENT_DUPLICATE_TRANSITIONS,
        HANDLE_FLOW_TERMINAL_STATE_TRANSITIONS,
        PREVENT_LATE_CLAIMS,
        ENFORCE_CANCELLING_TO_CANCELLED,
        BYPASS_CANCELLING_FLOW_RUNS_WITH_NO_INFRA,
        PREVENT_PENDING_TRANSITIONS,
        KEEP_SKIPPED_RUNS_FROM_STARTING,
        VALIDATE_DEPLOYMENT_CONCURRENCY_AT_RUNNING,
        ENFORCE_WORK_POOL_CONCURRENCY,
        SECURE_FLOW_CONCURRENCY_SLOTS,
        REMOVE_LEASE_FOR_OLD_CLIENT_VERSIONS,
        ENSURE_ONLY_SCHEDULED_FLOWS_MARKED_LATE,
        HANDLE_PAUSING_FLOWS,
        HANDLE_RESUMING_PAUSED_FLOWS,
        COPY_SCHEDULED_TIME,
        WAIT_FOR_SCHEDULED_TIME,
        RETRY_FAILED_FLOWS,
        INSTRUMENT_FLOW_RUN_STATE_TRANSITIONS,
        RELEASE_FLOW_CONCURRENCY_SLOTS,
    ),
)
"""What clients propose for flow runs."""

MINIMAL_FLOW_POLICY = Policy(
    "MinimalFlowPolicy",
    (
        PREVENT_RESULT_DATA_LOSS,
        BYPASS_CANCELLING_FLOW_RUNS_WITH_NO_INFRA,
        INSTRUMENT_FLOW_RUN_STATE_TRANSITIONS,
        RELEASE_FLOW_CONCURRENCY_SLOTS,
    ),
)
"""Flow runs, by force or by the server itself."""

MARK_LATE_RUNS_POLICY = Policy(
    "MarkLateRunsPolicy",
    (
        ENSURE_ONLY_SCHEDULED_FLOWS_MARKED_LATE,
        ENFORCE_DEPLOYMENT_CONCURRENCY_ON_LATE,
        INSTRUMENT_FLOW_RUN_STATE_TRANSITIONS,
    ),
)
"""Scheduled flow runs that nobody started in time."""

CORE_TASK_POLICY = Policy(
    "CoreTaskPolicy",
    (
        CACHE_RETRIEVAL,
        HANDLE_TASK_TERMINAL_STATE_TRANSITIONS,
        PREVENT_RUNNING_TASKS_FROM_STOPPED_FLOWS,
        SECURE_TASK_CONCURRENCY_SLOTS,
        COPY_SCHEDULED_TIME,
        WAIT_FOR_SCHEDULED_TIME,
        RETRY_FAILED_TASKS,
        RENAME_RERUNS,
        UPDATE_FLOW_RUN_TRACKER_ON_TASKS,
        CACHE_INSERTION,
        RELEASE_TASK_CONCURRENCY_SLOTS,
    ),
)
"""What clients propose for task runs."""

BACKGROUND_TASK_POLICY = Policy(
    "BackgroundTaskPolicy",
    (
        PREVENT_PENDING_TRANSITIONS,
        CACHE_RETRIEVAL,
        HANDLE_TASK_TERMINAL_STATE_TRANSITIONS,
        COPY_SCHEDULED_TIME,
        COPY_TASK_PARAMETERS_ID,
        WAIT_FOR_SCHEDULED_TIME,
        RETRY_FAILED_TASKS,
        RENAME_RERUNS,
        UPDATE_FLOW_RUN_TRACKER_ON_TASKS,
        CACHE_INSERTION,
        RELEASE_TASK_CONCURRENCY_SLOTS,
        ENQUEUE_SCHEDULED_TASKS,
    ),
)
"""Task runs that task workers run."""

MINIMAL_TASK_POLICY = Policy("MinimalTaskPolicy", (RELEASE_TASK_CONCURRENCY_SLOTS,))
"""Task runs, by force or by the server itself."""
