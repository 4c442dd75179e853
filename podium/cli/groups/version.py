"""`podium version`."""

import platform
import sqlite3

import typer

from podium import __version__
from podium.cli.context import FormatOption, current
from podium.cli.declaring import example

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("version", epilog=example("podium version -o json"))
def version(context: typer.Context, output: FormatOption = "table") -> None:
    """Show the versions of Podium and what it runs on."""
    invocation = current(context)
    versions = {
        "podium": __version__,
        "wire": invocation.settings.server.api.version_advertised,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "profile": invocation.resolved.profile,
    }
    if output != "table":
        invocation.output.data(versions, output)
    else:
        for name, value in versions.items():
            invocation.output.line(f"{name + ':':<9} {value}")
