"""`podium run`: any command as a flow run."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from podium.cli.context import Invocation, current
from podium.cli.declaring import example
from podium.cli.shell_options import (
    ArgvArgument,
    CwdOption,
    EnvOption,
    GraceOption,
    RetriesOption,
    RetryDelayOption,
    TimeoutOption,
    command_given,
)

if TYPE_CHECKING:
    from podium.client.shell.execution import Outcome

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "run",
    epilog=example(
        "podium run -- rsync -a /srv/data backup:/srv",
        "podium run --flow nightly --retries 3 --retry-delay 1m --timeout 2h -- ./report.sh",
    ),
    # The first word is that of the command, and all that follows is its own.
    context_settings={"allow_interspersed_args": False},
)
def run(
    context: typer.Context,
    argv: ArgvArgument = None,
    flow: Annotated[
        str | None, typer.Option("--flow", "-f", metavar="FLOW", help="Its flow; else one named as the command.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="A name for the run.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag for the run.")] = None,
    timeout: TimeoutOption = None,
    retries: RetriesOption = 0,
    retry_delay: RetryDelayOption = "0",
    grace: GraceOption = None,
    cwd: CwdOption = None,
    env: EnvOption = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter, noted and given to the command."),
    ] = None,
    heartbeat: Annotated[
        float, typer.Option("--heartbeat", metavar="SECONDS", help="Time between signs of life.", hidden=True, min=0.1)
    ] = 30.0,
) -> None:
    """Run any command as a flow run.

    What it writes is its log, and is shown as ever. The exit code is its own, 128 and more where a signal killed it, 5
    after --timeout, 1 where somebody cancelled the run, 126 or 127 where it cannot be started. Ctrl+C cancels the run.
    A server that goes away meanwhile is told when it is back.
    """
    invocation = current(context)
    command = command_given(argv, timeout, retries, retry_delay, grace, cwd, env)
    # Loaded on use: help needs none of it.
    from podium.cli.bodies import assigned
    from podium.cli.recording import exit_code_of, record
    from podium.client.shell.recording import make_run

    parameters = assigned(param, "--param")
    made = make_run(invocation.client, command, flow=flow, name=name, tags=tag or (), parameters=parameters)
    _note(invocation, f"Flow run {made.name!r} ({made.id}).")
    outcome, number = record(invocation, made, command, flow or command.name, heartbeat)
    _tell(invocation, outcome)
    raise typer.Exit(exit_code_of(outcome, number))


def _note(invocation: Invocation, text: str) -> None:
    """Say to a person what goes on; the command's stderr is for its own words otherwise."""
    if sys.stderr.isatty():
        invocation.diagnostics.note(text)


def _tell(invocation: Invocation, outcome: "Outcome") -> None:
    if outcome.unsaid:
        invocation.diagnostics.error(f"Not all was recorded: {outcome.unsaid}.")
    if outcome.exit_code is None or outcome.state == "CRASHED" or outcome.name == "TimedOut":
        if outcome.state != "COMPLETED" and outcome.message:
            invocation.diagnostics.error(outcome.message)
    elif outcome.state != "COMPLETED":
        _note(invocation, outcome.message)
