"""How actions end that send something, told by whoever sends it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, update

from podium.db.tables.automations import automation_actions
from podium.db.types import Json
from podium.db.unit import WORKSPACE, Tx

_ACTION = automation_actions.c
_END = (
    update(automation_actions)
    .where(_ACTION.id == bindparam("invocation"), _ACTION.workspace_id == WORKSPACE, _ACTION.state == "sending")
    .values(
        state=bindparam("end"),
        reason=bindparam("why"),
        result=bindparam("details", type_=Json(verbatim=True)),
        ended=bindparam("moment", type_=_ACTION.ended.type),
    )
)


def succeeded(tx: Tx, action_id: str, details: Mapping[str, Any]) -> None:
    """Notes that what an action sent has arrived. Nothing when the action has ended or is gone."""
    tx.run(_END, invocation=action_id, end="executed", why=None, details=details, moment=tx.now)


def failed(tx: Tx, action_id: str, reason: str, details: Mapping[str, Any]) -> None:
    """Notes that what an action wanted to send was given up; otherwise as ``succeeded``."""
    tx.run(_END, invocation=action_id, end="failed", why=reason, details=details, moment=tx.now)
