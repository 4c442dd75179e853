"""Ends runs whose process is gone: they stop sending heartbeats, never start, or never retry.

Silence counts only while clients could be heard: after an outage of the server everybody has the whole patience again.
A run that sends no heartbeats at all, as those of clients before 3.7 do not, is judged by its worker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from podium.db.engine import Database
from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.profiles.sections.services import Zombies
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.task_run_states import set_task_run_state
from podium.server.orchestration.policies import MINIMAL_FLOW_POLICY
from podium.server.queries.flow_run_heartbeats import (
    count_as_heartbeat,
    forget_heartbeats,
    last_heard_of,
    last_heartbeat,
    silent_runs,
)
from podium.server.queries.presence import present_since
from podium.server.queries.zombies import (
    left_subflows,
    left_task_runs,
    overdue_retries,
    pending_runs,
    unheard_runs,
    worker_status,
)
from podium.server.runtime import Runtime
from podium.server.services.sweep import PAGE, for_each, is_still_in, page_by_page
from podium.wire.flow_runs import FlowRunPolicy
from podium.wire.states import StateCreate, StateDetails

FIRST = "00000000-0000-0000-0000-000000000000"

WORKER, WORK_POOL = "prefect.worker.name", "prefect.work-pool.id"
"""The labels in which a worker tells who it is."""

_details = msgspec.json.Decoder(StateDetails).decode
_policy = msgspec.json.Decoder(FlowRunPolicy).decode


@dataclass(frozen=True, slots=True)
class Watch:
    """Runs that may be zombies: how to find those that have been silent for so long, and what to do with each.

    ``find(tx, until, after, most)`` gives a page in the order of the ids. ``judge(tx, row, since, settings)`` looks
    again; ``since`` is when clients began to be heard.
    """

    find: Callable[[Tx, datetime, str, int], list[Row]]
    judge: Callable[[Tx, Row, datetime, Zombies], None]
    patience: Callable[[Zombies], float]


async def end_zombies(runtime: Runtime) -> None:
    """One round: runs without a sign of life, then what crashed runs left behind."""
    settings, database = runtime.settings.server.services.zombies, runtime.database
    since = await database.read(present_since)
    for watch in WATCHES:
        until = database.clock() - timedelta(seconds=watch.patience(settings))
        if since is not None and since <= until:
            await _go_through(database, watch, until, since, settings)
    await page_by_page(database, left_subflows, crash_subflow, PAGE)
    await page_by_page(database, left_task_runs, crash_task_run, PAGE)
    until = database.clock() - _beats(settings)
    while await database.write(forget_heartbeats, until):
        pass


async def _go_through(database: Database, watch: Watch, until: datetime, since: datetime, settings: Zombies) -> None:
    after = FIRST
    while True:
        rows = await database.read(watch.find, until, after, PAGE)
        await for_each(database, rows, watch.judge, since, settings)
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


def _beats(settings: Zombies, interval: float = 0.0) -> timedelta:
    """How long a run may send no heartbeat; ``interval`` is the one it showed, in seconds."""
    return timedelta(seconds=max(settings.heartbeat_interval_seconds, interval) * settings.missed_heartbeats)


def judge_silent(tx: Tx, run: Row, since: datetime, settings: Zombies) -> None:
    """Crashes a running flow whose heartbeats stopped, unless anything else of it was heard."""
    heard = run["received"]
    shown = (run["occurred"] - run["previous"]).total_seconds() if run["previous"] else 0.0
    until = tx.now - _beats(settings, shown)
    if max(heard, run["state_timestamp"], since) >= until or not is_still_in(tx, run):
        return
    if last_heartbeat(tx, run["id"]) != heard:
        return
    other = last_heard_of(tx, run["id"], until)
    if other is not None:
        count_as_heartbeat(tx, run["id"], other)
        return
    _crash(tx, run, f"The process of the flow run is gone: its last heartbeat came at {_told(heard)}.")


def judge_unheard(tx: Tx, run: Row, since: datetime, settings: Zombies) -> None:
    """Crashes a running flow without heartbeats whose worker, which ran it on its own machine, is gone."""
    worker, status = _worker(tx, run)
    if status != "OFFLINE" or not is_still_in(tx, run):
        return
    if last_heard_of(tx, run["id"], tx.now - timedelta(seconds=settings.silence_seconds)) is None:
        seconds = f"{settings.silence_seconds:g} seconds"
        _crash(tx, run, f"The worker {worker!r} that ran the flow is gone, and nothing was heard of it for {seconds}.")


def judge_pending(tx: Tx, run: Row, since: datetime, settings: Zombies) -> None:
    """Crashes a run that somebody took and that did not start; it is not handed out again, since it may start yet."""
    taken, due = run["state_timestamp"], _details(run["state_details"]).scheduled_time
    worker, status = _worker(tx, run)
    online = status == "ONLINE"
    patience = timedelta(seconds=settings.pending_with_worker_seconds if online else settings.pending_seconds)
    until = tx.now - patience
    if max(taken, due or taken, since) >= until or not is_still_in(tx, run):
        return
    if last_heard_of(tx, run["id"], until) is not None:
        return
    by = f" by the worker {worker!r}, which is {status.lower()}," if worker and status else ""
    _crash(tx, run, f"The flow run was taken at {_told(taken)}{by} and did not start.")


def judge_overdue(tx: Tx, run: Row, since: datetime, settings: Zombies) -> None:
    """Crashes a failed run that waits to retry in its own process, which nobody else may do, and does not."""
    due = run["next_scheduled_start_time"]
    if _policy(run["empirical_policy"]).retry_type != "in_process" or not is_still_in(tx, run):
        return
    if last_heard_of(tx, run["id"], due) is None:
        _crash(tx, run, f"The process of the flow run is gone: it was to retry at {_told(due)} and did not.")


WATCHES = (
    Watch(silent_runs, judge_silent, lambda settings: _beats(settings).total_seconds()),
    Watch(unheard_runs, judge_unheard, lambda settings: settings.silence_seconds),
    Watch(pending_runs, judge_pending, lambda settings: settings.pending_seconds),
    Watch(overdue_retries, judge_overdue, lambda settings: settings.pending_seconds),
)


def _worker(tx: Tx, run: Row) -> tuple[str | None, str | None]:
    """The name of the worker that took a run and its status, as far as they are known."""
    labels: dict[str, Any] = plain(run["labels"])
    name, pool_id = labels.get(WORKER), labels.get(WORK_POOL)
    if not isinstance(name, str) or not isinstance(pool_id, str):
        return None, None
    return name, worker_status(tx, pool_id, name)


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _crash(tx: Tx, run: Row, message: str) -> None:
    set_flow_run_state(tx, run["id"], StateCreate(type="CRASHED", message=message))


def crash_subflow(tx: Tx, run: Row) -> None:
    """Crashes a subflow that ran in the process of its parent."""
    if is_still_in(tx, run):
        crashed = StateCreate(type="CRASHED", message="The parent flow run crashed.")
        set_flow_run_state(tx, run["id"], crashed, policy=MINIMAL_FLOW_POLICY)


def crash_task_run(tx: Tx, task_run: Row) -> None:
    """Crashes a task run by force."""
    crashed = StateCreate(type="CRASHED", message="The flow run crashed.")
    set_task_run_state(tx, task_run["id"], crashed, force=True)
