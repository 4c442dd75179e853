"""How actions end, and the events that tell of it.

``prefect.automation.action.triggered`` has the id of the invocation, as ``prefect.automation.triggered`` has that of
the firing. ``executed`` or ``failed`` follows it, in a unit of its own where something is sent first.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from podium.db.prepared import Prepared
from podium.db.tables.automations import automation_actions
from podium.db.types import Json, Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.automations.firing import Context, read_context
from podium.server.automations.invocation import Effect
from podium.server.events.event import Event, Labels, resource

logger = logging.getLogger("podium.server.automations")

FOLLOWS_WITHIN = timedelta(minutes=5)
ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=2)
"""How long an action that met an unexpected error waits; twice as long after each further one."""

_ACTION = automation_actions.c
_SENDING = (
    select(automation_actions)
    .where(_ACTION.id == bindparam("action"), _ACTION.workspace_id == WORKSPACE, _ACTION.state == "sending")
    .with_for_update()
)
_CHANGE = update(automation_actions).where(_ACTION.position == bindparam("place"))
_END = Prepared(
    _CHANGE.values(
        state=bindparam("new_state"),
        reason=bindparam("why"),
        result=bindparam("outcome", type_=Json(verbatim=True)),
        ended=bindparam("moment", type_=Timestamp()),
    )
)
_WAIT = _CHANGE.values(attempts=_ACTION.attempts + 1, not_before=bindparam("moment", type_=Timestamp()))


class _Sending(msgspec.Struct):
    """What is kept of an action while its delivery is under way."""

    details: dict[str, Any]
    related: list[Labels]


def done(tx: Tx, row: Row, effect: Effect) -> None:
    """Notes that the action of a pending row did what it is there for, or waits for its delivery."""
    context = read_context(row)
    _tell_triggered(tx, row, context, effect.related)
    if effect.sends:
        _set(tx, row, "sending", _Sending(effect.details, effect.related), ended=False)
    else:
        _end(tx, row, context, "executed", effect.related, effect.details)


def not_done(tx: Tx, row: Row, effect: Effect, reason: str) -> None:
    """Notes that the action of a pending row cannot be done; ``effect`` has what is to be told besides."""
    context = read_context(row)
    _tell_triggered(tx, row, context, effect.related)
    _end(tx, row, context, "failed", effect.related, effect.details, reason)


def put_off(tx: Tx, row: Row, reason: str) -> bool:
    """Tries the action of a pending row again later, or gives it up after the last attempt; whether it will be."""
    attempts = row["attempts"] + 1
    if attempts >= ATTEMPTS:
        not_done(tx, row, Effect(), f"Gave up after {attempts} attempts: {reason}")
        return False
    tx.run(_WAIT, place=row["position"], moment=tx.now + FIRST_PAUSE * 2 ** (attempts - 1))
    return True


def succeeded(tx: Tx, action_id: str, details: Mapping[str, Any]) -> None:
    """Notes that what an action sent has arrived; ``details`` are told of in its event.

    Nothing when the action has ended or is gone, so it may be called again.
    """
    _delivered(tx, action_id, "executed", details, None)


def failed(tx: Tx, action_id: str, reason: str, details: Mapping[str, Any]) -> None:
    """Notes that what an action wanted to send was given up; otherwise as ``succeeded``."""
    _delivered(tx, action_id, "failed", details, reason)


def _delivered(tx: Tx, action_id: str, state: str, details: Mapping[str, Any], reason: str | None) -> None:
    row = tx.one(_SENDING, action=action_id)
    if row is None:
        return
    sending = msgspec.json.decode(row["result"], type=_Sending)
    _end(tx, row, read_context(row), state, sending.related, {**sending.details, **details}, reason)


def _end(
    tx: Tx,
    row: Row,
    context: Context,
    state: str,
    related: Sequence[Labels],
    details: Mapping[str, Any],
    reason: str | None = None,
) -> None:
    _set(tx, row, state, details, reason)
    payload = {**_payload(row), **({} if reason is None else {"reason": reason}), **details}
    event = _event(context, related, f"prefect.automation.action.{state}", tx.now, payload)
    event.follows = row["id"]
    tx.emit(event)
    if reason is not None:
        name = context.automation["name"]
        logger.warning("Action %s of the automation %r failed: %s", payload["action_type"], name, reason)


def _set(tx: Tx, row: Row, state: str, result: Any, reason: str | None = None, ended: bool = True) -> None:
    moment = tx.now if ended else None
    tx.run(_END, place=row["position"], new_state=state, why=reason, outcome=result, moment=moment)


def _tell_triggered(tx: Tx, row: Row, context: Context, related: Sequence[Labels]) -> None:
    event = _event(context, related, "prefect.automation.action.triggered", row["triggered"], _payload(row))
    event.id = row["id"]
    cause = context.triggering_event
    if cause is not None:
        occurred = msgspec.convert(cause["occurred"], datetime)
        if abs(row["triggered"] - occurred) < FOLLOWS_WITHIN:
            event.follows = cause["id"]
    tx.emit(event)


def _payload(row: Row) -> dict[str, Any]:
    return {
        "action_index": row["action_index"],
        "action_type": msgspec.json.decode(row["action"])["type"],
        "invocation": row["id"],
    }


def _event(context: Context, related: Sequence[Labels], name: str, occurred: Any, payload: Any) -> Event:
    automation, trigger = context.automation, context.automation["trigger"]
    labels = resource("automation", automation["id"], name=automation["name"])
    labels["prefect.trigger-type"] = trigger["type"]
    if trigger.get("posture") is not None:
        labels["prefect.posture"] = trigger["posture"]
    causes = [
        resource("event", event_id, role)
        for role, event_id in (
            ("automation-triggered-event", context.firing.id),
            ("triggering-event", (context.triggering_event or {}).get("id")),
        )
        if event_id is not None
    ]
    return Event(event=name, occurred=occurred, resource=labels, related=[*related, *causes], payload=payload)
