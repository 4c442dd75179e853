"""`podium server database`: the tables of the server's database, worked on without a server."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, YesOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.progress import progress_bar
from podium.cli.tree import group
from podium.profiles.masking import mask_url

# Nothing of podium.db is imported before a command of this group runs: SQLAlchemy would slow every command down.

app = group("Migrate, check and clear up the server's database.")

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the SQL instead of running it.")]

ENDS = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PARTS = ("events", "flow_runs", "orphans", "leftovers")


@app.command("upgrade", epilog=example("podium server database upgrade --dry-run"))
def upgrade(
    context: typer.Context,
    revision: Annotated[
        str, typer.Option("--revision", "-r", metavar="REV", help="Where to go: a revision, `head` or `+1`.")
    ] = "head",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    output: FormatOption = "table",
) -> None:
    """Bring the tables up to date, or to a newer revision."""
    from podium.db import commands

    invocation = current(context)
    url, options = database_of(invocation)
    plan = commands.plan_upgrade(url, revision, options)
    if dry_run:
        _print_sql(invocation, url, (plan.before, plan.after))
    elif plan.before == plan.after:
        sentence = f"The database is at revision {_name(plan.after)} already."
        invocation.told(sentence, output, before=plan.before, after=plan.after)
    else:
        invocation.confirm(f"Upgrade {mask_url(url)} from {_name(plan.before)} to {_name(plan.after)}?", yes=yes)
        with progress_bar(invocation, "Upgrading") as step:
            done = commands.upgrade(url, revision, options=options, timeout=_timeout(invocation), progress=step)
        sentence = f"Upgraded from {_name(done.before)} to {_name(done.after)}."
        invocation.told(sentence, output, before=done.before, after=done.after)


@app.command("downgrade", epilog=example("podium server database downgrade --revision -1"))
def downgrade(
    context: typer.Context,
    revision: Annotated[
        str,
        typer.Option("--revision", "-r", metavar="REV", help="Where to go: a revision, `-1` or `base` (no tables)."),
    ] = "-1",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    output: FormatOption = "table",
) -> None:
    """Take the tables back; what newer ones hold is lost."""
    from podium.db import commands

    invocation = current(context)
    url, options = database_of(invocation)
    plan = commands.plan_downgrade(url, revision, options)
    if dry_run:
        _print_sql(invocation, url, (plan.before, plan.after))
    elif plan.before == plan.after:
        sentence = f"The database is at revision {_name(plan.after)} already."
        invocation.told(sentence, output, before=plan.before, after=plan.after)
    else:
        loss = "All tables are deleted." if plan.after is None else f"What is newer than {plan.after} is lost."
        invocation.confirm(
            f"Downgrade {mask_url(url)} from {_name(plan.before)} to {_name(plan.after)}? {loss}", yes=yes
        )
        with progress_bar(invocation, "Downgrading") as step:
            done = commands.downgrade(url, revision, options=options, timeout=_timeout(invocation), progress=step)
        sentence = f"Downgraded from {_name(done.before)} to {_name(done.after)}."
        invocation.told(sentence, output, before=done.before, after=done.after)


@app.command("reset", epilog=example("podium server database reset --yes"))
def reset(
    context: typer.Context, dry_run: DryRunOption = False, yes: YesOption = False, output: FormatOption = "table"
) -> None:
    """Delete everything, and create the tables anew."""
    from podium.db import commands
    from podium.db.migrations import HEAD

    invocation = current(context)
    url, options = database_of(invocation)
    back = commands.plan_downgrade(url, "base", options)
    if dry_run:
        _print_sql(invocation, url, (back.before, None), (None, HEAD))
        return
    invocation.confirm(f"Delete everything in {mask_url(url)}?", yes=yes)
    with progress_bar(invocation, "Resetting") as step:
        commands.reset(url, options=options, timeout=_timeout(invocation), progress=step)
    invocation.told("The database is empty and up to date.", output, before=back.before, after=HEAD)


@app.command("current", epilog=example("podium server database current -o json"))
def show_current(context: typer.Context, output: FormatOption = "table") -> None:
    """Show the revision of the tables."""
    from podium.db import commands
    from podium.db.migrations import HEAD

    invocation = current(context)
    url, options = database_of(invocation)
    revision = commands.current(url, options)
    state = commands.state_of(revision)
    if output != "table":
        answer = {"database": mask_url(url), "revision": revision, "head": HEAD, "state": state}
        invocation.output.data(answer, output)
        return
    told = {
        "current": "up to date",
        "empty": "no tables yet",
        "behind": f"older than {HEAD}",
        "unknown": f"not known to this Podium, which goes up to {HEAD}",
    }
    invocation.output.line(f"{_name(revision)} ({told[state]})")


@app.command("history", epilog=example("podium server database history"))
def history(context: typer.Context, output: FormatOption = "table") -> None:
    """List the revisions; an asterisk marks the database's."""
    from podium.db import commands

    invocation = current(context)
    url, options = database_of(invocation)
    found = commands.current(url, options)
    rows = [
        {"revision": revision, "current": revision == found, "title": title}
        for revision, title in commands.history().items()
    ]
    if output != "table":
        invocation.output.data(rows, output)
        return
    invocation.output.table(
        ["", "revision", "title"],
        [["*" if row["current"] else "", str(row["revision"]), str(row["title"])] for row in rows],
    )


@app.command("check", epilog=example("podium server database check"))
def check(context: typer.Context, output: FormatOption = "table") -> None:
    """Compare the tables with those this version declares."""
    from podium.db import commands
    from podium.db.migrations import HEAD

    invocation = current(context)
    url, options = database_of(invocation)
    problems = commands.check(url, options)
    if output != "table":
        invocation.output.data({"database": mask_url(url), "head": HEAD, "problems": problems}, output)
    elif problems:
        for problem in problems:
            invocation.output.line(problem)
    else:
        invocation.output.line(f"{mask_url(url)}: all is well, revision {HEAD}.")
    if problems:
        raise Failure(f"{mask_url(url)}: not as it should be, see above.")


@app.command("stats", epilog=example("podium server database stats --all"))
def stats(
    context: typer.Context,
    all_tables: Annotated[bool, typer.Option("--all", help="Also the tables without rows.")] = False,
    output: FormatOption = "table",
) -> None:
    """Show how large the tables are, since when they have rows, and how fast they grow."""
    from podium.db.statistics import statistics

    invocation = current(context)
    url, options = database_of(invocation)
    found = statistics(url, options)
    if output != "table":
        invocation.output.data([{**_fields(each), "bytes_per_day": each.bytes_per_day} for each in found], output)
        return
    invocation.output.table(
        ["table", "rows", "bytes", "oldest", "rows/day", "bytes/day"],
        [
            [
                each.table,
                f"{'~' if each.estimated else ''}{each.rows}",
                size_text(each.bytes),
                "" if each.oldest is None else f"{each.oldest:%Y-%m-%d}",
                "" if each.rows_per_day is None else str(each.rows_per_day),
                size_text(each.bytes_per_day),
            ]
            for each in found
            if each.rows or all_tables
        ],
    )
    invocation.output.line(f"Together {size_text(sum(each.bytes or 0 for each in found))}.")
    if any(each.estimated for each in found):
        invocation.diagnostics.note("~: as PostgreSQL estimates it.")


@app.command("prune", epilog=example("podium server database prune --older-than 30d --dry-run"))
def prune(
    context: typer.Context,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Runs, events and log lines older than this, e.g. 30d, 12h."),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state", metavar="STATE", help=f"Only runs that ended so: {', '.join(ENDS)}. Several times, if need be."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PART", help=f"Only this: {', '.join(PARTS)}. Several times, if need be."),
    ] = None,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Then write the SQLite file anew and smaller; no server may use it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be deleted.")] = False,
    yes: YesOption = False,
    output: FormatOption = "table",
) -> None:
    """Delete now what the settings say is too old, or what is older than an age. Runs that are not over stay."""
    from podium.db.retention import pruning

    invocation = current(context)
    url, options = database_of(invocation)
    age = None if older_than is None else _age(older_than)
    states = _words("--state", [each.upper() for each in state or ()], ENDS)
    wanted = pruning.wanted(invocation.settings, age, states, _words("--only", only or (), PARTS))
    if dry_run:
        deletions = pruning.look(url, options, invocation.settings, wanted)
    else:
        invocation.confirm(f"Delete what is too old in {mask_url(url)}? (--dry-run shows what.)", yes=yes)
        with progress_bar(invocation, "Pruning"):
            deletions = pruning.prune(url, options, invocation.settings, wanted)
            if vacuum:
                pruning.rewrite(url, options)
    found = [each for each in deletions if each.rows]
    if output != "table":
        invocation.output.data([each._asdict() for each in found], output)
    elif found:
        invocation.output.table(["table", "rows", "what"], [[each.table, str(each.rows), each.rule] for each in found])
    else:
        invocation.output.line("Nothing is too old.")


def _words(option: str, given: Collection[str], known: Collection[str]) -> Collection[str]:
    """The words given for an option. Raises Failure for one that it does not know."""
    for word in given:
        if word not in known:
            raise Failure(f"{option}: {word!r} is not one of {', '.join(known)}.", ExitCode.USAGE)
    return given


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def size_text(number: int | None) -> str:
    """A number of bytes as people read it."""
    if number is None:
        return ""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def _age(text: str) -> timedelta:
    """An age as a person writes it. Raises Failure."""
    number, unit = text[:-1], text[-1:]
    try:
        age = timedelta(seconds=float(number) * UNITS[unit])
    except (KeyError, ValueError, OverflowError):
        age = timedelta(0)
    if age <= timedelta(0):
        raise Failure(f"{text!r} is no age: write a number and s, m, h, d or w, such as 30d.", ExitCode.USAGE)
    return age


def database_of(invocation: Invocation) -> tuple[str, Any]:
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
