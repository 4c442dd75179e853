"""`podium server`: start and stop the server of this machine, and see how it is."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.profiles.masking import mask_url

if TYPE_CHECKING:
    from podium.profiles import Settings

# Nothing of podium.server is imported before a command of this group runs: every other command would start slower.

app = group("Start and stop the server, and see how it is.")

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogLevelOption = Annotated[
    Level | None, typer.Option("--log-level", case_sensitive=False, help="Level of the server's log.")
]
PAUSE = 0.1
STOP_SECONDS = 15.0
"""What a server may take to stop beside the requests it finishes."""

ANSWER_SECONDS = 10.0


@app.command("start", epilog=example("podium server start --port 4200 --background"))
def start(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes any free one.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes that answer requests.")] = None,
    no_services: Annotated[bool, typer.Option("--no-services", help="Only answer requests.")] = False,
    background: Annotated[bool, typer.Option("--background", "-b", help="Start it and return.")] = False,
    ui_directory: Annotated[
        Path | None, typer.Option("--ui-directory", help="Directory of a built UI to serve.", metavar="DIRECTORY")
    ] = None,
    log_level: LogLevelOption = None,
) -> None:
    """Run the server. Ctrl+C stops it."""
    from podium.server import launch
    from podium.server.listening import PortUnavailable

    invocation = current(context)
    flags = {
        "server.api.host": host,
        "server.api.port": port,
        "server.workers": workers,
        "server.logging_level": log_level,
        "server.ui.static_directory": None if ui_directory is None else str(ui_directory.absolute()),
    }
    settings = invocation.settings_with({name: value for name, value in flags.items() if value is not None})
    try:
        launch.check(settings)
        if ui_directory is not None or _names_ui(invocation):
            launch.check_ui(settings)
        if background:
            arguments = _arguments(invocation, settings, no_services)
            started = launch.run_in_background(settings, arguments)
            _say_server_runs(invocation, settings, started)
        else:
            launch.run(settings, not no_services, lambda started: _say_server_runs(invocation, settings, started))
    except (launch.CannotStart, PortUnavailable) as error:
        raise Failure(f"The server does not start: {error}") from None


def _names_ui(invocation: Invocation) -> bool:
    """Whether a setting says that there is a UI; the incumbent's name for it says where one may be unpacked."""
    return invocation.resolved.origin("server.ui.static_directory").key.startswith("PODIUM_")


@app.command("stop", epilog=example("podium server stop --port 4200"))
def stop(
    context: typer.Context,
    port: Annotated[int | None, typer.Option("--port", help="Port of the server to stop.", min=1, max=65535)] = None,
    output: FormatOption = "table",
) -> None:
    """Stop the server that was started from this home, and wait until it is gone."""
    from podium.server import pidfile

    invocation = current(context)
    settings = invocation.settings
    found = pidfile.running(settings.home)
    if port is not None:
        path = pidfile.path_of(settings.home, port)
        found = [process for process in (pidfile.read(path),) if process is not None]
    if not found:
        on = "" if port is None else f" on port {port}"
        raise Failure(f"No server of {settings.home} runs{on}.", ExitCode.NOT_FOUND)
    if len(found) > 1:
        several = ", ".join(process.url for process in found)
        raise Failure(f"Several servers of {settings.home} run: {several}. Name one with --port.", ExitCode.USAGE)
    [server] = found
    if not pidfile.stop(server, settings.server.shutdown_timeout + STOP_SECONDS):
        raise Failure(
            f"The server at {server.url} (pid {server.pid}) did not stop in time; `kill -9 {server.pid}` ends it.",
            ExitCode.TIMEOUT,
        )
    sentence = f"Stopped the server at {server.url} (pid {server.pid})."
    invocation.told(sentence, output, name=server.url, action="stop", pid=server.pid)


@app.command("status", epilog=example("podium server status --wait --timeout 30"))
def status(
    context: typer.Context,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is ready.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", "-t", help="Seconds to wait at most.", min=0)] = 60.0,
    output: FormatOption = "table",
) -> None:
    """Show whether the server answers, is ready and does its work; the exit code is not 0 when it is not ready."""
    invocation = current(context)
    deadline = time.monotonic() + timeout
    found = _status(invocation)
    while wait and not found["ready"]:
        if time.monotonic() > deadline:
            raise Failure(f"{found['url']} is not ready after {timeout:g} s: {found['message']}.", ExitCode.TIMEOUT)
        time.sleep(PAUSE)
        found = _status(invocation)
    if output != "table":
        invocation.output.data(found, output)
    else:
        for name, value in found.items():
            shown = _shown(value)
            if shown:
                invocation.output.line(f"{name + ':':<9} {shown}")
    if not found["ready"]:
        raise typer.Exit(ExitCode.FAILURE)


def _status(invocation: Invocation) -> dict[str, Any]:
    # Loaded on use: only this command of the group asks a server.
    from podium.client.api import Client
    from podium.client.errors import ClientError, NotFound, Refused
    from podium.wire import podium, root

    url = server_url(invocation)
    found: dict[str, Any] = {"url": url, "answers": False, "ready": False}
    with Client.of(invocation.settings, url, ANSWER_SECONDS, patient=False) as client:
        try:
            client.call(root.HEALTH)
            found["answers"] = True
            try:
                client.call(root.READY)
                found["ready"] = True
            except Refused as refusal:
                found["message"] = refusal.detail
            status = client.call(podium.STATUS)
        except NotFound:
            return {**found, "message": f"{url} is not an API of Podium"}
        except ClientError as error:
            return {"message": str(error), **found}
    return {**found, "version": status.version, "database": status.database, "services": status.services}


def server_url(invocation: Invocation) -> str:
    """The API that is set, else that of the one server which runs from this home."""
    from podium.server import pidfile

    settings = invocation.settings
    running = [] if settings.api.url else pidfile.running(settings.home)
    return running[0].url if len(running) == 1 else invocation.api_url


def _shown(value: Any) -> str:
    """A value of the status as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, list):
        return str(value)
    counts: dict[str, list[str]] = {}
    for service in value:
        reason = f" ({service.last_error})" if service.last_error else ""
        counts.setdefault(service.state, []).append(f"{service.name}{reason}")
    good = len(counts.pop("running", ()))
    waiting = len(counts.pop("waiting", ()))
    ill = [f"{state}: {', '.join(names)}" for state, names in counts.items()]
    well = [f"{number} {state}" for number, state in ((good, "running"), (waiting, "in the first round")) if number]
    return "; ".join([*well, *ill]) or "none run"


def _arguments(invocation: Invocation, settings: "Settings", no_services: bool) -> list[str]:
    """The command line of the process that serves in the background."""
    profile = ["--profile", invocation.profile] if invocation.profile else []
    api = settings.server.api
    workers = str(settings.server.workers)
    own = ["--host", api.host, "--port", str(api.port), "--workers", workers]
    own += ["--log-level", settings.server.logging_level]
    directory = settings.server.ui.static_directory
    if directory and directory != invocation.settings.server.ui.static_directory:
        own += ["--ui-directory", directory]
    return [*profile, "server", "start", *own, *(["--no-services"] if no_services else [])]


def _say_server_runs(invocation: Invocation, settings: "Settings", started: Any) -> None:
    say_started(invocation, settings, started, "Podium runs.")
    say = invocation.output.line
    say()
    say("Point a client at it:")
    say(f"  export PREFECT_API_URL={started.url}")
    if settings.server.api.auth_string:
        say("  export PREFECT_API_AUTH_STRING=<the auth string of this server>")
    say()
    say("`podium server stop` stops it." if started.log else "Ctrl+C stops it.")
    invocation.output.stream.flush()


def say_started(invocation: Invocation, settings: "Settings", started: Any, headline: str) -> None:
    """Say what runs, and on what."""
    from podium.db.urls import is_in_memory

    url = settings.server.database.connection_url
    place = "in memory: everything is gone when the server stops" if is_in_memory(url) else mask_url(url)
    docket = settings.server.docket.url
    rows = {
        "API": started.url,
        "Database": place,
        "Redis": "" if docket.startswith("memory://") else mask_url(docket),
        "Workers": str(settings.server.workers) if settings.server.workers > 1 else "",
        "Profile": f"{invocation.resolved.profile} ({_shortened(settings.profiles_path)})",
        "Log": started.log or f"this terminal, from level {settings.server.logging_level}",
        "Process": f"{started.pid}",
    }
    invocation.output.line(headline)
    for name, value in rows.items():
        if value:
            invocation.output.line(f"  {name:<9} {value}")
    invocation.output.stream.flush()


def _shortened(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)
