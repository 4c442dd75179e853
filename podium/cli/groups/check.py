"""`podium server check`: prove what a server needs, before it is started."""

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode

# Nothing of podium.server is imported before the command runs: every other command would start slower.

app = typer.Typer(rich_markup_mode=None, add_completion=False)

COLUMNS = ("check", "result", "detail")


@app.command("check", epilog=example("podium server check -o json"))
def check(context: typer.Context, output: FormatOption = "table") -> None:
    """Prove what a server needs, before it is started.

    Settings, port, database, schema, Redis, clocks and peers; the exit code is not 0 when one fails.
    """
    from podium.server.checks import check_surroundings

    invocation = current(context)
    checks = check_surroundings(invocation.settings)
    if output != "table":
        records = [{"check": each.check, "result": each.result, "detail": each.sentence} for each in checks]
        invocation.output.data(records, output, ("check",))
    else:
        invocation.output.table(COLUMNS, ((each.check, each.result, each.sentence) for each in checks))
    if any(each.result == "failed" for each in checks):
        raise typer.Exit(ExitCode.FAILURE)
