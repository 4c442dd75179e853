"""Since when some process has answered requests without a gap: what was not heard in a gap was not said in vain."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, select
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.tables.flow_run_heartbeats import api_presence
from podium.db.types import Timestamp
from podium.db.unit import Tx

GAP = timedelta(seconds=30)
"""A process that was not seen for so long was not there."""

FRESH = timedelta(seconds=5)
"""Another process has just told, which is enough for all."""

_ROW = api_presence.c
_NOTE: dict[str, Any] = {}
for _name, _make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
    _statement = _make(api_presence)
    _lapsed = _ROW.seen < bindparam("lapsed", type_=Timestamp())
    _NOTE[_name] = _statement.on_conflict_do_update(
        index_elements=[_ROW.id],
        set_={"seen": _statement.excluded.seen, "since": case((_lapsed, _statement.excluded.seen), else_=_ROW.since)},
        where=_ROW.seen < bindparam("fresh", type_=Timestamp()),
    )
_READ = select(_ROW.since, _ROW.seen)


def note_presence(tx: Tx) -> None:
    """Notes that this process answers requests."""
    row = {"id": 1, "since": tx.now, "seen": tx.now}
    tx.run(_NOTE[tx.dialect], row, lapsed=tx.now - GAP, fresh=tx.now - FRESH)


def present_since(tx: Tx) -> datetime | None:
    """From when on clients could be heard all the time until now; None when they cannot be now."""
    row = tx.one(_READ)
    if row is None or tx.now - row["seen"] > GAP:
        return None
    since: datetime = row["since"]
    return since
