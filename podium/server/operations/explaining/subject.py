"""The run that is asked about, and how reasons are put together."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from podium.db.unit import Row, Tx
from podium.server.queries import explanations as facts
from podium.wire.explain import Holder
from podium.wire.flow_runs import FlowRunPolicy
from podium.wire.states import StateDetails

KNOWN_HOLDERS = ("flow_run", "task_run", "deployment")


class Subject:
    """A run with what it belongs to; what takes a statement is asked for when a check needs it."""

    def __init__(self, tx: Tx, row: Row) -> None:
        self.tx = tx
        self.row = row

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.tx.now

    @cached_property
    def details(self) -> StateDetails:
        """Of the last state."""
        stored = self.row["state_details"]
        try:
            return msgspec.json.decode(stored, type=StateDetails) if stored is not None else StateDetails()
        except msgspec.DecodeError:
            return StateDetails()

    @cached_property
    def retries_itself(self) -> bool:
        """Whether only its own process can go on with it."""
        try:
            policy = msgspec.json.decode(self.row["empirical_policy"], type=FlowRunPolicy)
        except msgspec.DecodeError:
            return False
        return policy.retry_type == "in_process"

    @property
    def due(self) -> datetime | None:
        """When it is to start."""
        found: datetime | None = self.row["next_scheduled_start_time"] or self.row["expected_start_time"]
        return found

    @property
    def is_due(self) -> bool:
        """Whether it may start now."""
        return self.due is None or self.due <= self.now

    @cached_property
    def workers(self) -> list[Row]:
        """Of its pool."""
        return facts.workers_of(self.tx, self.row["pool_id"])

    @cached_property
    def online(self) -> list[Row]:
        """Those of them that are alive."""
        foreman = self.tx.settings.server.services.foreman
        found = []
        for worker in self.workers:
            interval = worker["heartbeat_interval_seconds"] or foreman.fallback_heartbeat_interval_seconds
            patience = timedelta(seconds=interval * foreman.inactivity_heartbeat_multiple)
            seen = worker["last_heartbeat_time"]
            if seen is not None and self.now - seen <= patience:
                found.append(worker)
        return found

    @cached_property
    def queues(self) -> list[Row]:
        """Of its pool."""
        return facts.queues_of(self.tx, self.row["pool_id"])

    def ago(self, moment: datetime | None) -> str:
        """How long ago a moment is, or that it never was."""
        return "never" if moment is None else f"{span((self.now - moment).total_seconds())} ago"


def span(seconds: float) -> str:
    """A stretch of time as people say it."""
    seconds = abs(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def several(number: int, thing: str) -> str:
    """A number of things: ``1 run``, ``2 runs``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def stamp(moment: datetime | None) -> str | None:
    """A moment for evidence, in UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def at(moment: datetime) -> str:
    """A moment for a sentence, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def run_holders(rows: Sequence[Row]) -> list[Holder]:
    """Runs as those who hold slots, or stand before another."""
    return [
        Holder(kind="flow_run", id=row["id"], name=row["name"], state=row["state_name"], since=row["state_timestamp"])
        for row in rows
    ]


def task_holders(rows: Sequence[Row]) -> list[Holder]:
    """Task runs, likewise."""
    return [msgspec.structs.replace(each, kind="task_run") for each in run_holders(rows)]


def lease_holders(leases: Sequence[Row]) -> list[Holder]:
    """The first leases as those who hold slots."""
    return [lease_holder(lease) for lease in leases[: facts.SHOWN]]


def lease_holder(lease: Row) -> Holder:
    """A lease as one who holds slots."""
    return Holder(
        kind=_kind(lease["holder_type"]),
        id=lease["holder_id"],
        name=lease["name"],
        state=lease["state"],
        slots=lease["slots"],
        since=lease["created"],
        expires=lease["expiration"],
        flow_run_id=lease["flow_run_id"],
        flow_run_name=lease["flow_run_name"],
    )


def _kind(holder_type: str | None) -> Any:
    return holder_type if holder_type in KNOWN_HOLDERS else "unknown"
