"""The schedules of a chaos run, and their slots worked out without the server: periods from an anchor, in UTC."""

import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

DAY = 86400


@dataclass(frozen=True)
class Schedule:
    """Every ``period`` seconds from ``anchor`` (seconds since 1970) on."""

    kind: str
    anchor: int
    period: int

    @property
    def wire(self) -> dict[str, Any]:
        start = datetime.fromtimestamp(self.anchor, UTC)
        match self.kind:
            case "interval":
                return {"interval": self.period, "anchor_date": start.isoformat(), "timezone": "UTC"}
            case "cron":
                return {"cron": f"*/{self.period // 60} * * * *", "timezone": "UTC"}
        rule = f"FREQ=SECONDLY;INTERVAL={self.period}"
        return {"rrule": f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{rule}", "timezone": "UTC"}

    def slots(self, start: float, end: float) -> list[int]:
        """The moments from ``start`` to ``end`` when a run is due."""
        first = self.anchor + ceil((start - self.anchor) / self.period) * self.period
        return list(range(first, int(end) + 1, self.period))

    def has(self, moment: float) -> bool:
        return (moment - self.anchor) % self.period == 0

    def note(self) -> dict[str, Any]:
        return asdict(self)


def any_schedule(source: random.Random, now: float, shortest: int) -> Schedule:
    """A schedule of one of the three kinds, with a period of so many seconds up to a minute."""
    anchor = int(now) - source.randrange(DAY)
    kind = source.choice(["interval", "interval", "rrule", "cron"])
    if kind == "cron":
        return Schedule(kind, 0, 60)
    return Schedule(kind, anchor, source.choice([period for period in (10, 15, 20, 30, 45, 60) if period >= shortest]))
