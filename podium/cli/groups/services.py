"""`podium server services`: what the server does in the background."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import example
from podium.cli.diagnostics import Failure
from podium.cli.groups.server import LogLevelOption, say_started, server_url
from podium.cli.tree import group
from podium.client.nouns.cells import age

# Nothing of podium.server is imported before a command of this group runs: every other command would start slower.

app = group("See and start what the server does in the background.")

COLUMNS = ("name", "on", "every", "finished", "state", "variable")
ANSWER_SECONDS = 3.0
PREFIX, SUFFIX = "PODIUM_SERVER_SERVICES_", "_ENABLED"


@app.command("list", hidden=True, epilog=example("podium server services ls"))
@app.command("ls", epilog=example("podium server services ls"))
def ls(context: typer.Context, output: FormatOption = "table") -> None:
    """List the background services: whether they are on, which variable says so, and what they last did."""
    from podium.server.services.registry import describe

    invocation = current(context)
    rows = describe(invocation.settings)
    seen = _seen(invocation)
    for row in rows:
        row.update(seen.get(row["name"], {"state": "off" if not row["on"] else None}))
    if output != "table":
        invocation.output.data(rows, output)
    else:
        invocation.output.table(COLUMNS, (_cells(row) for row in rows))
        invocation.diagnostics.note(f"The variables are {PREFIX}<variable>{SUFFIX}.")


@app.command("start", epilog=example("podium server services start --health-port 4201"))
def start(
    context: typer.Context,
    health_host: Annotated[
        str | None, typer.Option("--health-host", help="Address where the process tells how it is.")
    ] = None,
    health_port: Annotated[
        int | None, typer.Option("--health-port", help="Port where it does; 0 takes any free one.")
    ] = None,
    log_level: LogLevelOption = None,
) -> None:
    """Run the background services, without the API. Ctrl+C stops them."""
    from podium.server import launch
    from podium.server.listening import PortUnavailable

    invocation = current(context)
    flags = {
        "server.services.health_host": health_host,
        "server.services.health_port": health_port,
        "server.logging_level": log_level,
    }
    settings = invocation.settings_with({name: value for name, value in flags.items() if value is not None})
    try:
        launch.check_services(settings)
        launch.run_services(settings, lambda started: say_started(invocation, settings, started, "The services run."))
    except (launch.CannotStart, PortUnavailable) as error:
        raise Failure(f"The services do not start: {error}") from None


def _seen(invocation: Invocation) -> dict[str, dict[str, Any]]:
    """What the server at the profile's API says of each service; nothing where none answers."""
    # Loaded on use: only this command asks a server.
    from podium.client.api import Client
    from podium.client.errors import ClientError
    from podium.wire import podium

    try:
        with Client.of(invocation.settings, server_url(invocation), ANSWER_SECONDS) as client:
            found = client.call(podium.STATUS).services
    except ClientError:
        return {}
    return {
        each.name: {"state": each.state, "last_finished": each.last_finished, "last_error": each.last_error}
        for each in found
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        "on" if row["on"] else "off",
        f"{row['interval']:g} s" if row["interval"] is not None else "always",
        age(row["last_finished"], datetime.now(UTC)) if row.get("last_finished") else "",
        row["state"] or "unknown",
        row["variable"].removeprefix(PREFIX).removesuffix(SUFFIX),
    )
