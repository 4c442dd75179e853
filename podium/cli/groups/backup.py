"""`podium server database backup`: everything in one file, while the server runs."""

from pathlib import Path
from typing import Annotated

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.groups.database import database_of, size_text
from podium.cli.progress import progress_bar

# Nothing of podium.db is imported before the command runs: every other command would start slower.

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("backup", epilog=example("podium server database backup /backups/podium-$(date +%F).zip"))
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make; there, and whole, or not there.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    without_key: Annotated[
        bool, typer.Option("--without-key", help="Leave out the key of block documents, which is kept elsewhere then.")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """Keep everything in a file, while the server runs.

    It holds the state of one moment after the command began: all that was acknowledged before is in it. The file is
    restored into SQLite and PostgreSQL alike (`podium server database restore`), whichever it comes from, and is for
    nobody else to read: it holds all data, and the key of block documents where the server keeps that itself.
    """
    from podium.db.backup.saving import save

    invocation = current(context)
    url, options = database_of(invocation)
    if not file.absolute().parent.is_dir():
        raise Failure(f"{file.absolute().parent} is no folder; make it first.", ExitCode.NOT_FOUND)
    with progress_bar(invocation, "Backing up") as step:
        saved = save(
            url,
            options,
            file.absolute(),
            configured_keys=invocation.settings.server.encryption_key,
            with_key=not without_key,
            replace=force,
            progress=step,
        )
    manifest = saved.manifest
    for thing in saved.keep:
        documents = f"{manifest.key.documents} block documents cannot be read without it"
        invocation.diagnostics.warning(f"Keep {thing} too: it is not in the backup, and {documents}.")
    if output != "table":
        answer = {
            "file": str(file),
            "bytes": saved.size,
            "database": manifest.database,
            "revision": manifest.revision,
            "started": manifest.started,
            "taken": manifest.taken,
            "rows": manifest.rows,
            "tables": {table.name: table.rows for table in manifest.tables},
            "key": manifest.key.held,
            "keep": saved.keep,
        }
        invocation.output.data(answer, output, ("file",))
        return
    seconds = (manifest.taken - manifest.started).total_seconds()
    invocation.output.line(
        f"{file}: {manifest.rows} rows of {manifest.database} at revision {manifest.revision}, "
        f"as of {manifest.taken:%Y-%m-%d %H:%M:%S} UTC ({seconds:.1f} s after the start), {size_text(saved.size)}."
    )
