"""The schedules of a deployment: their next dates; adding, changing, pausing and deleting them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from podium.client.nouns.command_lines import calling, line, pairs
from podium.client.nouns.deployments import full_name
from podium.client.nouns.noun import Names, Noun, endpoint
from podium.client.nouns.schedules import Planned, described, rule, schedules_of, span_text
from podium.client.nouns.values import loosely
from podium.client.parameters import Parameter, read, written
from podium.tui.screens.form import Form
from podium.tui.screens.listing import Listing
from podium.tui.views import More, ViewRow
from podium.tui.widgets.field import Field

if TYPE_CHECKING:
    from podium.tui.screens.view import View

ROW = ViewRow(
    "deployment-schedule",
    "Schedules",
    "When a deployment makes runs.",
    more=(
        More("e", "edit", "schedules.edit", changes=True),
        More("n", "new", "schedules.add", changes=True, alone=True),
    ),
    concerns=("prefect.deployment.", "prefect.flow-run.Scheduled"),
)
KINDS = ("cron", "interval", "rrule")
PARAMETERS = Parameter("parameters", "object", default={})


def open_list(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Opens the schedules of a deployment."""
    view.dashboard.push_screen(Schedules(row.id, full_name(row, names)))


def add(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Opens the form of a new schedule."""
    assert isinstance(view, Schedules)
    view.dashboard.push_screen(ScheduleForm(view.deployment_id, view.reference, None))


def edit(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Opens the form of a schedule that is there."""
    assert isinstance(view, Schedules)
    view.dashboard.push_screen(ScheduleForm(view.deployment_id, view.reference, row))


class Schedules(Listing):
    """The list."""

    def __init__(self, deployment_id: str, told: str) -> None:
        super().__init__(ROW, of=told, noun=schedules_of(deployment_id, told))
        self.deployment_id, self.reference = deployment_id, told


class ScheduleForm(Form):
    """A schedule to add, or one to change."""

    def __init__(self, deployment_id: str, told: str, planned: Planned | None) -> None:
        self.deployment_id, self.reference, self.planned = deployment_id, told, planned
        super().__init__()
        self.heading = f"Add a schedule to {told}" if planned is None else f"Change a schedule of {told}"
        self.intro = "One of cron, interval and rrule; times are those of the time zone."

    def make_fields(self) -> Iterator[Field]:
        """One for each kind of rule, of which one is filled in."""
        now = self.planned.schedule if self.planned else None
        of = msgspec.to_builtins(now.schedule) if now else {}
        interval = span_text(of["interval"]) if of.get("interval") else ""
        yield Field("cron", "cron", of.get("cron") or "", note="0 3 * * *")
        yield Field("interval", "interval", interval, note="15m, 2h, 1d")
        yield Field("rrule", "rrule", one_line(of.get("rrule") or ""), note="FREQ=WEEKLY;BYDAY=MO")
        yield Field("timezone", "time zone", of.get("timezone") or "", note="UTC, or Europe/Berlin")
        yield Field("anchor", "counted from", of.get("anchor_date") or "", note="start of an interval")
        yield Field("active", "active", "true" if now is None or now.active else "false", choices=("true", "false"))
        yield Field("slug", "slug", now.slug or "" if now else "", note="a name to know it by")
        yield Field(
            "parameters", "parameters", written(now.parameters) if now and now.parameters else "", note="JSON object"
        )

    def check(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Not one rule, or one that cannot be read."""
        wrong = {}
        given = [kind for kind in KINDS if texts[kind].strip()]
        if len(given) != 1:
            wrong[given[1] if given else "cron"] = "Fill in one of cron, interval and rrule."
        elif given != ["interval"] and texts["anchor"].strip() not in ("", self.fields["anchor"].begins):
            wrong["anchor"] = "This is for an interval."
        else:
            try:
                self.rule(texts)
            except ValueError as error:
                wrong[given[0]] = str(error)
        try:
            read(PARAMETERS, texts["parameters"])
        except ValueError as error:
            wrong["parameters"] = str(error)
        return wrong

    def rule(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The rule that is typed. Raises ValueError."""
        typed = {name: plain(texts[name]) or None for name in (*KINDS, "timezone", "anchor")}
        day_or = getattr(self.planned.schedule.schedule, "day_or", True) if self.planned else True
        if typed["interval"] is None:
            typed["anchor"] = None
        return rule(**typed, day_or=day_or)

    def values(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """What is sent of it."""
        parameters = read(PARAMETERS, texts["parameters"])
        return {
            "schedule": self.rule(texts),
            "active": texts["active"] == "true",
            "slug": texts["slug"].strip() or None,
            "parameters": parameters if isinstance(parameters, dict) else {},
        }

    def changes(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """What is other than before; all of a new one."""
        if self.planned is None:
            return self.values(texts)
        before = self.values({name: field.begins for name, field in self.fields.items()})
        return {name: value for name, value in self.values(texts).items() if value != before[name]}

    def action_submit(self) -> None:
        """Asks, unless nothing was changed."""
        if self.planned and not self.check(self.texts) and not self.changes(self.texts):
            self.dashboard.say("Nothing was changed.")
            self.dashboard.back()
        else:
            super().action_submit()

    def command(self, texts: Mapping[str, str]) -> str:
        """``podium deployment schedule create``, or the call of the API that changes one."""
        profile = self.dashboard.named_profile
        if self.planned is not None:
            path = {"id": self.deployment_id, "schedule_id": self.planned.id}
            return line(calling("schedules.UPDATE", self.changes(texts), path), profile)
        flags = ("cron", "interval", "rrule", "timezone", "anchor", "slug")
        words = []
        for name in flags:
            if (value := plain(texts[name])) and (name != "anchor" or texts["interval"].strip()):
                words += [f"--{name}-date" if name == "anchor" else f"--{name}", value]
        values = self.values(texts)
        words += pairs("--param", values["parameters"])
        words += [] if values["active"] else ["--no-active"]
        return line(["deployment", "schedule", "create", self.reference, *words], profile)

    def field_of(self, error: Exception) -> str:
        """The rule, where the server finds fault with it."""
        place = str(error).partition(":")[0]
        texts = self.texts
        if "schedule" in place or any(kind in place for kind in KINDS):
            return next((kind for kind in KINDS if texts[kind].strip()), "")
        return place if place in self.fields else ""

    def reason(self, error: Exception) -> str:
        """The same without the place, which is told by the field."""
        return str(error).removeprefix("0.").removeprefix("schedule: ")

    async def send(self, texts: Mapping[str, str]) -> None:
        """Adds or changes it, and goes back to the list."""
        body = self.changes(texts)
        if self.planned is None:
            made = await self.ask(
                lambda client: client.call(endpoint("schedules.CREATE"), [body], id=self.deployment_id)
            )
            self.dashboard.say(f"Added schedule {described(made[0])!r}.")
        else:
            place = self.planned.id
            await self.ask(
                lambda client: client.call(endpoint("schedules.UPDATE"), body, id=self.deployment_id, schedule_id=place)
            )
            self.dashboard.say(f"Changed {', '.join(sorted(body))} of schedule {described(self.planned.schedule)!r}.")
        if self.is_current:
            self.dashboard.back()


def one_line(text: str) -> str:
    """A rule of several lines as a JSON string, which a field takes."""
    return text if text.isprintable() else msgspec.json.encode(text).decode()


def plain(typed: str) -> str:
    """What is typed, a JSON string as what it says."""
    value = loosely(typed) if typed.startswith('"') else typed
    return value if isinstance(value, str) and value != typed else typed.strip()
