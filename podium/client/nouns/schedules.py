"""Schedules of deployments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.noun import Action, Column, Names, Noun, endpoint
from podium.client.nouns.values import iso, moment, seconds

if TYPE_CHECKING:
    from podium.client.api import Client


def described(schedule: Any) -> str:
    """A schedule on one line: its rule, its time zone, whether it is switched off."""
    rule = schedule.schedule
    if getattr(rule, "cron", None):
        text = str(rule.cron)
    elif getattr(rule, "rrule", None):
        text = str(rule.rrule)
    else:
        text = f"every {span_text(rule.interval)}"
    zone = getattr(rule, "timezone", None)
    if zone and zone != "UTC":
        text = f"{text} ({zone})"
    return text if schedule.active else f"{text} [off]"


def span_text(seconds: float) -> str:
    """A span as it is typed: ``15m``, ``1d``, ``90s``."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{seconds}s"


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


def rule(
    *,
    cron: str | None = None,
    interval: str | None = None,
    rrule: str | None = None,
    anchor: str | None = None,
    timezone: str | None = None,
    day_or: bool = True,
) -> dict[str, Any]:
    """The rule that one of cron, interval and rrule says, as the wire has it. Raises ValueError."""
    zone = {"timezone": timezone} if timezone else {}
    if interval is not None:
        start = {"anchor_date": iso(moment(anchor))} if anchor else {}
        return {"interval": seconds(interval), **start, **zone}
    return {"cron": cron, "day_or": day_or, **zone} if cron is not None else {"rrule": rrule, **zone}


SHOWN_DATES = 5
LOOKED_AT = 100
"""How many of a deployment's scheduled runs are looked at for the dates of its schedules."""


@dataclass(frozen=True)
class Planned:
    """A schedule of a deployment, and when the next of its runs are to start, as far as they are made."""

    id: str
    schedule: Any
    next: tuple[datetime, ...]

    @property
    def rule(self) -> str:
        """Its rule on one line."""
        return described(self.schedule).removesuffix(" [off]")


def planned(client: "Client", deployment_id: str) -> list[Planned]:
    """The schedules of a deployment with their next dates."""
    schedules = client.call(endpoint("schedules.LIST"), id=deployment_id)
    ahead = {"deployment_id": {"any_": [deployment_id]}, "state": {"name": {"any_": ["Scheduled"]}}}
    wanted = {"sort": "NEXT_SCHEDULED_START_TIME_ASC", "flow_runs": ahead}
    now = datetime.now(UTC)
    dates: dict[str | None, list[datetime]] = {}
    for run in client.pages(endpoint("flow_runs.FILTER"), wanted, LOOKED_AT):
        if run.created_by and run.next_scheduled_start_time and run.next_scheduled_start_time > now:
            dates.setdefault(run.created_by.id, []).append(run.next_scheduled_start_time)
    return [Planned(each.id, each, tuple(dates.get(each.id, ())[:SHOWN_DATES])) for each in schedules]


def _reference(row: Planned, names: Names) -> str:
    return row.schedule.slug or row.id


def _status(row: Planned, names: Names) -> str:
    return "active" if row.schedule.active else "paused"


def _already(active: bool) -> Any:
    def refused(row: Planned) -> str | None:
        return f"It is {'active' if active else 'paused'} already." if row.schedule.active is active else None

    return refused


def schedules_of(deployment_id: str, told: str) -> Noun:
    """The schedules of one deployment as a noun of their own; ``told`` is what commands take for the deployment."""

    def rows(client: "Client", body: dict[str, Any], most: int | None) -> Iterator[Any]:
        return iter(planned(client, deployment_id))

    def find(client: "Client", given: str) -> Any:
        found = [each for each in planned(client, deployment_id) if given in (each.id, each.schedule.slug)]
        if not found:
            hint = f"`podium deployment schedule ls {told}` lists them."
            raise NotFound(404, f"{told!r} has no schedule {given!r}; {hint}")
        return found[0]

    def activate(active: bool) -> Any:
        def run(client: "Client", row: Planned) -> None:
            client.call(endpoint("schedules.UPDATE"), {"active": active}, id=deployment_id, schedule_id=row.id)

        return run

    def delete(client: "Client", row: Planned) -> None:
        client.call(endpoint("schedules.DELETE"), id=deployment_id, schedule_id=row.id)

    return Noun(
        name="deployment-schedule",
        plural="schedules",
        list="schedules.LIST",
        columns=(
            Column("schedule", "rule", cut=True),
            Column("status", _status, kind="state"),
            Column("next", kind="list", cut=True),
            Column("slug", "schedule.slug", rank=1, cut=True),
            Column("parameters", "schedule.parameters", kind="json", rank=2, cut=True),
            Column("id", kind="id", rank=3),
        ),
        detail=(
            Column("most ahead", "schedule.max_scheduled_runs", kind="number"),
            Column("created", "schedule.created", kind="moment"),
            Column("updated", "schedule.updated", kind="moment"),
        ),
        find=find,
        key=_reference,
        label="rule",
        metavar="ID|SLUG",
        rows=rows,
        actions=(
            Action("pause", "Paused", "It makes no runs ahead any more.", activate(False), refused=_already(False)),
            Action("resume", "Resumed", "It makes runs again.", activate(True), refused=_already(True)),
            Action("delete", "Deleted", "Delete schedules with the runs they made ahead.", delete, asks=True),
        ),
        command="deployment schedule",
        owner=told,
    )
