"""Marks the runs as Late that nobody started in time."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from podium.db.tables.flow_runs import IS_SCHEDULED, flow_runs
from podium.db.types import Timestamp
from podium.db.unit import Row, Tx
from podium.profiles import Settings
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.orchestration.policies import MARK_LATE_RUNS_POLICY
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.sweep import for_each, is_still_in
from podium.wire.states import StateCreate, StateDetails

MOST = 400

_RUN = flow_runs.c
_OVERDUE = (
    select(_RUN.id, _RUN.workspace_id, _RUN.state_id, _RUN.next_scheduled_start_time)
    .where(
        IS_SCHEDULED,
        _RUN.state_name == "Scheduled",
        _RUN.next_scheduled_start_time <= bindparam("latest", type_=Timestamp()),
    )
    .order_by(_RUN.next_scheduled_start_time)
    .limit(MOST)
)


def _values(settings: Settings, now: datetime) -> dict[str, datetime]:
    return {"latest": now - timedelta(seconds=settings.server.services.late_runs.after_seconds)}


LOOK = Look((_OVERDUE,), _values)


async def mark_late_runs(runtime: Runtime) -> None:
    """One round: at most 400 runs, the longest overdue first."""
    after = timedelta(seconds=runtime.settings.server.services.late_runs.after_seconds)
    await for_each(runtime.database, await runtime.database.read(overdue_runs, after), mark_late)


def overdue_runs(tx: Tx, after: timedelta) -> list[Row]:
    """The runs of every workspace that should have started that long ago and are not marked."""
    return tx.all(_OVERDUE, latest=tx.now - after)


def mark_late(tx: Tx, run: Row) -> None:
    """Marks a run, unless it got another state meanwhile."""
    if is_still_in(tx, run):
        details = StateDetails(scheduled_time=run["next_scheduled_start_time"])
        late = StateCreate(type="SCHEDULED", name="Late", state_details=details)
        set_flow_run_state(tx, run["id"], late, policy=MARK_LATE_RUNS_POLICY)
