"""`podium work-queue`: the queues of work pools."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example
from podium.cli.groups.work_pool import show_preview, show_slots
from podium.cli.output import Format
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.noun import endpoint
from podium.client.nouns.values import is_id
from podium.client.nouns.work_queues import WORK_QUEUE

app = group("See, make, pause and limit work queues.")

QueueArgument = Annotated[
    str,
    typer.Argument(metavar=WORK_QUEUE.metavar, help="A work queue.", autocompletion=completing("work-queue")),
]
PoolOption = Annotated[
    str | None,
    typer.Option("--pool", "-p", metavar="POOL", help="Its work pool.", autocompletion=completing("work-pool")),
]
LimitOption = Annotated[
    str | None,
    typer.Option("--concurrency-limit", "--limit", "-l", metavar="N", help="How many runs at a time; none lifts it."),
]
PriorityOption = Annotated[
    int | None, typer.Option("--priority", "-q", metavar="N", help="1 goes first; each is one's alone.", min=1)
]
DescriptionOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]

add_verbs(
    app,
    WORK_QUEUE,
    {
        "ls": "podium work-queue ls --pool default",
        "inspect": "podium work-queue inspect default/urgent",
        "pause": "podium work-queue pause --pool default --all --dry-run",
        "resume": "podium work-queue resume default/urgent",
        "delete": "podium work-queue delete default/urgent",
    },
)


def find(invocation: Invocation, queue: str, pool: str | None) -> Any:
    """The queue of this path, or of this name in the pool."""
    path = f"{pool}/{queue}" if pool and "/" not in queue and not is_id(queue) else queue
    return WORK_QUEUE.find(invocation.client, path)


@app.command("create", epilog=example("podium work-queue create urgent --pool default --priority 1 --limit 2"))
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, or POOL/NAME.")],
    pool: PoolOption = None,
    limit: LimitOption = None,
    priority: PriorityOption = None,
    description: DescriptionOption = None,
    paused: Annotated[bool, typer.Option("--paused", help="Paused from the start.")] = False,
    output: FormatOption = "table",
) -> None:
    """Make a work queue in a pool; without --pool in the default one."""
    invocation = current(context)
    from podium.cli.bodies import number_or_none, said
    from podium.cli.showing import show_list

    if "/" in name and not pool:
        pool, name = name.split("/", 1)
    body = said(name=name, priority=priority, description=description, is_paused=paused)
    if limit:
        body["concurrency_limit"] = number_or_none(limit, "--limit")
    if pool:
        made = invocation.client.call(endpoint("work_queues.CREATE_IN_POOL"), body, work_pool_name=pool)
    else:
        made = invocation.client.call(endpoint("work_queues.CREATE"), body)
    show_list(invocation, WORK_QUEUE, [made], output)


@app.command("edit", epilog=example("podium work-queue edit default/urgent --priority 1"))
def edit(
    context: typer.Context,
    queue: QueueArgument,
    pool: PoolOption = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its new name.")] = None,
    limit: LimitOption = None,
    priority: PriorityOption = None,
    description: DescriptionOption = None,
    output: FormatOption = "table",
) -> None:
    """Change a work queue by options, or in your editor without any."""
    from podium.cli.bodies import number_or_none, said

    changes = said(name=name, priority=priority, description=description)
    if limit:
        changes["concurrency_limit"] = number_or_none(limit, "--limit")
    _edit(current(context), queue, pool, changes, output)


def _edit(invocation: Invocation, queue: str, pool: str | None, changes: dict[str, Any], output: Format) -> None:
    from podium.cli.editing import edit_row

    found = find(invocation, queue, pool)
    edit_row(invocation, WORK_QUEUE, found, changes, output)


@app.command("set-concurrency-limit", epilog=example("podium work-queue set-concurrency-limit default/urgent 2"))
def set_limit(
    context: typer.Context,
    queue: QueueArgument,
    limit: Annotated[int, typer.Argument(metavar="N", help="How many runs at a time.", min=0)],
    pool: PoolOption = None,
    output: FormatOption = "table",
) -> None:
    """Limit how many runs of a queue run at a time."""
    _edit(current(context), queue, pool, {"concurrency_limit": limit}, output)


@app.command("clear-concurrency-limit", epilog=example("podium work-queue clear-concurrency-limit default/urgent"))
def clear_limit(
    context: typer.Context, queue: QueueArgument, pool: PoolOption = None, output: FormatOption = "table"
) -> None:
    """Lift the limit of a queue."""
    _edit(current(context), queue, pool, {"concurrency_limit": None}, output)


@app.command(
    "preview",
    epilog=example("podium work-queue preview default/urgent --hours 3"),
    context_settings={"help_option_names": ["--help"]},
)
def preview(
    context: typer.Context,
    queue: QueueArgument,
    hours: Annotated[int | None, typer.Option("--hours", "-h", metavar="N", help="So far ahead.", min=0)] = None,
    pool: PoolOption = None,
    output: FormatOption = "table",
) -> None:
    """List the runs that workers get next from a queue."""
    invocation = current(context)
    found = find(invocation, queue, pool)
    show_preview(invocation, {"work_pool_queues": {"id": {"any_": [found.id]}}}, hours, output)


app.command("read-runs", epilog=example("podium work-queue read-runs default/urgent"))(preview)


@app.command("slots", epilog=example("podium work-queue slots default/urgent"))
def slots(
    context: typer.Context, queue: QueueArgument, pool: PoolOption = None, output: FormatOption = "table"
) -> None:
    """Show the slots of a queue and the runs that hold them."""
    invocation = current(context)
    found = find(invocation, queue, pool)
    status = invocation.client.call(endpoint("work_queues.READ_SLOTS"), {"limit": 200}, id=found.id)
    show_slots(invocation, status, [status], output)
