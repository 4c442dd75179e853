"""Why automations fired and why they did not, for people and programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from podium.cli.context import Invocation
from podium.cli.output import Format
from podium.client.nouns.firings import FIRED, REFUSED, actions_of, cause, labels_of, why_not
from podium.client.nouns.noun import Column, Names

Events = Mapping[str, str]
"""What to say for an event, by its id."""


def show_reasons(
    invocation: Invocation,
    firings: Sequence[Any],
    refusals: Sequence[Any],
    output: Format,
    events: Events | None = None,
) -> None:
    """Write firings and refusals, the lists that an endpoint answers.

    ``events`` are those that were tried, whose moments are told as they are and not how long ago.
    """
    from podium.cli.showing import show_table

    out, names = invocation.output, {"event": events or {}}
    fired, refused = (_stamped(FIRED), _stamped(REFUSED)) if events is not None else (FIRED, REFUSED)
    if output in ("json", "yaml"):
        out.data({"firings": list(firings), "refusals": list(refusals)}, output)
    elif output != "table":
        out.data(_records(firings, refusals, names), output, ("what",))
    else:
        if firings:
            show_table(invocation, _used(fired, firings, names), firings, names)
        if firings and refusals:
            out.line()
        if refusals:
            show_table(invocation, _used(refused, refusals, names), refusals, names)


def _stamped(columns: Sequence[Column]) -> list[Column]:
    return [column._replace(kind="stamp") if column.kind == "moment" else column for column in columns]


def _used(columns: Sequence[Column], rows: Sequence[Any], names: Names) -> list[Column]:
    """The columns that some row has a value for."""
    return [column for column in columns if any(column.of(row, names) for row in rows)]


def _records(firings: Sequence[Any], refusals: Sequence[Any], names: Names) -> list[dict[str, Any]]:
    """A record for each, of the same fields."""
    fired = [
        {
            "what": "fired",
            "time": row.triggered,
            "times": 1,
            "why": cause(row, names),
            "for": labels_of(row, names),
            "actions": actions_of(row, names),
        }
        for row in firings
    ]
    refused = [
        {
            "what": "refused",
            "time": row.last,
            "times": row.count,
            "why": why_not(row, names),
            "for": list(row.values),
            "actions": [],
        }
        for row in refusals
    ]
    return [*fired, *refused]
