"""`podium work-pool storage`: where the runs of a pool keep results and code."""

from collections.abc import Iterator
from typing import Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.groups.work_pool import PoolArgument
from podium.cli.tree import group
from podium.client.nouns.work_pools import WORK_POOL

app = group("See and choose where the runs of a pool keep results.")


@app.command("inspect", epilog=example("podium work-pool storage inspect fast -o json"))
def inspect(context: typer.Context, pool: PoolArgument, output: FormatOption = "table") -> None:
    """Show where the runs of a pool keep results and code."""
    invocation = current(context)
    from podium.client.nouns.pool_storage import described

    found = WORK_POOL.find(invocation.client, pool)
    told = described(invocation.client, found)
    if output != "table":
        invocation.output.data(told, output, ("results",))
    elif not told:
        invocation.diagnostics.note(f"Work pool {found.name!r} has no storage of its own.")
    else:
        rows = list(_lines(told))
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            invocation.output.line(f"{name}:{' ' * (width - len(name))} {value}")


def _lines(told: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values; what holds for both steps once."""
    upload, execution = told.get("upload"), told.get("execution")
    same = upload == execution
    for name, value in told.items():
        if name == "execution" and same:
            continue
        if not isinstance(value, dict):
            yield name, value
            continue
        for key, each in value.items():
            yield key if same else f"{name}.{key}", " ".join(each) if isinstance(each, list) else each
