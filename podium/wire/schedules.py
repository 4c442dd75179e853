"""Schedules: the interval, cron and rrule kinds, and the schedules of a deployment."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Body, Endpoint, Patch
from podium.wire.parameters import Row
from podium.wire.scalars import Id, Json, PositiveAmount, Seconds, Time, refusal, seconds


class IntervalSchedule(Body):
    """Every ``interval`` seconds, counted from ``anchor_date`` in ``timezone``."""

    interval: Seconds
    anchor_date: Time | None = None
    timezone: str | None = None

    def __post_init__(self) -> None:
        """Read the interval as seconds."""
        self.interval = seconds("interval", self.interval)
        if self.interval <= 0:
            raise refusal("interval", "Expected an interval longer than zero")


class CronSchedule(Body):
    """A cron expression; ``day_or`` lets either the day of the month or of the week match."""

    cron: str
    timezone: str | None = None
    day_or: bool = True


class RRuleSchedule(Body):
    """An iCalendar recurrence rule."""

    rrule: str
    timezone: str | None = "UTC"


Schedule = IntervalSchedule | CronSchedule | RRuleSchedule
KINDS: tuple[type[Schedule], ...] = (IntervalSchedule, CronSchedule, RRuleSchedule)
if TYPE_CHECKING:
    ScheduleField = Schedule
else:
    _REFERENCES = [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in KINDS]
    ScheduleField = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema={"anyOf": _REFERENCES})]
    """A schedule on arrival: nothing but its keys tells the kinds apart (see ``parse_schedule``)."""

_BY_KEY: dict[str, type[Schedule]] = {"interval": IntervalSchedule, "cron": CronSchedule, "rrule": RRuleSchedule}


def parse_schedule(value: dict[str, Any] | Schedule, field: str = "schedule") -> Schedule:
    """The schedule of a JSON object, known by its key: `interval`, `cron` or `rrule`; ValueError names ``field``."""
    if not isinstance(value, dict):
        return value
    kinds = [key for key in _BY_KEY if value.get(key) is not None]
    if len(kinds) != 1:
        raise refusal(field, "Expected a schedule with one of `interval`, `cron` and `rrule`")
    try:
        return msgspec.convert(value, _BY_KEY[kinds[0]])
    except msgspec.ValidationError as error:
        raise refusal(field, str(error)) from None


class DeploymentScheduleCreate(Body):
    """A schedule to give a deployment. ``replaces`` names the slug of the one it takes the place of."""

    schedule: ScheduleField
    active: bool = True
    max_scheduled_runs: PositiveAmount | None = None
    parameters: Json = {}
    slug: str | None = None
    replaces: str | None = None

    def __post_init__(self) -> None:
        """Find out the kind of the schedule."""
        self.schedule = parse_schedule(self.schedule)


class DeploymentScheduleUpdate(Patch):
    """What may change of a deployment's schedule; null changes nothing."""

    schedule: ScheduleField | UnsetType | None = UNSET
    active: bool | UnsetType | None = UNSET
    max_scheduled_runs: PositiveAmount | UnsetType | None = UNSET
    parameters: Json | UnsetType = UNSET
    slug: str | UnsetType | None = UNSET
    replaces: str | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        """Find out the kind of the schedule."""
        if self.schedule is not None and self.schedule is not UNSET:
            self.schedule = parse_schedule(self.schedule)


class DeploymentSchedule(Row):
    """A schedule of a deployment."""

    schedule: ScheduleField
    deployment_id: Id | None = None
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: Json = {}
    slug: str | None = None

    def __post_init__(self) -> None:
        """Find out the kind of the schedule."""
        self.schedule = parse_schedule(self.schedule)


LIST = Endpoint(
    method="GET",
    path="/deployments/{id}/schedules",
    summary="List the schedules of a deployment",
    answer=list[DeploymentSchedule],
    statuses=(404, 422),
)
CREATE = Endpoint(
    method="POST",
    path="/deployments/{id}/schedules",
    summary="Add schedules to a deployment",
    body=list[DeploymentScheduleCreate],
    answer=list[DeploymentSchedule],
    status=201,
    statuses=(404, 409, 422),
    permission="edit",
)
UPDATE = Endpoint(
    method="PATCH",
    path="/deployments/{id}/schedules/{schedule_id}",
    summary="Change a schedule of a deployment",
    body=DeploymentScheduleUpdate,
    status=204,
    statuses=(404, 409, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/deployments/{id}/schedules/{schedule_id}",
    summary="Delete a schedule of a deployment",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
