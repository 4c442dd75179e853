"""Checks of runs that somebody has: over, running, pending, paused, being cancelled."""

from datetime import UTC, datetime, timedelta

import msgspec

from podium.server.operations.concurrency import TAG_PREFIX
from podium.server.operations.explaining.subject import Subject, at, lease_holders, several, stamp
from podium.server.queries import explanations as facts
from podium.server.queries.flow_run_heartbeats import last_heard_of
from podium.wire.explain import Reason
from podium.wire.states import TERMINAL

LARGEST_SKEW = 2.0
"""Seconds by which a clock may differ before it matters."""

EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(seconds=1)


def ended(of: Subject) -> Reason | None:
    run = of.row
    if run["state_type"] not in TERMINAL:
        return None
    since, message = run["state_timestamp"], run["message"]
    said = f": {message}" if message else "."
    again = f"podium flow-run retry {run['id']}" if run["state_type"] != "COMPLETED" else None
    return Reason(
        code="ended",
        sentence=f"The run ended as {run['state_name']} at {at(since)}{said}",
        evidence={"state": run["state_name"], "since": stamp(since), "message": message},
        fix=again,
    )


def cancelling(of: Subject) -> Reason | None:
    run = of.row
    if run["state_type"] != "CANCELLING":
        return None
    where = f" by the workers of {run['pool_name']!r}" if run["pool_name"] else ""
    alive = f"; {len(of.online)} of them are online" if run["pool_id"] else ""
    return Reason(
        code="cancelling",
        sentence=f"Cancelling was asked for {of.ago(run['state_timestamp'])} and not confirmed{where}{alive}.",
        evidence={
            "since": stamp(run["state_timestamp"]),
            "pool": run["pool_name"],
            "workers_online": len(of.online) if run["pool_id"] else None,
            "last_heard": stamp(_last_heard(of)),
        },
        fix=f"podium flow-run cancel --force {run['id']}",
    )


def process_gone(of: Subject) -> Reason | None:
    """A running run, or one that waits to retry itself, that was silent for longer than heartbeats take."""
    run = of.row
    waits = run["state_type"] == "SCHEDULED" and of.retries_itself and of.is_due
    if run["state_type"] != "RUNNING" and not waits:
        return None
    beat = facts.last_beat(of.tx, run["id"])
    zombies = of.tx.settings.server.services.zombies
    if beat is None and not waits:
        return None  # a client that sends no heartbeats: silence tells nothing
    shown = (beat["occurred"] - beat["previous"]).total_seconds() if beat and beat["previous"] else 0.0
    patience = max(zombies.heartbeat_interval_seconds, shown) * zombies.missed_heartbeats
    since = max(run["state_timestamp"], of.due or run["state_timestamp"]) if waits else run["state_timestamp"]
    heard = max((each for each in (_last_heard(of), since) if each is not None), default=since)
    if of.now - heard <= timedelta(seconds=patience):
        return None
    what = "It waits to retry in its own process" if waits else "It is RUNNING"
    return Reason(
        code="process_gone",
        sentence=f"{what}, of which nothing was heard since {at(heard)}, {of.ago(heard)}: the process is gone.",
        evidence={
            "last_heard": stamp(heard),
            "last_heartbeat": stamp(beat["received"] if beat else None),
            "patience_seconds": patience,
        },
        fix=f"podium flow-run cancel --force {run['id']}",
    )


def running(of: Subject) -> Reason | None:
    run = of.row
    if run["state_type"] != "RUNNING":
        return None
    heard = _last_heard(of)
    heart = f"; it was last heard of {of.ago(heard)}" if heard else ""
    return Reason(
        code="running",
        sentence=f"It has been running since {at(run['state_timestamp'])}{heart}.",
        evidence={"since": stamp(run["state_timestamp"]), "last_heard": stamp(heard), "tries": run["run_count"]},
        fix=f"podium flow-run logs -f {run['id']}",
    )


def tag_limit_full(of: Subject) -> Reason | None:
    if of.row["state_type"] != "RUNNING":
        return None
    waiting: dict[str, list[str]] = {}
    for task in facts.waiting_task_runs(of.tx, of.row["id"]):
        for tag in msgspec.json.decode(task["tags"], type=list[str]):
            waiting.setdefault(TAG_PREFIX + tag, []).append(task["name"])
    for limit in facts.limits_named(of.tx, sorted(waiting)):
        leases = facts.leases_on(of.tx, limit["id"])
        used = limit["anonymous_slots"] + sum(lease["slots"] for lease in leases)
        if limit["active"] and used >= limit["limit"]:
            tag, tasks = limit["name"].removeprefix(TAG_PREFIX), waiting[limit["name"]]
            return Reason(
                code="tag_limit_full",
                sentence=f"{several(len(tasks), 'task run')} of it cannot start for want of a slot of the tag {tag!r}: "
                f"{used} of {limit['limit']} are taken.",
                evidence={"tag": tag, "limit": limit["limit"], "used": used, "waiting": tasks[: facts.SHOWN]},
                holders=lease_holders(leases),
                fix=f"podium concurrency-limit create {tag} {max(used, limit['limit']) + 1}",
            )
    return None


def waiting_for_input(of: Subject) -> Reason | None:
    run = of.row
    if run["state_type"] != "PAUSED":
        return None
    until, suspended = of.details.pause_timeout, of.details.pause_reschedule
    limit = f" until {at(until)}, when it fails" if until else ""
    word = "suspended" if suspended else "paused"
    return Reason(
        code="waiting_for_input",
        sentence=f"It was {word} at {at(run['state_timestamp'])} and waits to be resumed{limit}.",
        evidence={
            "since": stamp(run["state_timestamp"]),
            "timeout": stamp(until),
            "suspended": suspended,
            "inputs": sorted((of.details.run_input_keyset or {}).values()),
        },
        fix=f"podium flow-run resume {run['id']}",
    )


def pending(of: Subject) -> Reason | None:
    run = of.row
    if run["state_type"] != "PENDING":
        return None
    worker = _label(of, "prefect.worker.name")
    by = f" by the worker {worker!r}" if worker else ""
    zombies = of.tx.settings.server.services.zombies
    return Reason(
        code="pending",
        sentence=f"It was taken{by} {of.ago(run['state_timestamp'])} and has not started: its infrastructure is being "
        f"made, or whoever took it is gone. Without a sign of it the server gives it up.",
        evidence={
            "since": stamp(run["state_timestamp"]),
            "worker": worker,
            "pool": run["pool_name"],
            "workers_online": [each["name"] for each in of.online] if run["pool_id"] else None,
            "last_heard": stamp(_last_heard(of)),
            "given_up_after_seconds": zombies.pending_seconds,
            "with_worker_online_after_seconds": zombies.pending_with_worker_seconds,
        },
        fix=f"podium flow-run logs {run['id']}",
    )


def clock_skew(of: Subject) -> Reason | None:
    """Of the run's own process, of others of its pool, or of the database."""
    if of.row["state_type"] in TERMINAL:
        return None
    found: list[tuple[float, str]] = []
    beat = facts.last_beat(of.tx, of.row["id"])
    if beat is not None:
        found.append(((beat["occurred"] - beat["received"]).total_seconds(), "of the run's own process"))
    if of.row["pool_id"] and (fastest := facts.fastest_clock(of.tx, of.row["pool_id"])):
        found.append((fastest[1], f"of the process of the run {fastest[0]}"))
    skew = facts.database_skew(of.tx)
    found.append((abs(skew), "of the database"))
    ahead, whose = max(found)
    if ahead <= LARGEST_SKEW:
        return None
    return Reason(
        code="clock_skew",
        sentence=f"The clock {whose} differs from this server's by {ahead:.1f} s or more.",
        evidence={"whose": whose, "seconds": round(ahead, 3)},
        fix="let all machines follow the same time server",
    )


def _last_heard(of: Subject) -> datetime | None:
    beat = facts.last_beat(of.tx, of.row["id"])
    # Since the state began; what has to come of the process was said with it, hardly before.
    began = max(of.row["state_timestamp"], EARLIEST) - timedelta(seconds=1)
    other = last_heard_of(of.tx, of.row["id"], began)
    return max((each for each in (beat and beat["received"], other) if each), default=None)


def _label(of: Subject, name: str) -> str | None:
    labels = msgspec.json.decode(of.row["labels"])
    value = labels.get(name) if isinstance(labels, dict) else None
    return value if isinstance(value, str) else None
