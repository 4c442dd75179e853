"""Running a deployment: its parameters as a form, a name, tags and when to start."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from podium.client.nouns.cells import cell
from podium.client.nouns.command_lines import line, pairs
from podium.client.nouns.deployments import full_name, run_body
from podium.client.nouns.flow_runs import FLOW_RUN
from podium.client.nouns.noun import Names, Noun, endpoint
from podium.client.nouns.values import moment, seconds
from podium.client.parameters import chosen, parameters_of, shown, written
from podium.profiles.masking import MASK
from podium.tui.screens.form import Form
from podium.tui.views import screen_of
from podium.tui.widgets.field import Field

if TYPE_CHECKING:
    from podium.tui.screens.view import View

PREFIX = "parameter "
"""Before the name of a parameter's field: a parameter may be named as a field of the form."""
_NAMED = re.compile(r"field '([^'.]+)|'([^']+)' is a required")


def run(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Opens the form."""
    view.dashboard.push_screen(RunForm(row, full_name(row, names)))


class RunForm(Form):
    """The form of a deployment's run. What stays as it is, is left to the deployment."""

    def __init__(self, deployment: Any, told: str) -> None:
        self.deployment, self.reference = deployment, told
        self.parameters = parameters_of(deployment.parameter_openapi_schema, deployment.parameters)
        super().__init__()
        self.heading = f"Run {told}"
        if not self.parameters:
            self.intro = "It takes no parameters."

    verb = "run"

    def make_fields(self) -> Iterator[Field]:
        """The parameters, then what every run has."""
        for each in self.parameters:
            choices = [written(choice) for choice in each.choices]
            choices = ["true", "false"] if each.kind == "flag" else choices
            yield Field(
                PREFIX + each.name,
                f"{each.name} *" if each.required else each.name,
                shown(each),
                note=each.note if not choices else "",
                about=each.help,
                choices=[*choices, "null"] if choices and each.nullable else choices,
                secret=each.secret,
            )
        yield Field("name", "run name", note="optional")
        yield Field("tags", "run tags", note="a, b")
        yield Field("start", "run starts", note="now, 2h (ahead), 17:30")

    def chosen(self, texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        """The values of parameters that are not the defaults, and what is wrong with others."""
        own = {name.removeprefix(PREFIX): text for name, text in texts.items() if name.startswith(PREFIX)}
        return chosen(self.parameters, own)

    def check(self, texts: Mapping[str, str]) -> dict[str, str]:
        """What cannot be read or is missing."""
        wrong = {PREFIX + name: reason for name, reason in self.chosen(texts)[1].items()}
        try:
            starting(texts["start"])
        except ValueError as error:
            wrong["start"] = str(error)
        return wrong

    def command(self, texts: Mapping[str, str]) -> str:
        """``podium deployment run`` with what differs from the deployment."""
        values, _ = self.chosen(texts)
        secrets = {each.name for each in self.parameters if each.secret}
        words = pairs("--param", {name: MASK if name in secrets else value for name, value in values.items()})
        if name := texts["name"].strip():
            words += ["--flow-run-name", name]
        for tag in tags_of(texts["tags"]):
            words += ["--tag", tag]
        words += starting(texts["start"])[1]
        return line(["deployment", "run", self.reference, *words], self.dashboard.named_profile)

    def note(self, texts: Mapping[str, str]) -> str:
        """When it starts, and what it waits for."""
        now = datetime.now(UTC)
        at, _ = starting(texts["start"], now)
        if at is None:
            said = "It starts as soon as a worker takes it."
        elif at <= now:
            said = "That is past: it starts as soon as a worker takes it."
        else:
            said = f"It starts {cell(at, 'moment', now)}, at {cell(at, 'moment')} UTC."
        pool = self.deployment.work_pool_name
        return said if pool else f"{said} The deployment has no work pool: whoever serves it runs it."

    def field_of(self, error: Exception) -> str:
        """The parameter that the server names."""
        found = _NAMED.search(str(error))
        return PREFIX + (found[1] or found[2]) if found else ""

    def reason(self, error: Exception) -> str:
        """The same without what the form says already."""
        return str(error).removeprefix("Error creating flow run. ")

    async def send(self, texts: Mapping[str, str]) -> None:
        """Makes the run and opens it."""
        values, _ = self.chosen(texts)
        at, _ = starting(texts["start"])
        body = run_body(values, at=at, name=texts["name"].strip() or None, tags=tags_of(texts["tags"]))
        create = endpoint("deployments.CREATE_FLOW_RUN")
        made = await self.ask(lambda client: client.call(create, body, id=self.deployment.id))
        self.dashboard.say(f"Made flow run {made.name!r}.")
        if self.is_current:
            self.dashboard.switch_screen(screen_of(FLOW_RUN, made))


def tags_of(text: str) -> list[str]:
    """Tags with commas between them."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def starting(text: str, now: datetime | None = None) -> tuple[datetime | None, list[str]]:
    """When a run is to start (None for now), and the options that say so. Raises ValueError."""
    text = text.strip()
    if text in ("", "now"):
        return None, []
    try:
        wait = seconds(text)
    except ValueError:
        return moment(text), ["--start-at", text]
    return (now or datetime.now(UTC)) + timedelta(seconds=wait), ["--start-in", text.removeprefix("in ").strip()]
