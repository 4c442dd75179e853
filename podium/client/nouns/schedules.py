"""Schedules of deployments."""

from typing import Any

from podium.client.nouns.noun import Column, Names


def described(schedule: Any) -> str:
    """A schedule on one line: its rule, its time zone, whether it is switched off."""
    rule = schedule.schedule
    if getattr(rule, "cron", None):
        text = str(rule.cron)
    elif getattr(rule, "rrule", None):
        text = str(rule.rrule)
    else:
        text = f"every {_span(rule.interval)}"
    zone = getattr(rule, "timezone", None)
    if zone and zone != "UTC":
        text = f"{text} ({zone})"
    return text if schedule.active else f"{text} [off]"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def _rule(schedule: Any, names: Names) -> str:
    return described(schedule).removesuffix(" [off]")


SCHEDULE_COLUMNS = (
    Column("id", kind="id"),
    Column("schedule", _rule, cut=True),
    Column("active", kind="flag"),
    Column("slug", rank=1, cut=True),
    Column("parameters", kind="json", rank=2, cut=True),
    Column("created", kind="moment", rank=3),
)
