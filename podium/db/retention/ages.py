"""How long things are kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from podium.profiles import Settings

TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
UNFINISHED = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")

GRACE = timedelta(days=1)
"""What may still be wanted is left alone for so long, however short the ages are: work that waits for a consumer, lines
of a task run that is not known yet, signs of life of a process."""


@dataclass(frozen=True, slots=True)
class Ages:
    """How old something becomes before it is deleted.

    ``logs``: age of lines whose run is over; None: they go with their run. ``states``: the final states of the runs
    that are deleted. ``exact``: also deletes row by row what is not a whole partition.
    """

    events: timedelta
    flow_runs: timedelta
    leftovers: timedelta
    logs: timedelta | None = None
    overrides: Mapping[str, timedelta] = field(default_factory=dict)
    states: Collection[str] = TERMINAL
    exact: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        vacuum = settings.server.services.db_vacuum
        events = timedelta(seconds=settings.server.events.retention_period)
        overrides = {name: timedelta(seconds=age) for name, age in vacuum.event_retention_overrides.items()}
        return cls(
            events=events,
            flow_runs=timedelta(seconds=vacuum.retention_period),
            leftovers=timedelta(seconds=vacuum.leftover_retention_period),
            logs=None if vacuum.log_retention_period is None else timedelta(seconds=vacuum.log_retention_period),
            overrides=overrides,
        )
