"""Why automations fired, what was done then, and why they did not fire."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.automations import trigger_text
from podium.client.nouns.cells import compact
from podium.client.nouns.deliveries import DELIVERY
from podium.client.nouns.noun import Column, Names, Noun, Section, attribute, endpoint, joined, nested

if TYPE_CHECKING:
    from podium.client.api import Client

MOST = 200


def told_event(event: Any) -> str:
    """An event in a few words: its name and the resource it happened to."""
    labels = attribute(event, "resource") or {}
    about = labels.get("prefect.resource.name") or labels.get("prefect.resource.id") or ""
    return f"{attribute(event, 'event')} of {about}"


def cause(row: Any, names: Names) -> str:
    """The event that an automation fired because of, or that none came."""
    event_id = row.triggering_event_id
    if event_id is None:
        return "no event in time"
    event = attribute(row, "firing.triggering_event")
    return told_event(event) if event else names.get("event", {}).get(event_id, event_id)


def labels_of(row: Any, names: Names) -> list[str]:
    """What it fired for, where there is a bucket for each of something."""
    return [str(value) for value in row.triggering_labels.values()]


def actions_of(row: Any, names: Names) -> list[str]:
    """Each action with what became of it."""
    return [_action(each) for each in row.actions]


def _action(action: Any) -> str:
    kind, state, reason = action.action.get("type"), attribute(action, "state"), attribute(action, "reason")
    return " ".join(part for part in (kind, state, f"({reason})" if reason else "") if part)


def why_not(row: Any, names: Names) -> str:
    """Why a trigger did not fire, in a sentence with its details."""
    detail = ", ".join(f"{name}: {_plain(value)}" for name, value in row.detail.items())
    return f"{row.meaning.removesuffix('.')} ({detail})" if detail else str(row.meaning)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else compact(value) or str(value)


FIRED = (
    Column("time", "triggered", kind="moment"),
    Column("because of", cause, cut=True),
    Column("for", labels_of, kind="list", cut=True, rank=2),
    Column("actions", actions_of, kind="list", cut=True, rank=1),
)
REFUSED = (
    Column("last", kind="moment"),
    Column("times", "count", kind="number"),
    Column("why", why_not, cut=True),
    Column("for", "values", kind="list", cut=True, rank=2),
    Column("trigger", lambda row, names: attribute(row, "trigger") or "", rank=3),
)


def firings_of_automation(client: "Client", automation: Any, most: int = MOST) -> Sequence[Any]:
    """Its firings, the newest first."""
    found: Sequence[Any] = client.call(
        endpoint("automation_firings.FIRINGS"), query={"limit": str(most)}, id=automation.id
    )
    return found


def refusals_of_automation(client: "Client", automation: Any, most: int = MOST) -> Sequence[Any]:
    """Why it did not fire, the newest first."""
    found: Sequence[Any] = client.call(
        endpoint("automation_firings.REFUSALS"), query={"limit": str(most)}, id=automation.id
    )
    return found


def sentence(automation: Any, has_fired: bool, has_refused: bool) -> str:
    """What an automation waits for and whether anything came of it yet."""
    state = "" if automation.enabled else " It is paused."
    fired = "" if has_fired else " It has not fired."
    nothing = "" if has_fired or has_refused else " No event concerned it yet."
    return f"{automation.name!r} waits for {trigger_text(automation.trigger)}.{state}{fired}{nothing}"


@dataclass(frozen=True)
class Sent:
    """A delivery and the name of its channel."""

    id: str
    state: str
    channel: str
    about: str
    attempts: int
    created: datetime


def _deliveries(client: "Client", firing: Any) -> Sequence[Any]:
    ids = [action.id for action in firing.actions]
    if not ids:
        return []
    rows = list(
        client.pages(endpoint("notification_deliveries.FILTER"), nested("notification_deliveries.action_id.any_", ids))
    )
    names = joined(client, DELIVERY, rows)
    columns: Mapping[str, Column] = {column.name: column for column in DELIVERY.columns}
    shown = ("state", "channel", "about", "attempts", "created")
    return [Sent(row.id, *(columns[name].of(row, names) for name in shown)) for row in rows]


def _event(row: Any, names: Names) -> Any:
    return attribute(row, "firing.triggering_event")


ACTIONS = Section(
    "actions",
    lambda client, firing: firing.actions,
    (
        Column("action", "action.type"),
        Column("state", kind="state"),
        Column("reason", cut=True),
        Column("ended", kind="moment", rank=1),
        Column("attempts", kind="number", rank=2),
        Column("details", lambda row, names: {k: v for k, v in row.action.items() if k != "type"}, "json", 3, True),
    ),
)
DELIVERIES = Section(
    "deliveries",
    _deliveries,
    (
        Column("state", kind="state"),
        Column("channel", cut=True),
        Column("about", cut=True),
        Column("attempts", kind="number", rank=2),
        Column("created", kind="moment", rank=1),
    ),
    "delivery",
)


def firings_of(automation: Any) -> Noun:
    """The firings of one automation, as a noun of their own."""

    def find(client: "Client", given: str) -> Any:
        for firing in firings_of_automation(client, automation):
            if firing.id == given:
                return firing
        raise NotFound(404, "This firing is not among the newest any more.")

    def rows(client: "Client", body: dict[str, Any], most: int | None) -> Iterator[Any]:
        return iter(firings_of_automation(client, automation))

    return Noun(
        name="firing",
        plural="firings",
        list="automation_firings.FIRINGS",
        columns=FIRED,
        detail=(
            Column("event", "triggering_event_id", kind="id"),
            Column("in full", _event, kind="json"),
            Column("id", kind="id"),
        ),
        find=find,
        key="id",
        metavar="ID",
        rows=rows,
        sections=(ACTIONS, DELIVERIES),
    )
