"""Makes task runs and their states out of the events that clients report them by.

The deliveries of a batch are deleted in the transaction that records them, so each event counts exactly once however
often the process dies.
"""

import logging
from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, bindparam, select, tuple_

from podium.db.bulk import put_missing, put_newest
from podium.db.tables.events import events
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.task_runs import task_run_states, task_runs
from podium.db.unit import Row, Tx
from podium.server.events.consumers import TASK_RUN_RECORDER
from podium.server.events.deliveries import Deliveries, consume
from podium.server.events.task_run_report import BadReport, Report, read_report
from podium.server.runtime import Runtime

logger = logging.getLogger("podium.server.services")

DELIVERIES = Deliveries(TASK_RUN_RECORDER, (events.c.related, events.c.payload))

_FLOW_RUNS = select(flow_runs.c.id).where(flow_runs.c.id.in_(bindparam("ids", expanding=True)))

_RUN = task_runs.c
_KNOWN = select(_RUN.id, _RUN.workspace_id, _RUN.flow_run_id, _RUN.task_key, _RUN.dynamic_key, _RUN.state_timestamp)
_KNOWN_BY_ID = _KNOWN.where(_RUN.id.in_(bindparam("ids", expanding=True))).order_by(_RUN.id).with_for_update()
_KNOWN_BY_KEY = (
    _KNOWN.where(tuple_(_RUN.flow_run_id, _RUN.task_key, _RUN.dynamic_key).in_(bindparam("keys", expanding=True)))
    .order_by(_RUN.id)
    .with_for_update()
)
_KNOWN_WITHOUT_FLOW_RUN = (
    _KNOWN.where(
        and_(
            _RUN.flow_run_id.is_(None),
            tuple_(_RUN.workspace_id, _RUN.task_key, _RUN.dynamic_key).in_(bindparam("keys", expanding=True)),
        )
    )
    .order_by(_RUN.id)
    .with_for_update()
)
_IDENTITY = ("workspace_id", "flow_run_id", "created")
"""What a report does not change of a run that is there."""


async def record_task_runs(runtime: Runtime) -> None:
    """One round: records what clients report, until there was nothing for a while; it may be cancelled anywhere."""
    await consume(runtime, DELIVERIES, record)


def record(tx: Tx, batch: int) -> int:
    """Records up to ``batch`` reports that are due, oldest first; how many it took.

    Raises what the database raises when one of them cannot be stored: then none is, and a smaller batch tells which.
    """
    rows = DELIVERIES.due(tx, batch)
    if not rows:
        return 0
    reports, finished = _read(rows)
    reports, orphans = _with_flow_run(tx, reports)
    DELIVERIES.put_back(tx, [row for row in rows if row["position"] in orphans], "its flow run does not exist")
    timestamps = _settle_ids(tx, reports)
    _upsert_runs(tx, reports, timestamps)
    put_missing(tx, task_run_states, [report.state_row() for report in reports])
    finished.extend(report.position for report in reports)
    DELIVERIES.done(tx, finished)
    return len(rows)


def _read(rows: list[Row]) -> tuple[list[Report], list[int]]:
    """The reports in the rows, and the positions of those that hold none."""
    reports, useless = [], []
    for row in rows:
        if row["payload"] is None:
            useless.append(row["position"])
            continue
        try:
            reports.append(read_report(row))
        except BadReport as error:
            logger.error("Event %s reports no task run state: %s", row["event_id"], error)
            useless.append(row["position"])
    return reports, useless


def _with_flow_run(tx: Tx, reports: list[Report]) -> tuple[list[Report], set[int]]:
    """The reports that can be stored, and the positions of those whose flow run is not there (yet)."""
    wanted = {report.flow_run_id for report in reports if report.flow_run_id}
    there = set(tx.column(_FLOW_RUNS, ids=list(wanted))) if wanted else set()
    if there == wanted:
        return reports, set()
    kept = [report for report in reports if report.flow_run_id is None or report.flow_run_id in there]
    return kept, {report.position for report in reports} - {report.position for report in kept}


def _settle_ids(tx: Tx, reports: list[Report]) -> dict[str, Any]:
    """Gives each report the id under which its task run is, or will be, stored.

    A run is the one with the report's id, else the one with its natural key. Returns the time of the stored state of
    each run that exists.
    """
    known = tx.all(_KNOWN_BY_ID, ids=list({report.task_run_id for report in reports})) if reports else []
    timestamps = {row["id"]: row["state_timestamp"] for row in known}
    rest = [report for report in reports if report.task_run_id not in timestamps]
    by_key = {_key(row): row["id"] for row in known}
    for statement, keys in (
        (_KNOWN_BY_KEY, {report.natural_key for report in rest if report.flow_run_id}),
        (
            _KNOWN_WITHOUT_FLOW_RUN,
            {(report.workspace_id, *report.natural_key[1:]) for report in rest if not report.flow_run_id},
        ),
    ):
        for row in tx.all(statement, keys=list(keys)) if keys else ():
            timestamps[row["id"]] = row["state_timestamp"]
            by_key[_key(row)] = row["id"]
    for report in rest:
        key = (report.workspace_id, *report.natural_key)
        report.task_run_id = by_key.setdefault(key, report.task_run_id)
    return timestamps


def _key(row: Row) -> tuple[str, str | None, str, str]:
    return (row["workspace_id"], row["flow_run_id"], row["task_key"], row["dynamic_key"])


def _upsert_runs(tx: Tx, reports: Iterable[Report], timestamps: dict[str, Any]) -> None:
    """Brings each run to its newest state; a state older than the stored one changes nothing."""
    rows: dict[str, Row] = {}
    for report in sorted(reports, key=lambda each: each.timestamp):
        stored = timestamps.get(report.task_run_id)
        if stored is not None and stored >= report.timestamp:
            continue
        row = rows.setdefault(
            report.task_run_id,
            {"id": report.task_run_id, "workspace_id": report.workspace_id, "flow_run_id": report.flow_run_id},
        )
        row.update(report.run_row())
    groups: dict[tuple[str, ...], list[Row]] = {}
    for task_run_id in sorted(rows):
        groups.setdefault(tuple(rows[task_run_id]), []).append(rows[task_run_id])
    for group in groups.values():
        for row in group:
            row.setdefault("name", f"{row['task_key']}-{row['dynamic_key']}")
            row["created"] = row["updated"] = tx.now
        put_newest(tx, task_runs, group, "state_timestamp", kept=_IDENTITY)
