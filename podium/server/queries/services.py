"""What the background services of all processes last did."""

from datetime import datetime, timedelta

from sqlalchemy import select

from podium.db.tables.services import service_heartbeats
from podium.db.unit import Row, Tx
from podium.wire.podium import Service

MISSED_ROUNDS = 3
GRACE = timedelta(seconds=12)
"""Heartbeats reach the database some seconds after the round they tell of."""

_HEARTBEATS = select(service_heartbeats).order_by(service_heartbeats.c.name)


def read_services(tx: Tx) -> list[Service]:
    """Each service by its name, as the process says that finished a round of it last."""
    return [_service(row, tx.now) for row in read_heartbeats(tx)]


def read_heartbeats(tx: Tx) -> list[Row]:
    """The heartbeat of each service, by its name: of the process that finished a round of it last."""
    latest: dict[str, Row] = {}
    for row in tx.all(_HEARTBEATS):
        known = latest.get(row["name"])
        if known is None or _ended(row) > _ended(known):
            latest[row["name"]] = row
    return list(latest.values())


def is_late(service: Service, now: datetime) -> bool:
    """Whether it did not finish for three of its intervals, and what heartbeats need to arrive."""
    patience = timedelta(seconds=service.interval) * MISSED_ROUNDS + GRACE
    return service.last_finished is not None and now - service.last_finished > patience


def is_well(row: Row, now: datetime) -> bool:
    """Whether the service of a heartbeat does its rounds, or is in its first one."""
    return _service(row, now).state in ("running", "waiting")


def _ended(row: Row) -> float:
    return max((each.timestamp() for each in (row["last_finished"], row["last_failed"]) if each), default=0.0)


def _service(row: Row, now: datetime) -> Service:
    finished, failed = row["last_finished"], row["last_failed"]
    service = Service(
        name=row["name"], state="running", interval=row["interval"], last_finished=finished, last_error=None
    )
    if failed is not None and (finished is None or failed > finished):
        service.state, service.last_error = "failing", row["last_error"]
    elif finished is None:
        service.state = "waiting"
    elif is_late(service, now):
        service.state = "late"
    return service
