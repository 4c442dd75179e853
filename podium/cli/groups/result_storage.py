"""`podium result-storage`: where results go that say nothing of it themselves."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, YesOption, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format
from podium.cli.tree import group
from podium.client.nouns.blocks import BLOCK, path_of
from podium.client.nouns.noun import endpoint

app = group("See and choose the block that keeps results.")


@app.command("inspect", epilog=example("podium result-storage inspect"))
def inspect(context: typer.Context, output: FormatOption = "table") -> None:
    """Show the block that keeps results."""
    invocation = current(context)
    chosen = invocation.client.call(endpoint("admin.READ_STORAGE")).default_result_storage_block_id
    if chosen is None:
        if output == "table":
            invocation.diagnostics.note("None is chosen: results stay where flows run.")
        else:
            invocation.output.data({"default_result_storage_block_id": None}, output, ("block",))
        return
    _show(invocation, BLOCK.find(invocation.client, chosen), output)


@app.command("set", epilog=example("podium result-storage set s3-bucket/results"))
def choose(
    context: typer.Context,
    block: Annotated[
        str | None,
        typer.Argument(metavar=BLOCK.metavar, help="A block.", autocompletion=completing("block")),
    ] = None,
    by_id: Annotated[str | None, typer.Option("--id", metavar="ID", help="A block.", hidden=True)] = None,
    output: FormatOption = "table",
) -> None:
    """Choose the block that keeps results."""
    invocation = current(context)
    given = block or by_id
    if given is None:
        raise Failure(f"Which block? Give {BLOCK.metavar}.", ExitCode.USAGE)
    found = BLOCK.find(invocation.client, given)
    invocation.client.call(endpoint("admin.SET_STORAGE"), {"default_result_storage_block_id": found.id})
    invocation.diagnostics.note(f"Results go to {path_of(found, {})!r}.")
    if output != "table":
        _show(invocation, found, output)


@app.command("clear", epilog=example("podium result-storage clear"))
def clear(context: typer.Context, yes: YesOption = False, output: FormatOption = "table") -> None:
    """Leave results where flows run."""
    invocation = current(context)
    if invocation.interactive:
        invocation.confirm("Leave results where flows run?", yes=yes)
    invocation.client.call(endpoint("admin.CLEAR_STORAGE"))
    invocation.diagnostics.note("Results stay where flows run.")
    if output != "table":
        invocation.output.data({"default_result_storage_block_id": None}, output, ("block",))


def _show(invocation: Invocation, block: Any, output: Format) -> None:
    if output == "table":
        invocation.output.line(path_of(block, {}))
    else:
        record = {"default_result_storage_block_id": block.id, "block": path_of(block, {})}
        invocation.output.data(record, output, ("block",))
