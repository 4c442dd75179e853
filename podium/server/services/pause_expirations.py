"""Fails the runs whose pause lasted too long."""

from datetime import datetime

import msgspec
from sqlalchemy import and_, bindparam, select

from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.unit import Row, Tx
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.sweep import PAGE, for_each, is_still_in
from podium.wire.states import StateCreate

_RUN, _STATE = flow_runs.c, flow_run_states.c
_PAUSED = (
    select(_RUN.id, _RUN.workspace_id, _RUN.state_id, _STATE.state_details)
    .join(flow_run_states, and_(_STATE.id == _RUN.state_id, _STATE.timestamp == _RUN.state_timestamp))
    .where(_RUN.state_type == "PAUSED", _RUN.id > bindparam("after", type_=_RUN.id.type))
    .order_by(_RUN.id)
    .limit(PAGE)
)

FIRST = "00000000-0000-0000-0000-000000000000"

LOOK = Look((select(_RUN.id).where(_RUN.state_type == "PAUSED"),))


class _Pause(msgspec.Struct):
    pause_timeout: datetime | None = None


async def fail_expired_pauses(runtime: Runtime) -> None:
    """One round over all paused runs."""
    after = FIRST
    while True:
        rows = await runtime.database.read(paused_runs, after)
        now = runtime.database.clock()
        await for_each(runtime.database, [row for row in rows if _has_expired(row, now)], fail_expired_pause)
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


def paused_runs(tx: Tx, after: str) -> list[Row]:
    """The next page of paused runs of every workspace, in the order of their ids."""
    return tx.all(_PAUSED, after=after)


def _has_expired(row: Row, now: datetime) -> bool:
    timeout = msgspec.json.decode(row["state_details"], type=_Pause).pause_timeout
    return timeout is not None and timeout < now


def fail_expired_pause(tx: Tx, run: Row) -> None:
    """Fails a run, unless it got another state meanwhile."""
    if is_still_in(tx, run):
        failed = StateCreate(type="FAILED", message="The flow was paused and never resumed.")
        set_flow_run_state(tx, run["id"], failed, force=True)
