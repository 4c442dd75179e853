"""`podium concurrency-limit`: the limits of task runs by tag."""

from typing import Annotated

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.limits import TAG_LIMIT
from podium.client.nouns.noun import endpoint

app = group("See, make and reset limits of task runs by tag.")

add_verbs(
    app,
    TAG_LIMIT,
    {
        "ls": "podium concurrency-limit ls",
        "inspect": "podium concurrency-limit inspect database",
        "reset": "podium concurrency-limit reset database",
        "delete": "podium concurrency-limit delete database",
    },
)


@app.command("create", epilog=example("podium concurrency-limit create database 10"))
def create(
    context: typer.Context,
    tag: Annotated[str, typer.Argument(metavar="TAG", help="The tag of the task runs.")],
    limit: Annotated[int, typer.Argument(metavar="N", help="How many of them run at a time.", min=0)],
    output: FormatOption = "table",
) -> None:
    """Limit how many task runs with a tag run at a time; a limit that is there is changed."""
    invocation = current(context)
    from podium.cli.showing import show_list

    made = invocation.client.call(endpoint("concurrency.CREATE"), {"tag": tag, "concurrency_limit": limit})
    show_list(invocation, TAG_LIMIT, [made], output)


@app.command("edit", epilog=example("podium concurrency-limit edit database 20"))
def edit(
    context: typer.Context,
    tag: Annotated[str, typer.Argument(metavar="TAG", help="The tag of the task runs.")],
    limit: Annotated[int, typer.Argument(metavar="N", help="How many of them run at a time.", min=0)],
    output: FormatOption = "table",
) -> None:
    """Change the limit of a tag."""
    found = TAG_LIMIT.find(current(context).client, tag)
    create(context, found.tag, limit, output)
