"""`podium server database restore`: a backup into the database of the settings."""

from pathlib import Path
from typing import Annotated

import typer

from podium.cli.context import FormatOption, YesOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.groups.database import database_of
from podium.cli.progress import progress_bar
from podium.profiles.masking import mask_url

# Nothing of podium.db is imported before the command runs: every other command would start slower.

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("restore", epilog=example("podium server database restore /backups/podium.zip"))
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup, of either kind of database.")],
    force: Annotated[bool, typer.Option("--force", help="Delete what the database holds.")] = False,
    yes: YesOption = False,
    output: FormatOption = "table",
) -> None:
    """Put what a backup holds into an empty database.

    It is the one of the settings, and has all of it afterwards, or what it had. The database is to be empty and no
    server may work with it. A backup of an older version is brought up to date. To move from SQLite to PostgreSQL:
    back up, name the other database in the settings, restore.
    """
    from podium.db.backup import restoring
    from podium.db.migrations import HEAD
    from podium.db.retention.ages import Ages

    invocation = current(context)
    url, options = database_of(invocation)
    if not file.exists():
        raise Failure(f"{file}: there is no such file.", ExitCode.NOT_FOUND)
    if force and (occupied := restoring.occupants(url, options)):
        held = ", ".join(occupied[:5])
        invocation.confirm(f"Delete everything in {mask_url(url)} ({held}), and restore {file}?", yes=yes)
        with progress_bar(invocation, "Verifying") as step:
            restoring.verify(file, step)
    with progress_bar(invocation, "Restoring") as step:
        done = restoring.restore(
            url,
            options,
            file,
            force=force,
            configured_keys=invocation.settings.server.encryption_key,
            ages=Ages.of(invocation.settings),
            progress=step,
        )
    manifest = done.manifest
    if output != "table":
        answer = {
            "file": str(file),
            "database": mask_url(url),
            "from": manifest.revision,
            "revision": HEAD,
            "taken": manifest.taken,
            "rows": manifest.rows,
            "unreadable_blocks": done.unreadable,
        }
        invocation.output.data(answer, output, ("file",))
    else:
        invocation.output.line(
            f"{mask_url(url)}: {manifest.rows} rows restored, as of {manifest.taken:%Y-%m-%d %H:%M:%S} UTC."
        )
    if done.unreadable:
        raise Failure(
            f"{done.unreadable} of {manifest.key.documents} block documents cannot be read: set "
            "PODIUM_SERVER_ENCRYPTION_KEY to that of the server that was backed up, or to the line in its key file."
        )
