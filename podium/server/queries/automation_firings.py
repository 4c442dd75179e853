"""Reading why automations fired, with what was done, and why they did not."""

from collections import defaultdict

from sqlalchemy import bindparam, select

from podium.db.tables.automations import automation_actions, automation_firings, automation_refusals
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.automations.refusals import REASONS
from podium.server.errors import MissingObject
from podium.server.queries.automations import AUTOMATIONS
from podium.server.queries.generic import find

_FIRING, _REFUSAL, _ACTION = automation_firings.c, automation_refusals.c, automation_actions.c

_FIRINGS = (
    select(
        _FIRING.id,
        _FIRING.automation_id,
        _FIRING.trigger_id,
        _FIRING.triggered,
        _FIRING.triggering_event_id,
        _FIRING.triggering_labels,
        _FIRING.firing,
    )
    .where(_FIRING.workspace_id == WORKSPACE, _FIRING.automation_id == bindparam("automation"))
    .order_by(_FIRING.triggered.desc(), _FIRING.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_ACTIONS = (
    select(
        _ACTION.firing_id,
        _ACTION.id,
        _ACTION.action_index,
        _ACTION.action,
        _ACTION.state,
        _ACTION.attempts,
        _ACTION.reason,
        _ACTION.result,
        _ACTION.created,
        _ACTION.ended,
    )
    .where(_ACTION.workspace_id == WORKSPACE, _ACTION.firing_id.in_(bindparam("firings", expanding=True)))
    .order_by(_ACTION.firing_id, _ACTION.action_index)
)
_REFUSALS = (
    select(
        _REFUSAL.id,
        _REFUSAL.automation_id,
        _REFUSAL.trigger_id,
        _REFUSAL.reason,
        _REFUSAL.bucketing_key.label("values"),
        _REFUSAL.detail,
        _REFUSAL.count,
        _REFUSAL.first,
        _REFUSAL.last,
        _REFUSAL.last_event_id,
    )
    .where(_REFUSAL.workspace_id == WORKSPACE, _REFUSAL.automation_id == bindparam("automation"))
    .order_by(_REFUSAL.last.desc(), _REFUSAL.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)


def read_firings(tx: Tx, automation_id: str, limit: int, offset: int) -> list[Row]:
    """The firings of an automation, newest first, each with its actions; ``MissingObject`` without the automation."""
    _check(tx, automation_id)
    rows = tx.all(_FIRINGS, automation=automation_id, limit=limit, offset=offset)
    actions: dict[str, list[Row]] = defaultdict(list)
    for action in tx.all(_ACTIONS, firings=[row["id"] for row in rows]) if rows else ():
        actions[action.pop("firing_id")].append(action)
    return [{**row, "actions": actions[row["id"]]} for row in rows]


def read_refusals(tx: Tx, automation_id: str, limit: int, offset: int) -> list[Row]:
    """Why an automation did not fire, newest first; ``MissingObject`` without it."""
    _check(tx, automation_id)
    rows = tx.all(_REFUSALS, automation=automation_id, limit=limit, offset=offset)
    return [{**row, "meaning": REASONS.get(row["reason"], "")} for row in rows]


def _check(tx: Tx, automation_id: str) -> None:
    if find(tx, AUTOMATIONS, automation_id) is None:
        raise MissingObject(f"Automation {automation_id} not found")
