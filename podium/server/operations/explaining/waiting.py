"""Checks of runs that nobody has taken: when they are due, who would start them, and what stands in the way."""

from collections.abc import Sequence
from datetime import timedelta

from podium.db.unit import Row
from podium.server.operations.explaining.subject import Subject, at, lease_holders, run_holders, several, span, stamp
from podium.server.queries import explanations as facts
from podium.server.queries.services import read_services
from podium.wire.explain import Reason

POLLED = timedelta(seconds=60)
"""Who asked for work so long ago still asks."""

RETRY, SLOT = "AwaitingRetry", "AwaitingConcurrencySlot"


def is_waiting(of: Subject) -> bool:
    """Whether it is scheduled, or has no state yet."""
    return of.row["state_type"] in ("SCHEDULED", None)


def not_due(of: Subject) -> Reason | None:
    if not is_waiting(of) or of.is_due or of.due is None or of.row["state_name"] in (RETRY, SLOT):
        return None
    return Reason(
        code="not_due",
        sentence=f"It is to start at {at(of.due)}, in {span((of.due - of.now).total_seconds())}.",
        evidence={"due": stamp(of.due), "state": of.row["state_name"]},
        fix=f"podium deployment run {_named(of.row)}" if of.row["known_deployment_id"] else None,
    )


def awaiting_retry(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["state_name"] != RETRY or (of.is_due and not of.retries_itself):
        return None
    when = f"at {at(of.due)}" if of.due else "at once"
    who = "in its own process" if of.retries_itself else "when a worker asks for work then"
    return Reason(
        code="awaiting_retry",
        sentence=f"Try {run['run_count']} failed; it starts again {when}, {who}.",
        evidence={"due": stamp(of.due), "tries": run["run_count"], "in_own_process": of.retries_itself},
    )


def awaiting_slot(of: Subject) -> Reason | None:
    """The deployment's limit is not full now; where it is, that is the better answer."""
    if not is_waiting(of) or of.row["state_name"] != SLOT or of.is_due or of.due is None:
        return None
    return Reason(
        code="awaiting_slot",
        sentence=f"The deployment's concurrency limit was full; it tries again at {at(of.due)}.",
        evidence={"due": stamp(of.due)},
    )


def deployment_gone(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["deployment_id"] is None or run["known_deployment_id"] is not None:
        return None
    return Reason(
        code="deployment_gone",
        sentence="Its deployment was deleted, so that every start is refused.",
        evidence={"deployment": run["deployment_id"]},
        fix=f"podium flow-run cancel {run['id']}",
    )


def no_deployment(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["deployment_id"] is not None or run["work_queue_id"] is not None:
        return None
    return Reason(
        code="no_deployment",
        sentence="It is of no deployment and in no work queue: the process that made it starts it, or nobody does. "
        f"It was made {of.ago(run['created'])}.",
        evidence={"created": stamp(run["created"]), "last_state": run["state_name"]},
        fix=f"podium flow-run cancel {run['id']}",
    )


def not_served(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["known_deployment_id"] is None or run["work_queue_id"] is not None:
        return None
    polled = run["deployment_last_polled"]
    if polled is not None and of.now - polled <= POLLED:
        return None
    return Reason(
        code="not_served",
        sentence=f"The deployment {_deployment(run)} has no work pool, and the process that serves it asked for runs "
        f"{of.ago(polled)}.",
        evidence={"deployment": run["deployment_name"], "last_polled": stamp(polled)},
        fix="start the process that calls serve(), or deploy to a work pool",
    )


def pool_paused(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or not run["pool_paused"]:
        return None
    return Reason(
        code="pool_paused",
        sentence=f"The work pool {run['pool_name']!r} is paused.",
        evidence={"pool": run["pool_name"]},
        fix=f"podium work-pool resume {run['pool_name']}",
    )


def queue_paused(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or not run["queue_paused"]:
        return None
    return Reason(
        code="queue_paused",
        sentence=f"The work queue {run['queue_name']!r} of {run['pool_name']!r} is paused.",
        evidence={"queue": run["queue_name"], "pool": run["pool_name"]},
        fix=f"podium work-queue resume {run['queue_name']} --pool {run['pool_name']}",
    )


def no_worker(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["pool_id"] is None or of.online or _is_polled(of):
        return None
    last = of.workers[0]["last_heartbeat_time"] if of.workers else None
    seen = f"the last to call was {of.workers[0]['name']!r}, {of.ago(last)}" if of.workers else "none ever was"
    return Reason(
        code="no_worker",
        sentence=f"No worker of the work pool {run['pool_name']!r} is online: {seen}.",
        evidence={
            "pool": run["pool_name"],
            "type": run["pool_type"],
            "workers": [_worker(each) for each in of.workers[: facts.SHOWN]],
            "queue_last_polled": stamp(run["queue_last_polled"]),
        },
        fix=f"prefect worker start --pool {run['pool_name']}",
    )


def queue_not_polled(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["pool_id"] is None or not of.online or _is_polled(of):
        return None
    names = ", ".join(repr(each["name"]) for each in of.online[:3])
    online = f"{several(len(of.online), 'worker')} of {run['pool_name']!r} {_are(len(of.online))} online"
    last = f"the last did {of.ago(polled)}" if (polled := run["queue_last_polled"]) else "none ever did"
    return Reason(
        code="queue_not_polled",
        sentence=f"{online} ({names}), and none asked for runs of its queue {run['queue_name']!r}: {last}.",
        evidence={
            "pool": run["pool_name"],
            "queue": run["queue_name"],
            "queue_last_polled": stamp(run["queue_last_polled"]),
            "workers": [_worker(each) for each in of.online[: facts.SHOWN]],
        },
        fix=f"prefect worker start --pool {run['pool_name']} --work-queue {run['queue_name']}",
    )


def pool_limit_full(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["pool_limit"] is None:
        return None
    used, holders = facts.runs_under_way(of.tx, [queue["id"] for queue in of.queues])
    if used < run["pool_limit"]:
        return None
    return Reason(
        code="pool_limit_full",
        sentence=f"The work pool {run['pool_name']!r} may run {run['pool_limit']} at a time, "
        f"and {used} {_are(used)} under way.",
        evidence={"pool": run["pool_name"], "limit": run["pool_limit"], "used": used},
        holders=run_holders(holders),
        fix=f"podium work-pool set-concurrency-limit {run['pool_name']} {used + 1}",
    )


def queue_limit_full(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["queue_limit"] is None:
        return None
    used, holders = facts.runs_under_way(of.tx, [run["work_queue_id"]])
    if used < run["queue_limit"]:
        return None
    return Reason(
        code="queue_limit_full",
        sentence=f"The work queue {run['queue_name']!r} of {run['pool_name']!r} may run {run['queue_limit']} at a time,"
        f" and {used} {_are(used)} under way.",
        evidence={"queue": run["queue_name"], "pool": run["pool_name"], "limit": run["queue_limit"], "used": used},
        holders=run_holders(holders),
        fix=f"podium work-queue set-concurrency-limit {run['queue_name']} {used + 1} --pool {run['pool_name']}",
    )


def deployment_limit_full(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or run["concurrency_limit_id"] is None:
        return None
    limit = facts.limit_with_id(of.tx, run["concurrency_limit_id"])
    if limit is None or not limit["active"]:
        return None
    leases = [lease for lease in facts.leases_on(of.tx, limit["id"]) if lease["holder_id"] != run["id"]]
    used = limit["anonymous_slots"] + sum(lease["slots"] for lease in leases)
    if used < limit["limit"]:
        return None
    return Reason(
        code="deployment_limit_full",
        sentence=f"The deployment {_deployment(run)} may run {limit['limit']} at a time, "
        f"and {several(used, 'slot')} {_are(used)} taken.",
        evidence={"deployment": run["deployment_name"], "name": limit["name"], "limit": limit["limit"], "used": used}
        | ({"tries_again": stamp(of.due)} if run["state_name"] == SLOT else {}),
        holders=lease_holders(leases),
        fix=f"podium global-concurrency-limit update {limit['name']} --limit {used + 1}",
    )


def behind_others(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or not of.is_due or run["next_scheduled_start_time"] is None:
        return None
    if run["pool_id"] is not None:
        number, first = facts.runs_ahead(of.tx, run, of.queues)
    elif run["deployment_id"] is not None:
        number, first = facts.runs_of_deployment_ahead(of.tx, run)
    else:
        return None
    if not number:
        return None
    told = f"{number} or more due runs" if number >= facts.MOST_COUNTED else several(number, "due run")
    where = f"the work pool {run['pool_name']!r}" if run["pool_id"] else f"the deployment {_deployment(run)}"
    return Reason(
        code="behind_others",
        sentence=f"{told} of {where} {_are(number)} handed out before it.",
        evidence={"ahead": number, "queue": run["queue_name"], "priority": run["queue_priority"]},
        holders=run_holders(first),
        fix="start more workers, or put it into a queue with a lower priority number",
    )


def service_stopped(of: Subject) -> Reason | None:
    stopped = [each for each in read_services(of.tx) if each.state in ("late", "failing")]
    if not stopped or not is_waiting(of):
        return None
    names = ", ".join(each.name for each in stopped)
    return Reason(
        code="service_stopped",
        sentence=f"Background services of the server do not do their rounds: {names}.",
        evidence={
            "services": [
                {
                    "name": each.name,
                    "state": each.state,
                    "last_finished": stamp(each.last_finished),
                    "error": each.last_error,
                }
                for each in stopped
            ]
        },
        fix="podium server status",
    )


def schedules_paused(of: Subject) -> Reason | None:
    run = of.row
    if not is_waiting(of) or not run["deployment_paused"]:
        return None
    return Reason(
        code="schedules_paused",
        sentence=f"The deployment {_deployment(run)} is paused, so its schedules make no runs; this one is started.",
        evidence={"deployment": run["deployment_name"]},
        fix=f"podium deployment resume {_named(run)}",
    )


def next_poll(of: Subject) -> Reason:
    run = of.row
    polled = run["queue_last_polled"] or run["deployment_last_polled"]
    since = f"It is due since {at(of.due)}. " if of.due else ""
    return Reason(
        code="next_poll",
        sentence=f"{since}Nothing is in its way: it starts when work is next asked for, which was {of.ago(polled)}.",
        evidence={"due": stamp(of.due), "last_polled": stamp(polled), "workers_online": _names(of)},
    )


def _names(of: Subject) -> Sequence[str] | None:
    return [each["name"] for each in of.online] if of.row["pool_id"] else None


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _is_polled(of: Subject) -> bool:
    polled = of.row["queue_last_polled"]
    return polled is not None and of.now - polled <= POLLED


def _worker(row: Row) -> dict[str, str | None]:
    return {"name": row["name"], "status": row["status"], "last_heartbeat": stamp(row["last_heartbeat_time"])}


def _deployment(run: Row) -> str:
    return repr(_named(run))


def _named(run: Row) -> str:
    return f"{run['flow_name']}/{run['deployment_name']}"
