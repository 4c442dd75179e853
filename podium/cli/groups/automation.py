"""`podium automation`: what is done when events come, or do not."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import FORMAT, Parameter, by_id, completing, declared, example, parameter, several
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format
from podium.cli.tree import group
from podium.cli.verbs import acting, add_verbs
from podium.client.nouns.automations import AUTOMATION, FIELDS
from podium.client.nouns.noun import endpoint

app = group("See, make, pause and explain automations.")

AutomationArgument = Annotated[
    str | None, typer.Argument(metavar="ID|NAME", help="An automation.", autocompletion=completing("automation"))
]
IdOption = Annotated[str | None, typer.Option("--id", metavar="ID", help="The same as the argument.", hidden=True)]
FileOption = Annotated[
    str | None, typer.Option("--from-file", "-f", metavar="FILE", help="A file of JSON or YAML; - reads stdin.")
]
JsonOption = Annotated[str | None, typer.Option("--from-json", "-j", metavar="JSON", help="The same as text.")]

add_verbs(
    app,
    AUTOMATION,
    {
        "ls": "podium automation ls --paused",
        "pause": "podium automation pause restart-crashed",
        "resume": "podium automation resume --all",
        "delete": "podium automation delete restart-crashed",
    },
)
for _alias, _action in (("disable", "pause"), ("enable", "resume")):
    app.command(_alias, hidden=True, epilog=example(f"podium automation {_action} restart-crashed"))(
        acting(AUTOMATION, AUTOMATION.action(_action))
    )


def _inspect(
    context: typer.Context, given: list[str] | None, by_id: list[str] | None, yaml: bool, json: bool, output: Format
) -> None:
    invocation = current(context)
    from podium.cli.selecting import named
    from podium.cli.showing import show_one

    names = named(given, by_id)
    if not names:
        raise Failure(f"Which automation? Give {AUTOMATION.metavar}.", ExitCode.USAGE)
    rows = [AUTOMATION.find(invocation.client, name) for name in names]
    show_one(invocation, AUTOMATION, rows, "yaml" if yaml else "json" if json else output, alone=len(names) == 1)


def _flag(name: str) -> Parameter:
    option = typer.Option(f"--{name}", help=f"The same as --output {name}.", hidden=True)
    return parameter(name, Annotated[bool, option], False)


app.command("inspect", epilog=example("podium automation inspect restart-crashed -o yaml"))(
    declared(
        _inspect,
        [several(AUTOMATION), by_id(AUTOMATION), _flag("yaml"), _flag("json"), FORMAT],
        "Show everything about an automation, or several.",
    )
)


@app.command(
    "create",
    epilog=example("podium automation create -f automation.yaml", "podium automation create -f - < automations.json"),
)
def create(
    context: typer.Context, file: FileOption = None, text: JsonOption = None, output: FormatOption = "table"
) -> None:
    """Make the automations in a file.

    It has one, a list of them, or `automations:` with a list.
    """
    invocation = current(context)
    from podium.cli.showing import show_list
    from podium.cli.verbs import Worst
    from podium.client.errors import ClientError

    made, worst = [], Worst(invocation)
    bodies = _bodies(file, text)
    for body in bodies:
        try:
            made.append(invocation.client.call(endpoint("automations.CREATE"), body))
        except ClientError as error:
            if len(bodies) == 1:
                raise
            worst.note(error, f"automation {body.get('name')!r}: ")
    show_list(invocation, AUTOMATION, made, output)
    raise typer.Exit(worst.code)


def _bodies(file: str | None, text: str | None) -> list[dict[str, Any]]:
    """The automations in a file or text. Raises Failure."""
    from podium.cli.bodies import json_value
    from podium.cli.documents import read_document

    if (file is None) == (text is None):
        raise Failure("Give either --from-file (-f) or --from-json (-j).", ExitCode.USAGE)
    found = read_document(file, "--from-file") if file is not None else json_value(text or "", "--from-json")
    if isinstance(found, dict) and isinstance(found.get("automations"), list):
        found = found["automations"]
    bodies = found if isinstance(found, list) else [found]
    if not bodies or not all(isinstance(each, dict) for each in bodies):
        raise Failure("Expected an automation, a list of them, or `automations:` with a list.", ExitCode.USAGE)
    return bodies


def _one(invocation: Invocation, given: str | None, by_id: str | None) -> Any:
    name = given or by_id
    if name is None:
        raise Failure(f"Which automation? Give {AUTOMATION.metavar}.", ExitCode.USAGE)
    return AUTOMATION.find(invocation.client, name)


def _update(
    context: typer.Context,
    automation: AutomationArgument = None,
    by_id: IdOption = None,
    file: FileOption = None,
    text: JsonOption = None,
    output: FormatOption = "table",
) -> None:
    """Change an automation by a file, or in your editor.

    What is not in the file stays as it is. The triggers begin anew.
    """
    invocation = current(context)
    from podium.cli.editing import change_row, edit_row

    found = _one(invocation, automation, by_id)
    if file is None and text is None:
        edit_row(invocation, AUTOMATION, found, {}, output)
    else:
        (body,) = _only(_bodies(file, text))
        change_row(invocation, AUTOMATION, found, {name: body[name] for name in FIELDS if name in body}, output)


def _only(bodies: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    if len(bodies) != 1:
        raise Failure("Expected one automation in the file.", ExitCode.USAGE)
    return bodies


app.command("edit", epilog=example("podium automation edit restart-crashed"))(_update)
app.command("update", epilog=example("podium automation update --id 0198a3c2-… -f automation.yaml"))(_update)


@app.command(
    "explain",
    epilog=example("podium automation explain restart-crashed", "podium automation explain restart-crashed -o json"),
)
def explain(
    context: typer.Context,
    automation: AutomationArgument = None,
    by_id: IdOption = None,
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", help="How many of each at most.", min=1)] = 10,
    output: FormatOption = "table",
) -> None:
    """Show why an automation fired, what it did, and why it did not."""
    invocation = current(context)
    from podium.cli.explaining import show_reasons
    from podium.client.nouns.firings import firings_of_automation, refusals_of_automation, sentence

    found = _one(invocation, automation, by_id)
    firings = firings_of_automation(invocation.client, found, limit)
    refusals = refusals_of_automation(invocation.client, found, limit)
    show_reasons(invocation, firings, refusals, output)
    if output == "table":
        invocation.diagnostics.note(sentence(found, bool(firings), bool(refusals)))


@app.command(
    "test",
    epilog=example(
        "podium automation test automation.yaml --events events.jsonl",
        "podium event ls -o jsonl | podium automation test automation.yaml --events -",
    ),
)
def test(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The automation, as JSON or YAML.")],
    events: Annotated[
        str, typer.Option("--events", "-e", metavar="FILE", help="Events that come one after the other; - is stdin.")
    ],
    now: Annotated[
        str | None, typer.Option("--now", metavar="TIME", help="Up to when time passes after the last event.")
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Show what an automation would do if these events came.

    Nothing is stored. An event needs `event` and `resource`; `occurred` and `id` are made up where they are not there.
    """
    invocation = current(context)
    from podium.cli.bodies import moment_of
    from podium.cli.documents import read_document
    from podium.cli.explaining import show_reasons
    from podium.client.nouns.firings import told_event

    (body,) = _only(_bodies(file, None))
    happened = _events(read_document(events, "--events"))
    trial = {"automation": body, "events": happened, "now": moment_of(now, "--now")}
    result = invocation.client.call(endpoint("automation_firings.TEST"), trial)
    told = {str(each["id"]): told_event(each) for each in happened}
    show_reasons(invocation, result.firings, result.refusals, output, told)
    if output == "table":
        times = len(result.firings)
        fired = {0: "would not fire", 1: "would fire once"}.get(times, f"would fire {times} times")
        invocation.diagnostics.note(f"{body.get('name')!r} {fired}.")


def _events(found: Any) -> list[dict[str, Any]]:
    """The events in a file, each with an id and a moment. Raises Failure."""
    from datetime import UTC, datetime, timedelta
    from uuid import uuid4

    if isinstance(found, dict) and isinstance(found.get("events"), list):
        found = found["events"]
    events = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in events):
        raise Failure("--events: Expected events, each an object.", ExitCode.USAGE)
    if all(each.get("received") for each in events):  # those of a server, which lists the newest first
        events = sorted(events, key=lambda each: str(each["received"]))
    start = datetime.now(UTC)
    made_up = [{"id": str(uuid4()), "occurred": start + timedelta(milliseconds=place)} for place in range(len(events))]
    return [
        {**made, **{name: value for name, value in each.items() if value is not None}}
        for made, each in zip(made_up, events, strict=True)
    ]
