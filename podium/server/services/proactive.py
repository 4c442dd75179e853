"""Closes the windows of proactive triggers, which fire where something did not happen, and forgets past ones."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, select

from podium.db.tables.automations import automation_buckets, automations
from podium.db.tables.events import event_deliveries, events
from podium.db.unit import WORKSPACE, Tx
from podium.server.automations.covering import Watch
from podium.server.automations.evaluation import LOOKBACK, Evaluation
from podium.server.automations.interest import Index, Interest, take_turn
from podium.server.automations.ordering import DELIVERIES, come, release
from podium.server.automations.stored import ENDED, TRIGGERS, load_ended
from podium.server.messaging.bus import Bus
from podium.server.runtime import Runtime
from podium.server.services.automations import lapse, settle
from podium.server.services.glance import Look

MOST = 500
"""Windows closed in a transaction."""

LONGEST_LAG = LOOKBACK
"""Of a stream of events, however late they come: else one event of long ago would stop all windows from closing."""

_BUCKET = automation_buckets.c
_OLD = (_BUCKET.workspace_id == WORKSPACE, _BUCKET.window_end <= bindparam("old", type_=_BUCKET.window_end.type))
_ANY_OLD = select(_BUCKET.id).where(*_OLD).limit(1)
_SWEEP = delete(automation_buckets).where(*_OLD)
_STANDING = select(_BUCKET.trigger_id).where(_BUCKET.workspace_id == WORKSPACE, _BUCKET.trigger_id.in_(TRIGGERS))
_OLDEST = select(func.min(event_deliveries.c.occurred)).where(
    event_deliveries.c.consumer == DELIVERIES.name, event_deliveries.c.leader.is_(None)
)
_NEWEST = select(events.c.occurred, events.c.received).order_by(events.c.occurred.desc()).limit(1)
LOOK = Look((select(automations.c.id).where(automations.c.enabled),))


async def close_windows(runtime: Runtime) -> None:
    """One round."""
    interest, database = runtime.interest, runtime.database
    for workspace_id in await database.read(workspaces_due, interest):
        while not await database.write(close, interest, runtime.bus, workspace_id=workspace_id):
            pass
    positions = await database.read(come)
    if positions:
        await database.write(release, positions)
        runtime.bus.wake(DELIVERIES.name)


def workspaces_due(tx: Tx, interest: Interest) -> list[str]:
    """The workspaces where windows have ended, or are still to be opened."""
    due = []
    for workspace_id, index in interest.current(tx).indexes.items():
        tx.enter(workspace_id)
        watches = proactive(index)
        if watches:
            triggers = [watch.id for watch in watches]
            standing = {watch.id for watch in watches if watch.stands}
            if tx.all(ENDED, triggers=triggers, ended=tx.now, most=1) or (
                standing and standing.difference(tx.column(_STANDING, triggers=list(standing)))
            ):
                due.append(workspace_id)
                continue
        if tx.one(_ANY_OLD, old=tx.now - lapse(tx)):
            due.append(workspace_id)
    return due


def close(tx: Tx, interest: Interest, bus: Bus) -> bool:
    """The unit of work: closes the windows of a workspace that have ended; whether these are all."""
    take_turn(tx)
    index = interest.current(tx).of(tx.workspace_id)
    watches, as_of = proactive(index), event_time(tx)
    memory, all_of_them = load_ended(tx, index, watches, as_of, MOST)
    evaluation = Evaluation(memory, lapse(tx))
    for watch in watches:
        evaluation.time(watch, as_of)
    settle(bus, tx, memory)
    if all_of_them:
        tx.run(_SWEEP, old=as_of - lapse(tx))
    return all_of_them


def event_time(tx: Tx) -> datetime:
    """Until when events are known: now, or earlier where they come late or still wait to be evaluated."""
    times = [tx.now]
    newest = tx.one(_NEWEST)
    if newest is not None:
        lag = newest["received"] - newest["occurred"]
        times.append(tx.now - min(max(lag, timedelta()), LONGEST_LAG))
    oldest = tx.value(_OLDEST)
    if oldest is not None:
        times.append(oldest)
    return min(times)


def proactive(index: Index) -> list[Watch]:
    """The triggers that fire when something does not happen."""
    return [watch for watch in index.watches if watch.proactive]
