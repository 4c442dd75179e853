"""`podium flow-run explain`: why a run is where it is."""

from typing import TYPE_CHECKING, Annotated

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example

if TYPE_CHECKING:
    from podium.wire.explain import Explanation, Holder

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("explain", epilog=example("podium flow-run explain gentle-heron"))
def explain(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="ID|NAME", help="A flow run.", autocompletion=completing("flow-run"))],
    output: FormatOption = "table",
) -> None:
    """Tell why a flow run is where it is.

    What keeps it from starting, who holds its slots, and what to do: the first cause is the answer, the others hold as
    well. docs/explain.md lists all there are.
    """
    from podium.client.nouns.flow_runs import FLOW_RUN
    from podium.wire.explain import EXPLAIN

    invocation = current(context)
    found = FLOW_RUN.find(invocation.client, run)
    explanation: Explanation = invocation.client.call(EXPLAIN, id=found.id)
    if output == "table":
        _show(invocation, explanation)
    else:
        invocation.output.data(explanation, output, ("flow_run_id",))


def _show(invocation: Invocation, explanation: "Explanation") -> None:
    from podium.client.nouns.cells import cell

    say = invocation.output.line
    since = f" since {cell(explanation.since, 'stamp')}" if explanation.since else ""
    say(f"{explanation.name} is {explanation.state_name or 'without a state'}{since}.")
    for number, reason in enumerate(explanation.reasons):
        say()
        for line in invocation.output.folded(f"{'' if number == 0 else 'Also: '}{reason.sentence} [{reason.code}]"):
            say(line)
        if reason.fix:
            say(f"Fix: {reason.fix}")
        if reason.holders:
            columns = ("who", "name", "state", "slots", "since", "expires")
            invocation.output.table(columns, [_holder_row(holder) for holder in reason.holders])


def _holder_row(holder: "Holder") -> tuple[str, ...]:
    from podium.client.nouns.cells import cell

    name = holder.name or holder.id or "not said"
    moments = (cell(holder.since, "stamp"), cell(holder.expires, "stamp"))
    return (holder.kind.replace("_", " "), name, holder.state or "", str(holder.slots), *moments)
