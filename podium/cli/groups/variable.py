"""`podium variable`: variables."""

from typing import Annotated

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.noun import endpoint
from podium.client.nouns.variables import VARIABLE

app = group("See, set and delete variables.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A variable.", autocompletion=completing("variable"))]
ValueArgument = Annotated[str, typer.Argument(metavar="VALUE", help="JSON, or a word; @FILE or - reads it.")]
TagOption = Annotated[list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="Its tags from now on.")]

add_verbs(
    app,
    VARIABLE,
    {
        "ls": "podium variable ls --tag eu",
        "inspect": "podium variable inspect retries",
        "delete": "podium variable delete retries",
        "unset": "podium variable unset retries",
    },
)


@app.command("get", epilog=example("podium variable get retries"))
def get(context: typer.Context, name: NameArgument, output: FormatOption = "table") -> None:
    """Print the value of a variable: a word as it is, anything else as JSON."""
    invocation = current(context)
    value = VARIABLE.find(invocation.client, name).value
    if output != "table":
        invocation.output.data(value, output)
    elif isinstance(value, str):
        invocation.output.line(value)
    else:
        from podium.client.nouns.cells import compact

        invocation.output.line(compact(value) or str(value))


@app.command(
    "set",
    epilog=example(
        "podium variable set retries 3 --overwrite",
        'podium variable set region \'{"name": "eu"}\' --tag prod',
    ),
)
def set_value(
    context: typer.Context,
    name: NameArgument,
    value: ValueArgument,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Change it if it is there.")] = False,
    tag: TagOption = None,
    output: FormatOption = "table",
) -> None:
    """Set a variable."""
    invocation = current(context)
    from podium.cli.bodies import said, text_of
    from podium.cli.showing import show_list
    from podium.client.errors import Conflict
    from podium.client.nouns.values import loosely

    body = {"value": loosely(text_of(value, "VALUE")), **said(tags=tag)}
    try:
        made = invocation.client.call(endpoint("variables.CREATE"), {**body, "name": name})
    except Conflict:
        if not overwrite:
            raise Failure(f"There is a variable {name!r} already; --overwrite changes it.", ExitCode.CONFLICT) from None
        invocation.client.call(endpoint("variables.UPDATE_BY_NAME"), body, name=name)
        made = VARIABLE.find(invocation.client, name)
    invocation.diagnostics.note(f"Set variable {name!r}.")
    if output != "table":
        show_list(invocation, VARIABLE, [made], output)


app.command("create", epilog=example("podium variable create retries 3"))(set_value)


@app.command("edit", epilog=example("podium variable edit retries --value 5"))
def edit(
    context: typer.Context,
    name: NameArgument,
    value: Annotated[str | None, typer.Option("--value", metavar="VALUE", help="JSON, or a word.")] = None,
    new_name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its new name.")] = None,
    tag: TagOption = None,
    output: FormatOption = "table",
) -> None:
    """Change a variable by options, or in your editor without any."""
    invocation = current(context)
    from podium.cli.bodies import said, text_of
    from podium.cli.editing import edit_row
    from podium.client.nouns.values import loosely

    found = VARIABLE.find(invocation.client, name)
    changes = said(name=new_name, tags=tag)
    if value is not None:
        changes["value"] = loosely(text_of(value, "--value"))
    edit_row(invocation, VARIABLE, found, changes, output)
