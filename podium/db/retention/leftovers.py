"""What nobody needs any more and no run: expired, finished, or of somebody who is gone."""

from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, and_, exists, func, not_, or_, select

from podium.db.retention.ages import GRACE, TERMINAL, Ages
from podium.db.retention.steps import Simple, Step, count, delete_some
from podium.db.tables.automations import (
    automation_actions,
    automation_buckets,
    automation_firings,
    automation_refusals,
)
from podium.db.tables.csrf import csrf_tokens
from podium.db.tables.events import event_deliveries, events
from podium.db.tables.flow_run_heartbeats import flow_run_heartbeats
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.notifications import notification_deliveries
from podium.db.tables.services import service_heartbeats
from podium.db.tables.tallies import tally_notes
from podium.db.tables.task_queue import task_run_deliveries, task_workers
from podium.db.tables.task_runs import task_run_state_cache, task_run_states, task_runs
from podium.db.tables.work_pools import worker_cleanup_messages, workers
from podium.db.unit import Tx

Conditions = list[ColumnElement[bool]]


def abandoned_before(tx: Tx, ages: Ages) -> datetime:
    """Work for a consumer that came in before this will not be done any more."""
    return tx.now - max(ages.events, GRACE)


def _expired_tokens(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.expiration < tx.now]


def _closed_connections(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.alive_until < tx.now - GRACE]


def _gone_workers(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.status == "OFFLINE", rows.c.last_heartbeat_time < tx.now - ages.leftovers]


def _finished_cleanup(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.finished.is_not(None), rows.c.finished < tx.now - ages.leftovers]


def _untaken_cleanup(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    unreserved = or_(rows.c.lease_expires_at.is_(None), rows.c.lease_expires_at < tx.now)
    return [rows.c.finished.is_(None), rows.c.created < tx.now - ages.leftovers, unreserved]


def _old_firings(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.triggered < tx.now - ages.leftovers]


def _old_refusals(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.last < tx.now - ages.leftovers]


def _ended_actions(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    """What is pending or waits for its delivery has not ended."""
    return [rows.c.ended < tx.now - ages.leftovers]


def _ended_deliveries(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.ended < tx.now - ages.leftovers]


def _old_buckets(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    return [rows.c.window_end < tx.now - ages.leftovers]


def _lost_processes(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    """Of a process none of whose services started for long, where some start each few seconds."""
    others = service_heartbeats.alias("others")
    of_process = select(func.max(others.c.last_started)).where(others.c.process == rows.c.process)
    return [of_process.scalar_subquery() < tx.now - GRACE]


def _moot_heartbeats(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    """Of runs that are over, or never were; the service zombies deletes them sooner where it runs."""
    live = select(flow_runs.c.id).where(
        flow_runs.c.id == rows.c.flow_run_id,
        flow_runs.c.workspace_id == rows.c.workspace_id,
        flow_runs.c.state_type.not_in(TERMINAL),
    )
    return [rows.c.received < tx.now - GRACE, not_(exists(live))]


def _repeated_notes(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    """Of slices that have a newer note, where nobody rolls them up; a roll-up under way is over in that time."""
    newer = tally_notes.alias("newer")
    same = (newer.c.runs == rows.c.runs, newer.c.slice == rows.c.slice, newer.c.change > rows.c.change)
    return [rows.c.changed < tx.now - GRACE, exists().where(*same)]


def _moot_offers(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    """Of runs that need no task worker any more."""
    over = select(task_runs.c.id).where(task_runs.c.id == rows.c.task_run_id, task_runs.c.state_type.in_(TERMINAL))
    return [exists(over)]


def _abandoned_work(rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
    old = select(events.c.id).where(
        events.c.id == rows.c.event_id,
        events.c.occurred == rows.c.occurred,
        events.c.recorded >= abandoned_before(tx, ages),
    )
    return [rows.c.occurred < abandoned_before(tx, ages), not_(exists(old))]


REPEATED_NOTES = Simple(tally_notes, _repeated_notes, "slice")
EXPIRED_TOKENS = Simple(csrf_tokens, _expired_tokens, "expiration")
CLOSED_CONNECTIONS = Simple(task_workers, _closed_connections, "alive_until")
GONE_WORKERS = Simple(workers, _gone_workers, "last_heartbeat_time")
FINISHED_CLEANUP = Simple(worker_cleanup_messages, _finished_cleanup, "finished")
UNTAKEN_CLEANUP = Simple(worker_cleanup_messages, _untaken_cleanup, "created")
OLD_FIRINGS = Simple(automation_firings, _old_firings, "triggered")
OLD_REFUSALS = Simple(automation_refusals, _old_refusals, "last")
ENDED_ACTIONS = Simple(automation_actions, _ended_actions, "ended")
ENDED_DELIVERIES = Simple(notification_deliveries, _ended_deliveries, "ended")
OLD_BUCKETS = Simple(automation_buckets, _old_buckets, "window_end")
LOST_PROCESSES = Simple(service_heartbeats, _lost_processes, "process")
MOOT_HEARTBEATS = Simple(flow_run_heartbeats, _moot_heartbeats, "received")
MOOT_OFFERS = Simple(task_run_deliveries, _moot_offers, "position")
ABANDONED_WORK = Simple(event_deliveries, _abandoned_work, "position")


class UselessCache:
    """Entries of the cache of results that expired, or whose state is gone. No index tells: the table is walked."""

    def _useless(self, rows: FromClause, tx: Tx) -> ColumnElement[bool]:
        gone = not_(exists().where(task_run_states.c.id == rows.c.task_run_state_id))
        return or_(
            and_(rows.c.cache_expiration.is_not(None), rows.c.cache_expiration < tx.now),
            and_(rows.c.created < tx.now - GRACE, gone),
        )

    def step(self, tx: Tx, ages: Ages, begin: str | None, most: int) -> Step:
        entries = task_run_state_cache
        page = select(entries.c.id).order_by(entries.c.id).limit(most)
        found = tx.column(page if begin is None else page.where(entries.c.id > begin))
        if not found:
            return Step({}, None)

        def where(rows: FromClause) -> Conditions:
            return [rows.c.id >= found[0], rows.c.id <= found[-1], self._useless(rows, tx)]

        deleted = tx.run(delete_some(tx, entries, where, lambda rows: [rows.c.id], most))
        return Step({entries.name: deleted}, found[-1] if len(found) == most else None)

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        return {task_run_state_cache.name: count(tx, task_run_state_cache, self._useless(task_run_state_cache, tx))}
