"""Why a run is where it is, as lines: each cause, what it was seen from, and the command that changes it."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from podium.client.nouns.cells import cell
from podium.client.nouns.fitting import padded
from podium.client.nouns.noun import Column
from podium.tui.widgets.text import LineOfText, Part

if TYPE_CHECKING:
    from podium.wire.explain import Explanation, Reason

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
HOLDERS = (
    Column("holds", lambda holder, names: holder.kind.replace("_", " ")),
    Column("name", lambda holder, names: holder.name or holder.id or "not said"),
    Column("state", kind="state"),
    Column("slots", kind="number"),
    Column("since", kind="moment"),
    Column("expires", kind="moment"),
)


def reason_lines(reason: "Reason", label: str, width: int) -> Iterator[LineOfText]:
    """A cause in short, with the command that changes it, beside a label."""
    yield (Part(padded(label, width), "label"), Part(reason.sentence, "warning"))
    if reason.fix:
        yield (Part(padded("", width), "label"), _fix(reason.fix))


def explanation_lines(explanation: "Explanation", now: datetime) -> Iterator[LineOfText]:
    """All causes with their evidence and who holds what is full; the first is the answer."""
    from podium.tui.screens.detail import table_lines

    since = f" since {cell(explanation.since, 'stamp')} UTC ({cell(explanation.since, 'moment', now)})"
    told = f"{explanation.name} is {explanation.state_name or 'without a state'}{since if explanation.since else ''}"
    yield (Part(told, "title"),)
    for number, reason in enumerate(explanation.reasons):
        yield ()
        yield (Part("Also: " if number else "", "label"), Part(reason.sentence, "" if number else "warning"))
        yield (Part(f"  {padded('cause', 12)}", "label"), Part(reason.code))
        if reason.fix:
            yield (Part(f"  {padded('fix', 12)}", "label"), _fix(reason.fix))
        yield from _evidence(reason.evidence)
        if reason.holders:
            yield ()
            yield from table_lines(HOLDERS, reason.holders, {}, now)


def _fix(text: str) -> Part:
    """What changes it: mostly a command."""
    return Part(text, "busy" if text.startswith(("podium ", "prefect ")) else "")


def _evidence(evidence: Mapping[str, Any]) -> Iterator[LineOfText]:
    """What the cause was seen from, a line each."""
    known = {name: value for name, value in evidence.items() if value is not None}
    width = max([12, *(len(name) + 1 for name in known)])
    for name, value in known.items():
        yield (Part(f"  {padded(name.replace('_', ' '), width)}", "label"), Part(_told(value)))


def _told(value: Any) -> str:
    """A value in words: moments as everywhere, what has names of its own with them."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_told(each)}" for name, each in value.items() if each is not None)
    if isinstance(value, list):
        return "; ".join(map(_told, value)) or "none"
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return f"{cell(datetime.fromisoformat(value), 'stamp')} UTC"
    return cell(value, "text")
