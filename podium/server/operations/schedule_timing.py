"""Which schedules fire at the same slots: what keeps a slot one slot while its schedule is deployed again and again.

A redeployment replaces the schedules of a deployment, often by equal ones with new ids. So the idempotency key of a run
names the timing of its schedule, an id made of what the schedule says. Equal schedules of a deployment are numbered.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from podium.server.operations import recurrence
from podium.server.operations.schedules import DAY, Schedule, interval_of, moment, zone_of

_NAMESPACE = UUID("7d0c4c6e-5d0b-5f57-9d4e-0f6f5a3b1c52")
_EPOCH = datetime(1970, 1, 1)
_START = re.compile(r"DTSTART[^\n]*\n?", re.IGNORECASE)


def timing(schedule: Schedule, taken: Collection[str | None] = ()) -> str:
    """The id of a schedule's timing, none of those that other schedules of the deployment have."""
    content = _content(schedule)
    number = 0
    while True:
        found = str(uuid5(_NAMESPACE, f"{number} {content}"))
        if found not in taken:
            return found
        number += 1


def _content(schedule: Schedule) -> str:
    """What the slots of a schedule depend on; of its start only what is seen in the slots."""
    zone = zone_of(schedule)
    if "interval" in schedule:
        interval = interval_of(schedule)
        anchor = moment(schedule.get("anchor_date"))
        if interval < DAY:
            return f"interval {interval.total_seconds()} {_phase(anchor.astimezone(UTC), interval)}"
        return f"interval {interval.total_seconds()} {_phase(anchor.astimezone(zone), interval)} {zone.key}"
    if "cron" in schedule:
        return f"cron {' '.join(schedule['cron'].split())} {schedule.get('day_or', True)} {zone.key}"
    return f"rrule {_rule(schedule['rrule'])} {zone.key}"


def _rule(text: str) -> str:
    """A rule without its start where that only says at which times of its periods it fires."""
    parsed = recurrence.parse(text)
    if "COUNT" in text.upper() or len(parsed.rules) != 1 or parsed.dates or parsed.excluded_rules:
        return text
    rule: Any = parsed.rules[0]
    if rule._freq not in recurrence.PERIODS:
        return text
    step = rule._interval * recurrence.PERIODS[rule._freq]
    return f"{_START.sub('', text)} {_phase(rule._dtstart, step)}"


def _phase(start: datetime, step: timedelta) -> float:
    return ((start.replace(tzinfo=None) - _EPOCH) % step).total_seconds()
