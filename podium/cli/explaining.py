"""Why automations fired and why they did not, for people and programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from podium.cli.context import Invocation
from podium.cli.output import Format
from podium.client.nouns.cells import compact
from podium.client.nouns.noun import Column, Names, attribute

Events = Mapping[str, str]
"""What to say for an event, by its id."""


def told_event(event: Any) -> str:
    """An event in a few words: its name and the resource it happened to."""
    labels = attribute(event, "resource") or {}
    about = labels.get("prefect.resource.name") or labels.get("prefect.resource.id") or ""
    return f"{attribute(event, 'event')} of {about}"


def _cause(row: Any, names: Names) -> str:
    event_id = row.triggering_event_id
    if event_id is None:
        return "no event in time"
    event = attribute(row, "firing.triggering_event")
    return told_event(event) if event else names["event"].get(event_id, event_id)


def _labels(row: Any, names: Names) -> list[str]:
    return [str(value) for value in row.triggering_labels.values()]


def _actions(row: Any, names: Names) -> list[str]:
    """Each action with what became of it."""
    return [_action(each) for each in row.actions]


def _action(action: Any) -> str:
    kind, state, reason = action.action.get("type"), attribute(action, "state"), attribute(action, "reason")
    return " ".join(part for part in (kind, state, f"({reason})" if reason else "") if part)


def _why(row: Any, names: Names) -> str:
    detail = ", ".join(f"{name}: {_plain(value)}" for name, value in row.detail.items())
    return f"{row.meaning.removesuffix('.')} ({detail})" if detail else str(row.meaning)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else compact(value) or str(value)


FIRED = (
    Column("time", "triggered", kind="stamp"),
    Column("because of", _cause, cut=True),
    Column("for", _labels, kind="list", cut=True, rank=2),
    Column("actions", _actions, kind="list", cut=True, rank=1),
)
REFUSED = (
    Column("last", kind="stamp"),
    Column("times", "count", kind="number"),
    Column("why", _why, cut=True),
    Column("for", "values", kind="list", cut=True, rank=2),
    Column("trigger", lambda row, names: attribute(row, "trigger") or "", rank=3),
)


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
    fired, refused = (FIRED, REFUSED) if events is not None else (_ago(FIRED), _ago(REFUSED))
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


def _ago(columns: Sequence[Column]) -> list[Column]:
    return [column._replace(kind="moment") if column.kind == "stamp" else column for column in columns]


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
            "why": _cause(row, names),
            "for": _labels(row, names),
            "actions": _actions(row, names),
        }
        for row in firings
    ]
    refused = [
        {
            "what": "refused",
            "time": row.last,
            "times": row.count,
            "why": _why(row, names),
            "for": list(row.values),
            "actions": [],
        }
        for row in refusals
    ]
    return [*fired, *refused]
