"""`podium worker`: the workers of work pools, and one that runs here."""

from typing import Annotated

import typer

from podium.cli.context import current
from podium.cli.declaring import completing, example
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.workers import WORKER

app = group("Run, see and forget the workers of work pools.")

add_verbs(
    app,
    WORKER,
    {
        "ls": "podium worker ls --status online",
        "inspect": "podium worker inspect default/process-1",
        "delete": "podium worker delete --status offline --yes",
    },
)


PoolOption = Annotated[
    str,
    typer.Option("--pool", "-p", metavar="POOL", help="The pool to serve.", autocompletion=completing("work-pool")),
]
QueueOption = Annotated[
    list[str] | None, typer.Option("--queue", "-q", "--work-queue", metavar="QUEUE", help="Only this queue of it.")
]
NameOption = Annotated[
    str | None, typer.Option("--name", "-n", metavar="NAME", help="Its name; else host and process id.")
]
TypeOption = Annotated[
    str | None, typer.Option("--type", "-t", metavar="TYPE", help="Taken, and not needed: the pool knows.", hidden=True)
]
LimitOption = Annotated[int, typer.Option("--limit", "-l", metavar="N", help="So many runs at a time.", min=1)]
EveryOption = Annotated[
    str, typer.Option("--every", metavar="TIME", help="Ask for work so often; a run that ended has it ask at once.")
]
PrefetchOption = Annotated[
    str,
    typer.Option("--prefetch", "--prefetch-seconds", metavar="TIME", help="Take runs so long before they are due."),
]
DrainOption = Annotated[
    str | None,
    typer.Option("--drain", metavar="TIME", help="Once told to end, stop what runs after so long; else never."),
]
OnceOption = Annotated[
    bool, typer.Option("--once", "--run-once", help="End when nothing is due any more; exit as the runs ended.")
]
PrefectOption = Annotated[
    str | None,
    typer.Option("--prefect", metavar="PROGRAM", help="The `prefect` for Prefect deployments; else that on PATH."),
]
HeartbeatOption = Annotated[
    float, typer.Option("--heartbeat", metavar="SECONDS", help="Time between signs of life.", hidden=True, min=0.1)
]


@app.command(
    "start",
    epilog=example(
        "podium worker start --pool shell --limit 4",
        "podium worker start --pool shell --queue urgent --name alpha --drain 5m",
    ),
)
def start(
    context: typer.Context,
    pool: PoolOption,
    queue: QueueOption = None,
    name: NameOption = None,
    kind: TypeOption = None,
    limit: LimitOption = 10,
    every: EveryOption = "5s",
    prefetch: PrefetchOption = "10s",
    drain: DrainOption = None,
    once: OnceOption = False,
    prefect: PrefectOption = None,
    heartbeat: HeartbeatOption = 30.0,
) -> None:
    """Run what is due in a work pool: commands, and Prefect deployments where `prefect` is installed.

    A pool that is not there is made. SIGTERM or Ctrl+C end the worker: nothing new is taken, what waits is handed back,
    and what runs may end; a second one stops the commands, a third kills them. If the worker itself is killed, its
    commands are ended with it.
    """
    invocation = current(context)
    # Loaded on use: help needs none of it.
    from podium.cli.bodies import seconds_of
    from podium.cli.serving import default_name, serve
    from podium.client.shell.worker import Terms

    terms = Terms(
        name=name or default_name(),
        queues=tuple(queue or ()),
        limit=limit,
        every=seconds_of(every, "--every") or 0.1,
        prefetch=seconds_of(prefetch, "--prefetch") or 0.0,
        drain=seconds_of(drain, "--drain"),
    )
    raise typer.Exit(serve(invocation, pool, terms, prefect, heartbeat, once))
