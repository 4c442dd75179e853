"""`podium work-pool`: work pools."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example
from podium.cli.output import Format
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.noun import Column, Names, endpoint
from podium.client.nouns.work_pools import WORK_POOL, default_template

DEFAULT_POOL = "PODIUM_DEFAULT_WORK_POOL_NAME"

app = group("See, make, pause and limit work pools.")

PoolArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A work pool.", autocompletion=completing("work-pool"))
]
TemplateOption = Annotated[
    str | None, typer.Option("--base-job-template", metavar="FILE", help="Its job template, a JSON file.")
]
LimitOption = Annotated[
    str | None, typer.Option("--concurrency-limit", metavar="N", help="How many runs at a time; none lifts it.")
]
DescriptionOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]

add_verbs(
    app,
    WORK_POOL,
    {
        "ls": "podium work-pool ls --type process -o name",
        "inspect": "podium work-pool inspect default",
        "pause": "podium work-pool pause default",
        "resume": "podium work-pool resume --all",
        "delete": "podium work-pool delete old-pool",
    },
)


@app.command("create", epilog=example("podium work-pool create fast --type process --concurrency-limit 4"))
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.")],
    kind: Annotated[str, typer.Option("--type", "-t", metavar="TYPE", help="Who runs its runs.")] = "process",
    template: TemplateOption = None,
    description: DescriptionOption = None,
    limit: LimitOption = None,
    paused: Annotated[bool, typer.Option("--paused", help="Paused from the start.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Change the one of this name, if there is one.")
    ] = False,
    as_default: Annotated[
        bool, typer.Option("--set-as-default", help="Name it in the profile as the pool of deployments.")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """Make a work pool."""
    invocation = current(context)
    from podium.cli.bodies import number_or_none, said
    from podium.cli.showing import show_list
    from podium.client.errors import Conflict

    base = template_of(template) if template else default_template(invocation.client, kind)
    body = said(base_job_template=base, description=description, is_paused=paused)
    if limit:
        body["concurrency_limit"] = number_or_none(limit, "--concurrency-limit")
    try:
        made = invocation.client.call(endpoint("work_pools.CREATE"), {**body, "name": name, "type": kind})
    except Conflict:
        if not overwrite:
            raise
        invocation.client.call(endpoint("work_pools.UPDATE"), body, name=name)
        made = WORK_POOL.find(invocation.client, name)
    if as_default:
        profile = invocation.resolved.profile
        invocation.store.set(profile, {DEFAULT_POOL: made.name})
        invocation.diagnostics.note(f"{DEFAULT_POOL} is {made.name!r} in profile {profile!r}.")
    show_list(invocation, WORK_POOL, [made], output)


def _update(
    context: typer.Context,
    pool: PoolArgument,
    template: TemplateOption = None,
    limit: LimitOption = None,
    description: DescriptionOption = None,
    output: FormatOption = "table",
) -> None:
    """Change a work pool by options, or in your editor without any."""
    invocation = current(context)
    from podium.cli.bodies import number_or_none, said

    changes = said(description=description, base_job_template=template_of(template) if template else None)
    if limit:
        changes["concurrency_limit"] = number_or_none(limit, "--concurrency-limit")
    _edit(invocation, pool, changes, output)


def _edit(invocation: Invocation, pool: str, changes: dict[str, Any], output: Format) -> None:
    from podium.cli.editing import edit_row

    found = WORK_POOL.find(invocation.client, pool)
    edit_row(invocation, WORK_POOL, found, changes, output)


app.command("edit", epilog=example("podium work-pool edit default --concurrency-limit 10"))(_update)
app.command("update", epilog=example("podium work-pool update default --description 'nightly jobs'"))(_update)


@app.command("set-concurrency-limit", epilog=example("podium work-pool set-concurrency-limit default 10"))
def set_limit(
    context: typer.Context,
    pool: PoolArgument,
    limit: Annotated[int, typer.Argument(metavar="N", help="How many runs at a time.", min=0)],
    output: FormatOption = "table",
) -> None:
    """Limit how many runs of a pool run at a time."""
    _edit(current(context), pool, {"concurrency_limit": limit}, output)


@app.command("clear-concurrency-limit", epilog=example("podium work-pool clear-concurrency-limit default"))
def clear_limit(context: typer.Context, pool: PoolArgument, output: FormatOption = "table") -> None:
    """Lift the limit of a pool."""
    _edit(current(context), pool, {"concurrency_limit": None}, output)


@app.command(
    "preview",
    epilog=example("podium work-pool preview default --hours 3"),
    context_settings={"help_option_names": ["--help"]},
)
def preview(
    context: typer.Context,
    pool: PoolArgument,
    hours: Annotated[int | None, typer.Option("--hours", "-h", metavar="N", help="So far ahead.", min=0)] = None,
    output: FormatOption = "table",
) -> None:
    """List the runs that the workers of a pool get next."""
    found = WORK_POOL.find(current(context).client, pool)
    show_preview(current(context), {"work_pools": {"name": {"any_": [found.name]}}}, hours, output)


def show_preview(invocation: Invocation, scope: dict[str, Any], hours: int | None, output: Format) -> None:
    """Write the scheduled runs of pools or queues, the next first; asking so marks nothing as polled."""
    from podium.cli.showing import show_list
    from podium.client.nouns.flow_runs import FLOW_RUN
    from podium.client.nouns.selecting import Selection

    runs: dict[str, Any] = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    if hours is not None:
        runs["next_scheduled_start_time"] = {"before_": datetime.now(UTC) + timedelta(hours=hours)}
    noun = FLOW_RUN._replace(body={**scope, "flow_runs": runs})
    show_list(invocation, noun, Selection(noun, {}).rows(invocation.client, 100, sort="next"), output)


@app.command("slots", epilog=example("podium work-pool slots default"))
def slots(context: typer.Context, pool: PoolArgument, output: FormatOption = "table") -> None:
    """Show the slots of a pool's queues and the runs that hold them."""
    invocation = current(context)
    found = WORK_POOL.find(invocation.client, pool)
    status = invocation.client.call(endpoint("work_pools.READ_SLOTS"), {"limit": 200}, name=found.name)
    show_slots(invocation, status, status.queues, output)


def _of(row: Any, names: Names) -> str:
    limit = row.concurrency_limit
    return f"{row.active_slots}/{'unlimited' if limit is None else limit}"


HOLDERS = (
    Column("id", kind="id"),
    Column("name", cut=True),
    Column("state", "state_name", kind="state"),
    Column("since", "state_timestamp", kind="moment"),
)


def show_slots(invocation: Invocation, status: Any, queues: list[Any], output: Format) -> None:
    """Write how many slots are taken, of each queue and by whom."""
    from podium.cli.showing import show_csv, show_table

    holders = [run for queue in queues for run in queue.flow_runs]
    if output == "csv":
        show_csv(invocation, HOLDERS, holders, {})
    elif output == "name":
        invocation.output.data(holders, output, ("id",))
    elif output != "table":
        invocation.output.data(status, output)
    else:
        invocation.output.line(f"Slots in use: {_of(status, {})}")
        if queues and queues[0] is not status:
            invocation.output.line()
            show_table(invocation, (Column("queue", "queue_name"), Column("slots", _of)), queues, {})
        if holders:
            invocation.output.line()
            show_table(invocation, HOLDERS, holders, {})


@app.command(
    "get-default-base-job-template", epilog=example("podium work-pool get-default-base-job-template --type process")
)
def get_default_template(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--type", "-t", metavar="TYPE", help="The type of work pool.")],
    file: Annotated[str | None, typer.Option("--file", "-f", metavar="FILE", help="Write it to this file.")] = None,
    output: FormatOption = "json",
) -> None:
    """Print the job template that work pools of a type start with."""
    from pathlib import Path

    invocation = current(context)
    template = default_template(invocation.client, kind)
    if file is None:
        invocation.output.data(template, "json" if output == "table" else output)
        return
    import msgspec

    Path(file).write_bytes(msgspec.json.format(msgspec.json.encode(template), indent=2) + b"\n")
    invocation.diagnostics.note(f"Wrote the template of {kind!r} to {file}.")


def template_of(file: str) -> dict[str, Any]:
    """The job template in a file. Raises Failure."""
    from podium.cli.bodies import json_object

    return json_object(file if file == "-" or file.startswith("@") else f"@{file}", "--base-job-template")
