"""Making the runs of schedules ahead of their time.

A pass reads which schedules have too few runs ahead, works out their dates outside of any transaction, and stores the
runs. Storing looks at the deployment and schedule again, and a slot (timing of the schedule and date) is unique by its
idempotency key: passes of several processes, edits in between and restarts neither miss a slot nor fill it twice.

``filled_until`` of a schedule says how far its slots have their runs. It lies ahead, but for schedules that an edit put
back to its own moment, and after an outage; what becomes of the slots between it and now, is in ``catch_up``.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from podium.db.engine import Database
from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.unit import Row, Tx
from podium.profiles.sections.services import Scheduler
from podium.server.operations.names import run_names
from podium.server.operations.schedule_plans import Dates, Plan, Span, filling, planned, span_of
from podium.server.operations.schedules import kind, slots
from podium.server.queries import due_schedules as queries
from podium.server.queries.making_runs import NewRuns, insert_runs

AUTO_SCHEDULED = "auto-scheduled"
FIRST = ("00000000-0000-0000-0000-000000000000",) * 2
"""Before every deployment and schedule."""

LATE = 3.0
"""Seconds that a pass over what just changed may start late without missing anything."""

RECENT_MARGIN = timedelta(seconds=20)
"""How far the clocks of two processes may differ: so long a schedule that an edit put back is looked at in any case."""


def recently(scheduler: Scheduler) -> timedelta:
    """How far back the pass over what just changed looks: to the last one, and what a round may be late."""
    return timedelta(seconds=scheduler.recent_deployments_loop_seconds + LATE)


async def schedule_deployments(database: Database, scheduler: Scheduler) -> int:
    """Schedules every deployment of every workspace that is due, page by page; how many runs were made."""
    made = 0
    after: tuple[str, str] | None = FIRST
    known = Dates(database.clock(), scheduler)
    while after is not None:
        due, after = await database.read(_due_page, scheduler, after, scheduler.deployment_batch_size)
        made += await _fill(database, due, scheduler, known)
    return made


async def schedule_recent_deployments(database: Database, scheduler: Scheduler) -> int:
    """Schedules the deployments that changed since the last such pass; how many runs were made."""
    due = await database.read(_due_recently, scheduler, recently(scheduler))
    return await _fill(database, due, scheduler)


async def schedule_deployment(
    database: Database, deployment_id: str, span: Span, batch: int = 500, workspace_id: str = DEFAULT_WORKSPACE_ID
) -> int:
    """Schedules one deployment over a span; how many runs were made."""
    schedules = await database.read(queries.active_schedules, deployment_id, workspace_id=workspace_id)
    plans = await asyncio.to_thread(planned, schedules, span) if schedules else []
    return await _store(database, plans, batch)


def _due_page(
    tx: Tx, scheduler: Scheduler, after: tuple[str, str], size: int
) -> tuple[list[Row], tuple[str, str] | None]:
    """The schedules of a page that are due, and after what the next one begins; None where this is the last."""
    schedules = queries.schedule_page(tx, after, size)
    last = (schedules[-1]["deployment_id"], schedules[-1]["id"]) if len(schedules) == size else None
    return _due(tx, schedules, scheduler), last


def _due_recently(tx: Tx, scheduler: Scheduler, window: timedelta) -> list[Row]:
    return _due(tx, queries.recent_schedules(tx, tx.now - window, tx.now + RECENT_MARGIN), scheduler)


def _due(tx: Tx, schedules: list[Row], scheduler: Scheduler) -> list[Row]:
    """The schedules that are not filled far enough, have too few runs ahead or none that is far enough."""
    if not schedules:
        return []
    ahead = queries.runs_ahead(tx, list({schedule["deployment_id"] for schedule in schedules}))
    until = tx.now + timedelta(seconds=scheduler.min_scheduled_time)
    due = []
    for schedule in schedules:
        count, last = ahead.get(schedule["id"], (0, None))
        filled = schedule["filled_until"]
        if count < scheduler.min_runs or last is None or last < until or (filled is not None and filled < until):
            due.append({**schedule, "ahead": count})
    return due


async def _fill(database: Database, schedules: list[Row], scheduler: Scheduler, known: Dates | None = None) -> int:
    if not schedules:
        return 0
    plans = await asyncio.to_thread(filling, schedules, span_of(scheduler, database.clock()), scheduler, known)
    return await _store(database, plans, scheduler.insert_batch_size)


async def _store(database: Database, plans: list[Plan], batch: int) -> int:
    made = 0
    for group in _groups(plans, batch):
        made += await database.write(store_runs, group)
    return made


def _groups(plans: Sequence[Plan], size: int) -> list[list[Plan]]:
    """The plans in groups of about so many runs: as many groups as come nearest to that, of equal shares."""
    total = sum(len(plan.dates) for plan in plans)
    share = total / max(1, round(total / size))
    groups: list[list[Plan]] = []
    made = 0
    for plan in plans:
        if made >= share * len(groups):
            groups.append([])
        groups[-1].append(plan)
        made += len(plan.dates)
    return groups


def store_runs(tx: Tx, plans: Sequence[Plan]) -> int:
    """Inserts the runs of the plans whose schedule is still as it was and active; how many are new."""
    current = queries.lock_schedules(tx, [plan.schedule_id for plan in plans])
    new: list[NewRuns] = []
    filled: dict[str, datetime] = {}
    for plan in plans:
        row = current.get(plan.schedule_id)
        if row is None or bytes(row["schedule"]) != plan.source:
            continue
        if plan.filled is not None:
            if row["filled_until"] != plan.seen:  # edited or filled meanwhile; where edited, the next pass comes soon
                continue
            if plan.filled != plan.seen:
                filled[plan.schedule_id] = plan.filled
        if plan.dates:
            new.append(_runs(row, plan))
    queries.mark_filled(tx, filled)
    names = run_names(sum(len(each.times) for each in new))
    return insert_runs(tx, new, names, likely_free=all(plan.is_new for plan in plans))


def _runs(row: Row, plan: Plan) -> NewRuns:
    """The runs of one schedule; ``row`` is the schedule with what its deployment gives to runs."""
    own = msgspec.json.decode(row["schedule_parameters"])
    parameters = row["parameters"]
    if own:
        parameters = msgspec.Raw(msgspec.json.encode({**msgspec.json.decode(parameters), **own}))
    labels = msgspec.json.decode(row["labels"])
    labels |= {"prefect.flow.id": row["flow_id"], "prefect.deployment.id": row["deployment_id"]}
    tags = [AUTO_SCHEDULED, *(tag for tag in msgspec.json.decode(row["tags"]) if tag != AUTO_SCHEDULED)]
    creator = {"id": row["id"], "type": "SCHEDULE", "display_value": row["slug"] or kind(plan.schedule)}
    given = {
        "workspace_id": row["workspace_id"],
        "flow_id": row["flow_id"],
        "deployment_id": row["deployment_id"],
        "deployment_version": row["version"],
        "work_queue_id": row["work_queue_id"],
        "work_queue_name": row["work_queue_name"],
        "infrastructure_document_id": row["infrastructure_document_id"],
        "parameters": parameters,
        "tags": msgspec.Raw(msgspec.json.encode(tags)),
        "labels": msgspec.Raw(msgspec.json.encode(labels)),
        "created_by": msgspec.Raw(msgspec.json.encode(creator)),
    }
    prefix = f"scheduled {row['deployment_id']} {row['timing'] or row['id']} "
    return NewRuns(given, [prefix + slot for slot in slots(plan.schedule, plan.dates)], plan.dates)
