"""`podium block`: blocks, what deployments and flows read their configuration and secrets from."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.blocks import BLOCK, BLOCK_TYPE, schema_of
from podium.client.nouns.noun import endpoint

app = group("See, make, edit and delete blocks.")

FieldOption = Annotated[
    list[str] | None,
    typer.Option("--field", "-f", metavar="KEY=VALUE", help="A field; JSON where it is JSON, @FILE is read."),
]
DataOption = Annotated[
    str | None, typer.Option("--data", "-d", metavar="JSON", help="All fields; @FILE or - reads them.")
]

add_verbs(
    app,
    BLOCK,
    {
        "ls": "podium block ls --type secret",
        "inspect": "podium block inspect secret/db-password",
        "delete": "podium block delete secret/db-password",
    },
)


@app.command(
    "create",
    epilog=example(
        "podium block create secret --name db-password --field value=@password.txt",
        "podium block type inspect s3-bucket",
    ),
)
def create(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="TYPE", help="The slug of its type.", autocompletion=completing("block-type"))
    ],
    name: Annotated[str, typer.Option("--name", "-n", metavar="NAME", help="Its name.")],
    field: FieldOption = None,
    data: DataOption = None,
    output: FormatOption = "table",
) -> None:
    """Make a block; `podium block type inspect TYPE` lists its fields."""
    invocation = current(context)
    from podium.cli.showing import show_list

    found = BLOCK_TYPE.find(invocation.client, kind)
    schema = schema_of(invocation.client, found)
    if schema is None:
        raise Failure(f"The block type {kind!r} has no schema.", ExitCode.CONFLICT)
    fields = fields_of(field, data)
    needed = [each for each in schema.fields.get("required", ()) if each not in fields]
    if needed:
        raise Failure(f"A {kind} needs {', '.join(needed)}; give --field {needed[0]}=…", ExitCode.USAGE)
    body = {"name": name, "data": fields, "block_schema_id": schema.id, "block_type_id": found.id}
    made = invocation.client.call(endpoint("block_documents.CREATE"), body)
    show_list(invocation, BLOCK, [made], output)


@app.command("edit", epilog=example("podium block edit secret/db-password --field value=@password.txt"))
def edit(
    context: typer.Context,
    block: Annotated[str, typer.Argument(metavar=BLOCK.metavar, help="A block.", autocompletion=completing("block"))],
    field: FieldOption = None,
    data: DataOption = None,
    output: FormatOption = "table",
) -> None:
    """Change fields of a block; the others stay, secrets too."""
    invocation = current(context)
    from podium.cli.editing import edit_row

    edit_row(invocation, BLOCK, BLOCK.find(invocation.client, block), fields_of(field, data), output)


def fields_of(pairs: list[str] | None, data: str | None) -> dict[str, Any]:
    """The fields that were given. Raises Failure."""
    from podium.cli.bodies import assigned, json_object, text_of

    fields = json_object(data, "--data") if data else {}
    for key, value in assigned(pairs, "--field").items():
        is_file = isinstance(value, str) and value.startswith("@")
        fields[key] = text_of(value, "--field").removesuffix("\n") if is_file else value
    return fields
