"""What the templates of an action know: what fired, and the objects that the triggering event is about.

Objects are read only when a template names them. Whatever a template gets is plain data with names to reach it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from podium.db.tables.variables import variables
from podium.db.types import plain
from podium.db.unit import WORKSPACE, Row, Tx
from podium.profiles import Settings
from podium.server.automations.firing import Context, Firing
from podium.server.automations.invocation import first_of_kind
from podium.server.errors import NotFound
from podium.server.events.event import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE
from podium.server.operations.concurrency_limits import read_limit
from podium.server.operations.template_filters import UI_ROOT
from podium.server.queries.deployments import find_deployment
from podium.server.queries.flow_runs import find_flow_run
from podium.server.queries.flows import FLOWS
from podium.server.queries.generic import find
from podium.server.queries.task_runs import find_task_run
from podium.server.queries.work_pools import WORK_POOLS, as_answer
from podium.server.queries.work_queues import read_health, read_work_queue

_STATE_LABELS = {part: f"prefect.state-{part}" for part in ("message", "name", "timestamp", "type")}
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
_VARIABLES = select(variables.c.name, variables.c.value).where(variables.c.workspace_id == WORKSPACE)


class Thing(dict[str, Any]):
    """An object of the server, its fields also as attributes; ``kind`` tells what it is."""

    def __init__(self, kind: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.kind = kind


class Labels(dict[str, str]):
    """The labels of a resource."""

    @property
    def id(self) -> str:
        return self[RESOURCE_ID]

    @property
    def name(self) -> str | None:
        return self.get(RESOURCE_NAME)

    @property
    def role(self) -> str | None:
        return self.get(RESOURCE_ROLE)

    @property
    def labels(self) -> "Dotted":
        """The same labels, by the parts of their names."""
        return Dotted(self)


class Dotted:
    """Labels by the parts of their names: ``labels.prefect.resource.id``; each is a text as well."""

    def __init__(self, labels: Mapping[str, str], value: str = "") -> None:
        self._labels = dict(labels)
        self._value = value

    def __str__(self) -> str:
        return self._value

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._labels.items())

    def __getitem__(self, label: str) -> str:
        return self._labels[label]

    def __getattr__(self, name: str) -> "Dotted":
        prefix = f"{name}."
        below = {label.removeprefix(prefix): value for label, value in self._labels.items() if label.startswith(prefix)}
        if name.startswith("_") or not (below or name in self._labels):
            raise AttributeError(name)
        return Dotted(below, self._labels.get(name, ""))


class ShownEvent(Thing):
    """An event, with its resources at hand."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        times = {name: _moment(event.get(name)) for name in ("occurred", "received")}
        resources = {"resource": Labels(event["resource"]), "related": [Labels(each) for each in event["related"]]}
        super().__init__("event", {**event, **times, **resources})

    @property
    def involved_resources(self) -> list[Labels]:
        return [self["resource"], *self["related"]]

    @property
    def resource_in_role(self) -> dict[str, Labels]:
        """The first related resource of each role."""
        return {labels[RESOURCE_ROLE]: labels for labels in reversed(self["related"])}

    @property
    def resources_in_role(self) -> dict[str, list[Labels]]:
        """The related resources of each role."""
        found: dict[str, list[Labels]] = {}
        for labels in self["related"]:
            found.setdefault(labels[RESOURCE_ROLE], []).append(labels)
        return found

    def find_resource_label(self, label: str) -> str | None:
        """A label of the resource, or ``related:<role>:<label>`` of the first related one with the role."""
        if label.startswith("related:"):
            _, role, name = label.split(":", 2)
            found = self.resource_in_role.get(role)
            return None if found is None else found.get(name)
        return self["resource"].get(label)  # type: ignore[no-any-return]


def context_for(tx: Tx, context: Context, names: set[str]) -> dict[str, Any]:
    """What templates that read these names are rendered with."""
    firings = list(_all_firings(context.firing))
    known: dict[str, Any] = {
        "automation": Thing("automation", _with_moments(context.automation, "created", "updated")),
        "event": _shown(context.triggering_event),
        "labels": Dotted(context.firing.triggering_labels),
        "firing": firings[0],
        "firings": firings,
        "events": [firing["triggering_event"] for firing in firings if firing["triggering_event"] is not None],
        UI_ROOT: ui_root(tx.settings),
    }
    if context.triggering_event is not None:
        for name in names & OBJECTS.keys():
            known[name] = _object(tx, name, context.triggering_event)
    if "variables" in names:
        known["variables"] = {row["name"]: plain(row["value"]) for row in tx.all(_VARIABLES)}
    return known


def _shown(event: Mapping[str, Any] | None) -> ShownEvent | None:
    return None if event is None else ShownEvent(event)


def _all_firings(firing: Firing) -> Iterator[Thing]:
    """A firing and those that it is made of."""
    inner = [list(_all_firings(each)) for each in firing.firings]
    yield Thing(
        "firing",
        {
            "id": firing.id,
            "trigger": {"id": firing.trigger_id, "type": firing.trigger_type, "posture": firing.posture},
            "trigger_states": ["Triggered"],
            "triggered": firing.triggered,
            "triggering_labels": dict(firing.triggering_labels),
            "triggering_event": _shown(firing.triggering_event),
            "triggering_firings": [found[0] for found in inner],
        },
    )
    for found in inner:
        yield from found


def _object(tx: Tx, name: str, event: dict[str, Any]) -> Thing | None:
    """The object of a kind that the event is about first, None without one; a run in the state that the event tells."""
    kind = name.replace("_", "-")
    found = first_of_kind(event, kind)
    row = found and OBJECTS[name](tx, found[0])
    if found is None or row is None:
        return None
    fields = _decoded(row)
    if name in ("flow_run", "task_run"):
        fields["state"] = _state(found[1]) or fields["state"]
    return Thing(kind, fields)


def _decoded(value: Any) -> Any:
    """A row with the JSON in it decoded, wherever it is."""
    if isinstance(value, dict):
        return {name: _decoded(item) for name, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else plain(value)


def _state(labels: Mapping[str, str]) -> Row | None:
    """The state that the labels of a run tell, None unless they tell it all."""
    if not all(label in labels for label in _STATE_LABELS.values()):
        return None
    state: Row = {part: labels[label] for part, label in _STATE_LABELS.items()}
    state["timestamp"] = _moment(state["timestamp"])
    return state


def _work_pool(tx: Tx, pool_id: str) -> Row | None:
    pool = find(tx, WORK_POOLS, pool_id)
    return pool and as_answer(tx, pool)


def _work_queue(tx: Tx, queue_id: str) -> Row | None:
    try:
        return {**read_work_queue(tx, queue_id), **read_health(tx, queue_id)}
    except NotFound:
        return None


def _concurrency_limit(tx: Tx, limit_id: str) -> Row | None:
    try:
        return read_limit(tx, limit_id)
    except NotFound:
        return None


OBJECTS: dict[str, Callable[[Tx, str], Row | None]] = {
    "flow": lambda tx, key: find(tx, FLOWS, key),
    "flow_run": find_flow_run,
    "task_run": find_task_run,
    "deployment": find_deployment,
    "work_pool": _work_pool,
    "work_queue": _work_queue,
    "concurrency_limit": _concurrency_limit,
}
"""How each object is read that a template may name."""


def _with_moments(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**fields, **{name: _moment(fields.get(name)) for name in names}}


def _moment(value: Any) -> Any:
    """A moment out of its text; what is none stays as it is."""
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return value


def ui_root(settings: Settings) -> str:
    """The URL of the pages in the browser, without a slash at its end; unless it is set, where the API is."""
    if settings.ui_url:
        return str(settings.ui_url).rstrip("/")
    server = settings.server
    api_url = server.ui.api_url or settings.api.url
    if api_url:
        return str(api_url).rstrip("/").removesuffix("/api")
    host = "127.0.0.1" if server.api.host in EVERYWHERE else server.api.host
    return f"http://{host}:{server.api.port}{server.root}"
