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


@app.command(
    "start",
    epilog=example(
        "podium worker start --pool shell --limit 4",
        "podium worker start --pool shell --queue urgent --name alpha --drain 5m",
    ),
)
def start(
    context: typer.Context,
    pool: Annotated[
        str,
        typer.Option(
            "--pool", "-p", metavar="POOL", help="The work pool to serve.", autocompletion=completing("work-pool")
        ),
    ],
    queue: Annotated[
        list[str] | None, typer.Option("--queue", "-q", metavar="QUEUE", help="Only this queue of it.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", metavar="NAME", help="Its name; else host and process id.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", help="So many runs at a time.", min=1)] = 10,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help="Ask for work so often; a free place asks at once.")
    ] = "5s",
    prefetch: Annotated[
        str, typer.Option("--prefetch", metavar="TIME", help="Take runs so long before they are due.")
    ] = "10s",
    drain: Annotated[
        str | None,
        typer.Option(
            "--drain", metavar="TIME", help="Once told to end, stop what runs after so long. Else it may end."
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when nothing is due any more; exit as the runs ended.")
    ] = False,
    prefect: Annotated[
        str | None,
        typer.Option(
            "--prefect", metavar="PROGRAM", help="The `prefect` for Prefect deployments, if it is not on PATH."
        ),
    ] = None,
    heartbeat: Annotated[
        float, typer.Option("--heartbeat", metavar="SECONDS", help="Time between signs of life.", hidden=True, min=0.1)
    ] = 30.0,
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
