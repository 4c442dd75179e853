"""Why a flow run is where it is: the closed list of causes, and the endpoint that names those that hold."""

from typing import Any, Final, Literal, get_args

from podium.wire.endpoint import Answer, Endpoint
from podium.wire.scalars import Time

Code = Literal[
    "ended",
    "cancelling",
    "process_gone",
    "tag_limit_full",
    "running",
    "waiting_for_input",
    "pending",
    "not_due",
    "awaiting_retry",
    "deployment_gone",
    "no_deployment",
    "not_served",
    "pool_paused",
    "queue_paused",
    "no_worker",
    "queue_not_polled",
    "pool_limit_full",
    "queue_limit_full",
    "deployment_limit_full",
    "awaiting_slot",
    "behind_others",
    "clock_skew",
    "service_stopped",
    "schedules_paused",
    "next_poll",
]
"""The causes there are, the most decisive first: of those that hold the first is the answer."""

MEANINGS: Final[dict[Code, str]] = {
    "ended": "The run is over. Its last state says how and why.",
    "cancelling": "Somebody asked to cancel the run, and whoever runs it has not confirmed yet.",
    "process_gone": "The run has a process of its own, of which nothing was heard for too long.",
    "tag_limit_full": "The run goes on, and task runs of it wait for slots of a tag's concurrency limit.",
    "running": "The run goes on: somebody runs it.",
    "waiting_for_input": "The run is paused or suspended until somebody resumes it, or its time is up.",
    "pending": "A worker or process took the run and has not started it yet.",
    "not_due": "The run is to start later.",
    "awaiting_retry": "The run failed and starts again at a set time.",
    "deployment_gone": "The deployment that the run is of was deleted: nobody can start it.",
    "no_deployment": "The run is of no deployment and in no work queue: only the process that made it starts it.",
    "not_served": "The deployment has no work pool, and no process that serves it asks for its runs.",
    "pool_paused": "The work pool is paused: workers get none of its runs.",
    "queue_paused": "The work queue is paused: workers get none of its runs.",
    "no_worker": "No worker of the work pool is online.",
    "queue_not_polled": "Workers of the pool are online, and none of them asks for runs of this queue.",
    "pool_limit_full": "As many runs of the work pool are under way as it may have.",
    "queue_limit_full": "As many runs of the work queue are under way as it may have.",
    "deployment_limit_full": "As many runs of the deployment are under way as it may have.",
    "awaiting_slot": "The concurrency limit was full when the run was to start; it tries again at a set time.",
    "behind_others": "Runs that are due are handed out before this one.",
    "clock_skew": "A clock differs from the server's by more than two seconds: runs seem due earlier or later.",
    "service_stopped": "A background service of the server does not do its rounds.",
    "schedules_paused": "The deployment is paused: its schedules make no runs. Those that are there are started.",
    "next_poll": "Nothing is in the way: the run starts when a worker or process next asks for work.",
}
"""What each cause means."""

CODES: Final[tuple[Code, ...]] = get_args(Code)


class Holder(Answer):
    """Who holds slots of a limit: a run of a pool or queue, or a lease, which ``expires`` unless it is renewed.

    ``flow_run_id`` and ``flow_run_name`` are of the run that a task run belongs to.
    """

    kind: Literal["flow_run", "task_run", "deployment", "unknown"]
    id: str | None
    name: str | None = None
    state: str | None = None
    slots: int = 1
    since: Time | None = None
    expires: Time | None = None
    flow_run_id: str | None = None
    flow_run_name: str | None = None


class Reason(Answer):
    """A cause that holds: in a sentence, with what it was seen from, and the command that changes it.

    ``holders`` are at most ten of those who hold slots of a limit that is full.
    """

    code: Code
    sentence: str
    evidence: dict[str, Any] = {}
    holders: list[Holder] = []
    fix: str | None = None


class Explanation(Answer):
    """Why a flow run is where it is; the first of ``reasons`` is the answer, and there is always one."""

    flow_run_id: str
    name: str
    state_type: str | None
    state_name: str | None
    since: Time | None
    asked: Time
    reasons: list[Reason]


EXPLAIN = Endpoint(
    method="GET",
    path="/flow_runs/{id}/explain",
    summary="Tell why a flow run is where it is",
    answer=Explanation,
    statuses=(404, 422),
)
