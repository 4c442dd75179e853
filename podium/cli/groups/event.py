"""`podium event`: what happened."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import declared, example, filter_parameter, parameter
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.events import EVENT, about
from podium.client.nouns.noun import endpoint

app = group("List, follow and emit events.")

add_verbs(
    app,
    EVENT,
    {
        "ls": "podium event ls --name 'prefect.flow-run.*' --since 1h",
        "inspect": "podium event inspect 0199f2a6-7e1c-7d3e-a1f0-5b1f0c7e9a55",
    },
)


def _stream(
    context: typer.Context,
    output_format: str | None,
    output_file: str | None,
    run_once: bool,
    account: bool,
    **given: Any,
) -> None:
    invocation = current(context)
    from pathlib import Path

    from podium.cli.formats import Stream
    from podium.cli.watching import steady_client
    from podium.client.event_stream import stream_events
    from podium.client.nouns.selecting import Selection

    output = {"json": "jsonl", "text": "table"}.get(output_format or "", given["output"])
    selection = Selection(EVENT, given)
    body = selection.body(invocation.client).get("filter", {})
    since = body.pop("occurred", {}).get("since")
    steady = steady_client(invocation)
    file = Path(output_file).open("a", encoding="utf-8") if output_file else None  # noqa: SIM115  # open until the end
    write = file.write if file else invocation.output.raw
    stream = None if output == "table" else Stream(write, output)
    try:
        with steady.client:
            for event in stream_events(steady, body, datetime.fromisoformat(since) if since else None):
                if stream:
                    stream.record(event)
                else:
                    stamp = event.occurred.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
                    write(f"{stamp} {event.event} {about(event, {})}\n")
                (file or invocation.output.stream).flush()
                if run_once:
                    return
    finally:
        if file:
            file.close()


app.command("stream", epilog=example("podium event stream --name 'prefect.flow-run.*' -o jsonl"))(
    declared(
        _stream,
        [
            *(filter_parameter(each) for each in EVENT.filters if each.key not in ("until", "text")),
            parameter(
                "output_format",
                Annotated[str | None, typer.Option("--format", metavar="json|text", help="As -o.", hidden=True)],
            ),
            parameter(
                "output_file", Annotated[str | None, typer.Option("--output-file", metavar="FILE", help="Add to it.")]
            ),
            parameter("run_once", Annotated[bool, typer.Option("--run-once", help="End after the first.")], False),
            parameter(
                "account",
                Annotated[bool, typer.Option("--account", help="Taken, and means nothing.", hidden=True)],
                False,
            ),
            parameter("output", FormatOption, "table"),
        ],
        "Print events as they happen, until you interrupt it.\n\nA server that restarts is waited for, and where "
        "WebSockets do not get through it asks every second.",
    )
)


@app.command(
    "emit",
    epilog=example("podium event emit backup.finished --resource-id backup.nightly --payload '{\"bytes\": 12}'"),
)
def emit(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="NAME", help="What the event is called.")],
    resource: Annotated[
        list[str] | None,
        typer.Option("--resource", "-r", metavar="KEY=VALUE", help="A label of its resource, or all as JSON."),
    ] = None,
    resource_id: Annotated[str | None, typer.Option("--resource-id", metavar="ID", help="What it is about.")] = None,
    related: Annotated[
        str | None, typer.Option("--related", metavar="JSON", help="The related resources, one or a list.")
    ] = None,
    payload: Annotated[str | None, typer.Option("--payload", "-p", metavar="JSON", help="What it carries.")] = None,
    output: FormatOption = "table",
) -> None:
    """Record an event."""
    invocation = current(context)
    from uuid import uuid4

    from podium.cli.bodies import json_object, json_value

    about_it: dict[str, Any] = {}
    for each in resource or ():
        if each.lstrip().startswith("{"):
            about_it |= json_object(each, "--resource")
        else:
            key, equals, value = each.partition("=")
            if not equals:
                raise Failure(f"--resource: {each!r} is neither KEY=VALUE nor JSON.", ExitCode.USAGE)
            about_it[key] = value
    if resource_id:
        about_it["prefect.resource.id"] = resource_id
    if "prefect.resource.id" not in about_it:
        raise Failure("What is it about? Give --resource-id.", ExitCode.USAGE)
    others = json_value(related, "--related") if related else []
    body = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC),
        "event": event,
        "resource": {key: str(value) for key, value in about_it.items()},
        "related": others if isinstance(others, list) else [others],
        "payload": json_object(payload, "--payload") if payload else {},
    }
    invocation.client.call(endpoint("events.CREATE"), [body])
    if output == "table":
        invocation.diagnostics.note(f"Emitted event {event!r} with id {body['id']}.")
    else:
        invocation.output.data(body, output, ("id",))
