"""`podium server database verify`: is a backup whole?"""

from pathlib import Path
from typing import Annotated

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.progress import progress_bar

# Nothing of podium.db is imported before the command runs: every other command would start slower.

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("verify", epilog=example("podium server database verify --rehearse /backups/podium.zip"))
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Also restore it, into a SQLite file that is thrown away.")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """Prove that a backup is whole.

    Every row is read, counted and compared with the checksums.
    """
    from podium.db.backup import restoring

    invocation = current(context)
    if not file.exists():
        raise Failure(f"{file}: there is no such file.", ExitCode.NOT_FOUND)
    with progress_bar(invocation, "Verifying") as step:
        manifest = restoring.verify(file, step)
    unreadable = None
    if rehearse:
        with progress_bar(invocation, "Restoring") as step:
            unreadable = restoring.rehearse(file, invocation.settings.server.encryption_key, step).unreadable
    if output != "table":
        answer = {
            "file": str(file),
            "podium": manifest.podium,
            "database": manifest.database,
            "revision": manifest.revision,
            "taken": manifest.taken,
            "rows": manifest.rows,
            "tables": {table.name: table.rows for table in manifest.tables},
            "key": manifest.key.held,
            "rehearsed": rehearse,
            "unreadable_blocks": unreadable,
        }
        invocation.output.data(answer, output, ("file",))
    else:
        also = ", and can be restored" if rehearse else ""
        invocation.output.line(
            f"{file}: whole{also}; {manifest.rows} rows of {manifest.database} at revision {manifest.revision}, "
            f"as of {manifest.taken:%Y-%m-%d %H:%M:%S} UTC, by Podium {manifest.podium}."
        )
    if unreadable:
        raise Failure(
            f"{unreadable} of {manifest.key.documents} block documents cannot be read with the keys at hand: "
            "the rest of them is in PODIUM_SERVER_ENCRYPTION_KEY of the server that was backed up, or in its key file."
        )
