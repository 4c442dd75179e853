"""`podium server database`: the tables of the server's database, worked on without a server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, YesOption, current
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.profiles.masking import mask_url

# Nothing of podium.db is imported before a command of this group runs: SQLAlchemy would slow every command down.

app = group("Migrate and check the server's database.")

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the SQL instead of running it.")]

Step = Callable[[str, int, int], None]


@app.command("upgrade")
def upgrade(
    context: typer.Context,
    revision: Annotated[
        str, typer.Option("--revision", "-r", metavar="REV", help="Where to go: a revision, `head` or `+1`.")
    ] = "head",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Bring the tables up to date, or to a newer revision."""
    from podium.db import commands

    invocation = current(context)
    url, options = _database(invocation)
    plan = commands.plan_upgrade(url, revision, options)
    if dry_run:
        _print_sql(invocation, url, (plan.before, plan.after))
    elif plan.before == plan.after:
        invocation.output.line(f"The database is at revision {_name(plan.after)} already.")
    else:
        invocation.confirm(f"Upgrade {mask_url(url)} from {_name(plan.before)} to {_name(plan.after)}?", yes=yes)
        with _progress(invocation, "Upgrading") as step:
            done = commands.upgrade(url, revision, options=options, timeout=_timeout(invocation), progress=step)
        invocation.output.line(f"Upgraded from {_name(done.before)} to {_name(done.after)}.")


@app.command("downgrade")
def downgrade(
    context: typer.Context,
    revision: Annotated[
        str,
        typer.Option("--revision", "-r", metavar="REV", help="Where to go: a revision, `-1` or `base` (no tables)."),
    ] = "-1",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Take the tables back; what newer ones hold is lost."""
    from podium.db import commands

    invocation = current(context)
    url, options = _database(invocation)
    plan = commands.plan_downgrade(url, revision, options)
    if dry_run:
        _print_sql(invocation, url, (plan.before, plan.after))
    elif plan.before == plan.after:
        invocation.output.line(f"The database is at revision {_name(plan.after)} already.")
    else:
        loss = "All tables are deleted." if plan.after is None else f"What is newer than {plan.after} is lost."
        invocation.confirm(
            f"Downgrade {mask_url(url)} from {_name(plan.before)} to {_name(plan.after)}? {loss}", yes=yes
        )
        with _progress(invocation, "Downgrading") as step:
            done = commands.downgrade(url, revision, options=options, timeout=_timeout(invocation), progress=step)
        invocation.output.line(f"Downgraded from {_name(done.before)} to {_name(done.after)}.")


@app.command("reset")
def reset(context: typer.Context, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """Delete everything, and create the tables anew."""
    from podium.db import commands
    from podium.db.migrations import HEAD

    invocation = current(context)
    url, options = _database(invocation)
    back = commands.plan_downgrade(url, "base", options)
    if dry_run:
        _print_sql(invocation, url, (back.before, None), (None, HEAD))
        return
    invocation.confirm(f"Delete everything in {mask_url(url)}?", yes=yes)
    with _progress(invocation, "Resetting") as step:
        commands.reset(url, options=options, timeout=_timeout(invocation), progress=step)
    invocation.output.line("The database is empty and up to date.")


@app.command("current")
def show_current(context: typer.Context, output: FormatOption = "table") -> None:
    """Show the revision of the tables."""
    from podium.db import commands
    from podium.db.migrations import HEAD

    invocation = current(context)
    url, options = _database(invocation)
    revision = commands.current(url, options)
    state = commands.state_of(revision)
    if output == "json":
        answer = {"database": mask_url(url), "revision": revision, "head": HEAD, "state": state}
        invocation.output.json(answer)
        return
    told = {
        "current": "up to date",
        "empty": "no tables yet",
        "behind": f"older than {HEAD}",
        "unknown": f"not known to this Podium, which goes up to {HEAD}",
    }
    invocation.output.line(f"{_name(revision)} ({told[state]})")


@app.command("history")
def history(context: typer.Context, output: FormatOption = "table") -> None:
    """List the revisions; an asterisk marks the database's."""
    from podium.db import commands

    invocation = current(context)
    url, options = _database(invocation)
    found = commands.current(url, options)
    rows = [
        {"revision": revision, "current": revision == found, "title": title}
        for revision, title in commands.history().items()
    ]
    if output == "json":
        invocation.output.json(rows)
        return
    invocation.output.table(
        ["", "revision", "title"],
        [["*" if row["current"] else "", str(row["revision"]), str(row["title"])] for row in rows],
    )


@app.command("check")
def check(context: typer.Context, output: FormatOption = "table") -> None:
    """Compare the tables with those this version declares."""
    from podium.db import commands
    from podium.db.migrations import HEAD

    invocation = current(context)
    url, options = _database(invocation)
    problems = commands.check(url, options)
    if output == "json":
        invocation.output.json({"database": mask_url(url), "head": HEAD, "problems": problems})
    elif problems:
        for problem in problems:
            invocation.output.line(problem)
    else:
        invocation.output.line(f"{mask_url(url)}: all is well, revision {HEAD}.")
    if problems:
        raise Failure(f"{mask_url(url)}: not as it should be, see above.")


def _database(invocation: Invocation) -> tuple[str, Any]:
    """The URL of the database in the settings, and the Options to connect with. Raises Failure for one in memory."""
    from podium.db.options import Options
    from podium.db.urls import is_in_memory

    settings = invocation.settings.server.database
    url = str(settings.connection_url)
    if is_in_memory(url):
        raise Failure(
            f"{mask_url(url)}: a database in memory exists only inside its server; "
            "set PODIUM_SERVER_DATABASE_CONNECTION_URL to one that lasts.",
            ExitCode.USAGE,
        )
    return url, Options.of(settings)


def _timeout(invocation: Invocation) -> float | None:
    return invocation.settings.server.database.migration_timeout


def _name(revision: str | None) -> str:
    return revision or "base"


def _print_sql(invocation: Invocation, url: str, *steps: tuple[str | None, str | None]) -> None:
    """Print the statements of each step from a revision to another."""
    from podium.db import commands

    statements = [commands.migration_sql(url, start, goal) for start, goal in steps if start != goal]
    for text in statements:
        invocation.output.line(text.strip())
    if not statements:
        invocation.diagnostics.note("Nothing to do.")


@contextmanager
def _progress(invocation: Invocation, label: str) -> Iterator[Step | None]:
    """A bar on stderr while a migration runs, where somebody watches; it goes away when done."""
    stream = invocation.diagnostics.stream
    if not stream.isatty():
        yield None
        return
    # Loaded on use: rich takes as long to import as everything else a command needs.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def step(revision: str, done: int, total: int) -> None:
            bar.update(task, description=f"{label}: {revision}", completed=done, total=total)

        yield step
