"""`podium help`: what holds for all commands."""

from typing import Annotated, Literal, get_args

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import MEANINGS, ExitCode
from podium.cli.output import Format

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Topic = Literal["exit-codes", "environment", "formatting"]

TOPICS: dict[str, str] = {
    "exit-codes": "What the exit code of a command says.",
    "environment": "Variables of the environment that commands heed.",
    "formatting": "What -o prints, and how tables fit a terminal.",
}

VARIABLES: dict[str, str] = {
    "PODIUM_API_URL": "Which API to talk to; else the profile says, else a server on this machine.",
    "PODIUM_API_AUTH_STRING": "user:password for it; PODIUM_API_KEY is a key instead.",
    "PODIUM_PROFILE": "The profile to use; --profile before a command wins.",
    "PODIUM_HOME": "Where profiles and the server's files are.",
    "PODIUM_CLI_COLORS": "false: no colour on a terminal.",
    "PODIUM_CLI_PROMPT": "false: ask nothing, refuse what needs a yes.",
    "PODIUM_CLI_WRAP_LINES": "false: tables are as wide as they are.",
    "PODIUM_DEBUG_MODE": "true: an unexpected error shows where it comes from.",
    "NO_COLOR": "Anything: no colour.",
    "COLUMNS": "The width of the terminal, if it is not what it says.",
    "VISUAL, EDITOR": "What `edit` opens.",
}

FORMATS: dict[str, str] = {
    "table": "For people: fitted to the terminal; in a pipe nothing is cut, and times are in UTC.",
    "json": "What the server answers, as one document; several things are a list.",
    "jsonl": "The same, a line each; a stream such as `logs -f` prints each as it comes.",
    "csv": "The columns of the table under a heading, times in ISO 8601, durations in seconds.",
    "yaml": "As json.",
    "name": "What commands take for a thing, a line each: `… -o name | podium flow-run delete --yes -`.",
}


@app.command("help", epilog=example("podium help exit-codes", "podium help formatting"))
def help_on(
    context: typer.Context,
    topic: Annotated[
        Topic | None, typer.Argument(metavar="[TOPIC]", help="exit-codes, environment or formatting.")
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Explain exit codes, environment and formatting."""
    invocation = current(context)
    rows: dict[str, list[dict[str, object]]] = {
        "exit-codes": [{"code": int(code), "name": name_of(code), "meaning": MEANINGS[code]} for code in ExitCode],
        "environment": [{"variable": name, "meaning": text} for name, text in VARIABLES.items()],
        "formatting": [{"format": name, "meaning": FORMATS[name]} for name in get_args(Format)],
    }
    chosen = rows[topic] if topic else [{"topic": name, "about": text} for name, text in TOPICS.items()]
    if output != "table":
        invocation.output.data(chosen, output)
    else:
        invocation.output.table(list(chosen[0]), [[str(value) for value in row.values()] for row in chosen])


def name_of(code: ExitCode) -> str:
    """The code in words: `not found`."""
    return code.name.lower().replace("_", " ")
