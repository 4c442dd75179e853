"""The rule about the concurrency limits of work pools and their queues.

Polls hand out no more runs than there are free slots, but reserve none: an earlier run that comes between two polls may
make them hand out one too many. So the proposal of PENDING, which takes the slot, looks again.
"""

from podium.server.orchestration.engine import Rule, all_but, only
from podium.server.orchestration.transition import FlowRunTransition
from podium.server.queries.work_queues import lock_pool_slots


def _check_room(transition: FlowRunTransition) -> None:
    run = transition.run
    queue_limit, pool_limit = run["work_queue_limit"], run["work_pool_limit"]
    if queue_limit is None and pool_limit is None:
        return
    used = lock_pool_slots(transition.tx, run["work_pool_id"])
    if pool_limit is not None and sum(used.values()) >= pool_limit:
        transition.abort("The concurrency limit of the work pool is reached.")
    elif queue_limit is not None and used.get(run["work_queue_id"], 0) >= queue_limit:
        transition.abort("The concurrency limit of the work queue is reached.")


ENFORCE_WORK_POOL_CONCURRENCY = Rule(
    "EnforceWorkPoolConcurrency", all_but(None, "PENDING", "RUNNING"), only("PENDING"), before=_check_room
)
