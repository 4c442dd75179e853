"""`podium log`: the lines of all runs."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import completing, example
from podium.cli.run_logs import GrepOption, LevelOption, SinceOption, conditions, stored, write_lines
from podium.cli.tree import group

app = group("List the log lines of all runs.")


@app.command("ls", epilog=example("podium log ls --level error --since 1h --grep 'connection refused'"))
def ls(
    context: typer.Context,
    flow_run: Annotated[
        list[str] | None,
        typer.Option(
            "--flow-run",
            "-r",
            metavar="ID|NAME",
            help="Only those of this flow run.",
            autocompletion=completing("flow-run"),
        ),
    ] = None,
    level: LevelOption = None,
    since: SinceOption = None,
    grep: GrepOption = None,
    limit: Annotated[int, typer.Option("--limit", "-l", "-n", metavar="N", help="How many; 0 for all.", min=0)] = 100,
    output: FormatOption = "table",
) -> None:
    """List the last lines that runs logged, the newest at the end."""
    invocation = current(context)
    from podium.client.nouns.flow_runs import FLOW_RUN

    wanted: dict[str, Any] = conditions(level, since, grep)
    if flow_run:
        wanted["flow_run_id"] = {"any_": [FLOW_RUN.find(invocation.client, run).id for run in flow_run]}
    lines = stored(invocation, wanted, limit or None, last=True, reverse=False)
    write_lines(invocation, lines, output)
