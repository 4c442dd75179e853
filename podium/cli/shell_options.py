"""The options of commands that run other commands."""

import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from podium.cli.diagnostics import ExitCode, Failure

if TYPE_CHECKING:
    from podium.client.shell.command import Command

ArgvArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND…", help="The command and its arguments, after --; no shell reads them."),
]
TimeoutOption = Annotated[
    str | None,
    typer.Option("--timeout", metavar="TIME", help="Stop it after so long (90s, 2h), each try anew; it is TimedOut."),
]
RetriesOption = Annotated[int, typer.Option("--retries", metavar="N", help="Try again so often if it fails.", min=0)]
RetryDelayOption = Annotated[
    str, typer.Option("--retry-delay", metavar="TIME", help="Wait so long before each further try.")
]
GraceOption = Annotated[
    str | None,
    typer.Option("--grace", metavar="TIME", help="How long it may take to end before it is killed. Usually 10s."),
]
CwdOption = Annotated[str | None, typer.Option("--cwd", metavar="FOLDER", help="Run it in this folder.")]
EnvOption = Annotated[
    list[str] | None, typer.Option("--env", "-e", metavar="NAME=VALUE", help="A variable of its environment.")
]


def command_given(
    argv: Sequence[str] | None,
    timeout: str | None,
    retries: int,
    retry_delay: str,
    grace: str | None,
    cwd: str | None,
    env: Sequence[str] | None,
) -> "Command":
    """The command that these options say. Raises Failure."""
    from podium.cli.bodies import seconds_of
    from podium.client.shell.command import GRACE, Command

    if not argv or not argv[0]:
        raise Failure("Which command? Give it after --.", ExitCode.USAGE)
    limit, wait = seconds_of(timeout, "--timeout"), seconds_of(grace, "--grace")
    if limit == 0:
        raise Failure("--timeout: 0 leaves no time to run.", ExitCode.USAGE)
    return Command(
        argv=tuple(argv),
        env=variables(env),
        cwd=cwd,
        timeout=limit,
        retries=retries,
        retry_delay=seconds_of(retry_delay, "--retry-delay") or 0.0,
        grace=GRACE if wait is None else wait,
    )


def variables(given: Sequence[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` options, values as they are written. Raises Failure."""
    found = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise Failure(f"--env: {each!r} is not NAME=VALUE.", ExitCode.USAGE)
        found[name] = value
    return found


def check_can_start(command: "Command") -> None:
    """Raises Failure, as a shell would, for a command that is not here."""
    if command.cwd is not None and not os.path.isdir(command.cwd):  # noqa: PTH112
        raise Failure(f"--cwd: There is no folder {command.cwd!r}.", ExitCode.USAGE)
    name = command.argv[0]
    path = command.env.get("PATH") or os.environ.get("PATH")
    if "/" not in name and shutil.which(name, path=path) is None:
        raise Failure(f"There is no command {name!r}.", ExitCode.NOT_FOUND)
