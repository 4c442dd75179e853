"""Evaluates automations: each event exactly once, however many processes there are and however often they die.

What an event does to windows, firings, refusals and actions is written in the transaction that takes its delivery away.
Whoever evaluates holds a lock, so that no two do at a time.
"""

from collections import defaultdict
from datetime import timedelta
from functools import partial
from itertools import takewhile
from typing import Any

import msgspec

from podium.db.unit import Row, Tx
from podium.server.automations.covering import Key, Watch
from podium.server.automations.evaluation import Evaluation
from podium.server.automations.firing import ACTIONS
from podium.server.automations.interest import Index, Interest, take_turn
from podium.server.automations.memory import Memory
from podium.server.automations.ordering import DELIVERIES, arrange, park
from podium.server.automations.outcome import carry_out
from podium.server.automations.stored import keep, load
from podium.server.events.deliveries import consume
from podium.server.events.event import Event
from podium.server.messaging.bus import Bus
from podium.server.runtime import Runtime

_labels = msgspec.json.Decoder(dict[str, str]).decode
_related = msgspec.json.Decoder(list[dict[str, str]]).decode


async def evaluate_automations(runtime: Runtime) -> None:
    """One round: evaluates what happens, until there was nothing for a while; it may be cancelled anywhere."""
    await consume(runtime, DELIVERIES, partial(evaluate, runtime.interest, runtime.bus))


def evaluate(interest: Interest, bus: Bus, tx: Tx, batch: int) -> int:
    """The unit of work: evaluates up to so many events that are due, of one workspace, and returns how many it took."""
    take_turn(tx)
    due = DELIVERIES.due(tx, batch)
    if not due:
        return 0
    workspace_id = due[0]["workspace_id"]
    rows = list(takewhile(lambda row: row["workspace_id"] == workspace_id, due))
    tx.enter(workspace_id)
    index = interest.current(tx).of(workspace_id)
    known = [row for row in rows if row["event"] is not None]
    order, parked = arrange(tx, known)
    parked_events = [(row, event_of(row)) for row in parked]
    concerned = [(event, index.concerned(event)) for event in map(event_of, order)]
    wanted: dict[Watch, set[Key]] = defaultdict(set)
    for event, watches in concerned:
        for watch in watches:
            wanted[watch].add(watch.key(event))
    memory = load(tx, index, wanted)
    evaluation = Evaluation(memory, lapse(tx))
    for event, watches in concerned:
        for watch in watches:
            evaluation.event(watch, event)
    _refuse_parked(memory, index, parked_events)
    settle(bus, tx, memory)
    park(tx, parked)
    left = {row["position"] for row in parked}
    DELIVERIES.done(tx, [row["position"] for row in [*rows, *order] if row["position"] not in left])
    return len(rows)


def settle(bus: Bus, tx: Tx, memory: Memory) -> None:
    """Writes what was evaluated, and what is to be done for it."""
    keep(tx, memory)
    if carry_out(tx, memory.firings):
        tx.after_commit(partial(bus.wake, ACTIONS))


def event_of(row: Row) -> Event:
    """The event of a delivery."""
    payload: Any = row["payload"]
    return Event(
        id=row["event_id"],
        event=row["event"],
        occurred=row["occurred"],
        resource=_labels(bytes(row["resource"])),
        related=_related(bytes(row["related"])),
        payload=payload,
        follows=row["follows"],
        received=row["received"],
        workspace_id=row["workspace_id"],
    )


def lapse(tx: Tx) -> timedelta:
    """How long windows of the past are kept."""
    return timedelta(seconds=tx.settings.server.events.expired_bucket_buffer)


def _refuse_parked(memory: Memory, index: Index, parked: list[tuple[Row, Event]]) -> None:
    for row, event in parked:
        for watch in index.concerned(event):
            detail = {"follows": row["follows"]}
            memory.refuse(watch, "waiting_for_leader", watch.key(event), event.id, detail)
