"""What a firing leads to: its event and the actions to be done, in the transaction that evaluated it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.automations.firing import Context, Firing, queue_actions
from podium.server.events.event import Event, as_received, resource
from podium.server.queries.automations import AUTOMATIONS

TRIGGERED = "prefect.automation.triggered"

_FIRED = select(*AUTOMATIONS.columns).where(
    AUTOMATIONS.mine, AUTOMATIONS.table.c.id.in_(bindparam("ids", expanding=True))
)


def carry_out(tx: Tx, firings: Iterable[tuple[str, Firing]]) -> int:
    """Emits the events of firings and queues their actions, in their order; how many actions."""
    fired = list(firings)
    if not fired:
        return 0
    ids = list({automation_id for automation_id, _ in fired})
    automations = {row["id"]: row for row in tx.all(_FIRED, ids=ids)}
    queued: list[tuple[Mapping[str, Any], int, Context]] = []
    for automation_id, firing in fired:
        automation = automations[automation_id]
        event = triggered_event(automation, firing)
        event.received = tx.now
        tx.emit(event)
        queued.extend(actions_of(automation, firing, event))
    queue_actions(tx, queued)
    return len(queued)


def triggered_event(automation: Row, firing: Firing) -> Event:
    """``prefect.automation.triggered``, which has the id of the firing."""
    labels = resource("automation", automation["id"], name=automation["name"])
    if firing.posture is not None:
        labels["prefect.posture"] = firing.posture
    cause = firing.triggering_event
    return Event(
        id=firing.id,
        event=TRIGGERED,
        occurred=firing.triggered,
        resource=labels,
        related=[] if cause is None else [resource("event", cause["id"], "triggering-event")],
        payload={"triggering_labels": firing.triggering_labels, "triggering_event": cause},
    )


def actions_of(automation: Row, firing: Firing, event: Event) -> Iterator[tuple[Mapping[str, Any], int, Context]]:
    """The actions of an automation for a firing: those for what happened, then those for that it fired."""
    actions, on_trigger = plain(automation["actions"]), plain(automation["actions_on_trigger"])
    about = Context(automation=automation, firing=firing, triggering_event=firing.triggering_event)
    for index, action in enumerate(actions):
        yield action, index, about
    of_firing = Context(automation=automation, firing=firing, triggering_event=as_received(event))
    for index, action in enumerate(on_trigger, len(actions)):
        yield action, index, of_firing
