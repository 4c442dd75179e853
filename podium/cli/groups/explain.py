"""`podium flow-run explain`: why a run is where it is."""

from typing import TYPE_CHECKING, Annotated

import typer

from podium.cli.context import FormatOption, Invocation, current

if TYPE_CHECKING:
    from podium.wire.explain import Explanation, Holder

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("explain")
def explain(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="ID|NAME", help="The id or the name of a flow run.")],
    output: FormatOption = "table",
) -> None:
    """Tell why a flow run is where it is: what keeps it from starting, who holds its slots, and what to do.

    The first cause is the answer, the others are what would be next. docs/explain.md lists all there are.

    Example: podium flow-run explain gentle-heron
    """
    from podium.cli.groups.flow_run import find_run
    from podium.wire.explain import EXPLAIN

    invocation = current(context)
    found = find_run(invocation, run)
    explanation: Explanation = invocation.client.call(EXPLAIN, id=found.id)
    if output == "json":
        invocation.output.json(explanation)
        return
    _show(invocation, explanation)


def _show(invocation: Invocation, explanation: "Explanation") -> None:
    from podium.cli.groups.flow_run import time_text

    say = invocation.output.line
    since = f" since {time_text(explanation.since)}" if explanation.since else ""
    say(f"{explanation.name} ({explanation.flow_run_id}): {explanation.state_name or 'without a state'}{since}")
    for number, reason in enumerate(explanation.reasons):
        say()
        say(f"{'' if number == 0 else 'Also: '}{reason.sentence} [{reason.code}]")
        if reason.holders:
            invocation.output.table(
                ("  who", "state", "since", "expires"), [_holder_row(holder) for holder in reason.holders]
            )
        if reason.fix:
            say(f"  Fix: {reason.fix}")


def _holder_row(holder: "Holder") -> tuple[str, ...]:
    from podium.cli.groups.flow_run import time_text

    name = holder.name or holder.id or "somebody without a name"
    who = f"  {holder.kind.replace('_', ' ')} {name}" + (f" ({holder.slots} slots)" if holder.slots != 1 else "")
    return (who, holder.state or "", time_text(holder.since), time_text(holder.expires))
