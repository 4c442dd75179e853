"""What bodies check of themselves beyond their types."""

from typing import Any

import pytest

from podium.wire.actions import Action, CallWebhook, RunDeployment
from podium.wire.automations import AutomationCreate
from podium.wire.block_documents import BlockDocumentCreate
from podium.wire.decoding import BadBody, decode, encode
from podium.wire.events import Event
from podium.wire.flow_runs import FlowRunHistoryQuery
from podium.wire.triggers import CompoundTrigger, EventTrigger, Trigger
from podium.wire.variables import VariableCreate, VariableUpdate

ID = "01a1fad9-f4c8-7cc0-b9fe-8606a5a6673f"
EVENT = {"id": ID, "occurred": "2026-11-20T18:01:50Z", "event": "e", "resource": {"prefect.resource.id": "r"}}


def refused_at(kind: Any, body: Any) -> list[str | int]:
    """Where a body is refused."""
    with pytest.raises(BadBody) as caught:
        decode(kind, encode(body))
    loc: list[str | int] = caught.value.details[0]["loc"]
    return loc[1:]


def test_a_window_is_a_duration() -> None:
    """Windows come as seconds or ISO 8601 text and are seconds from then on."""
    for within, expected in ((30, 30.0), ("PT30S", 30.0), ("P1D", 86400.0)):
        trigger = decode(Trigger, encode({"type": "event", "posture": "Reactive", "within": within}))
        assert trigger.within == expected
    assert b'"within":30.0' in encode(decode(Trigger, b'{"type": "event", "posture": "Reactive", "within": "PT30S"}'))


@pytest.mark.parametrize(
    ("posture", "within", "expected"),
    [("Reactive", 0, 0.0), ("Proactive", 0, 10.0), ("Proactive", 10, 10.0), ("Proactive", 9, None),
     ("Reactive", -1, None), ("Reactive", None, None)],
)  # fmt: skip
def test_the_window_of_an_event_trigger(posture: str, within: Any, expected: float | None) -> None:
    """A proactive trigger waits ten seconds at least, and that when nothing is said; none waits backwards."""
    body = {"type": "event", "posture": posture, "within": within}
    if expected is None:
        assert refused_at(Trigger, body) == ["within"]
    else:
        assert decode(Trigger, encode(body)).within == expected


def test_what_a_trigger_expects_is_a_set() -> None:
    """An event named twice counts once, in the order first named."""
    trigger = decode(EventTrigger, b'{"type": "event", "posture": "Reactive", "expect": ["b", "a", "b"]}')
    assert trigger.expect == ["b", "a"]


@pytest.mark.parametrize(
    ("require", "good"), [("any", True), ("all", True), (1, True), (2, True), (0, False), (3, False)]
)
def test_how_many_triggers_a_compound_requires(require: Any, good: bool) -> None:
    """Any, all, or a number that can be reached."""
    body = {
        "type": "compound",
        "require": require,
        "within": None,
        "triggers": [{"type": "event", "posture": "Reactive"}] * 2,
    }
    if good:
        assert decode(CompoundTrigger, encode(body)).require == require
    else:
        assert refused_at(CompoundTrigger, body) == ["require"]


def test_triggers_nest_and_are_refused_at_their_depth() -> None:
    """Sequences of compounds of events decode; the innermost error keeps its whole path."""
    event = {"type": "event", "posture": "Reactive"}
    inner = {"type": "sequence", "within": 5, "triggers": [event, {**event, "within": -1}]}
    compound = {"type": "compound", "require": "all", "within": 10, "triggers": [event, inner]}
    automation = {"name": "a", "trigger": compound, "actions": []}
    place = ["trigger", "triggers", 1, "triggers", 1, "within"]
    assert refused_at(AutomationCreate, automation) == place
    inner["triggers"] = [event]
    trigger = decode(AutomationCreate, encode(automation)).trigger
    assert isinstance(trigger, CompoundTrigger)
    assert trigger.triggers[1].within == 5.0


def test_unknown_triggers_and_actions_are_refused() -> None:
    """A metric trigger, or an action nobody knows, is an error rather than nothing."""
    assert refused_at(Trigger, {"type": "metric"}) == ["type"]
    assert refused_at(Action, {"type": "sing"}) == ["type"]


@pytest.mark.parametrize("kind", ["deployment", "work-pool", "work-queue", "automation"])
def test_selected_targets_have_an_id_and_inferred_ones_none(kind: str) -> None:
    """``source`` and the id must agree."""
    action, field = f"pause-{kind}", f"{kind.replace('-', '_')}_id"
    assert refused_at(Action, {"type": action}) == [field]
    assert refused_at(Action, {"type": action, "source": "inferred", field: ID}) == [field]
    assert getattr(decode(Action, encode({"type": action, field: ID})), field) == ID
    assert getattr(decode(Action, encode({"type": action, "source": "inferred"})), field) is None


def test_a_run_may_start_later_not_earlier() -> None:
    """The delay of a deployment's run is a duration of zero or more."""
    run = {"type": "run-deployment", "deployment_id": ID, "schedule_after": "PT5M"}
    assert decode(RunDeployment, encode(run)).schedule_after == 300.0
    assert refused_at(RunDeployment, {**run, "schedule_after": -1}) == ["schedule_after"]


@pytest.mark.parametrize(("payload", "text"), [("x", "x"), (None, ""), ({"a": 1}, '{\n  "a": 1\n}')])
def test_a_webhook_payload_is_text(payload: Any, text: str) -> None:
    """JSON given for the template is its text."""
    body = {"type": "call-webhook", "block_document_id": ID, "payload": payload}
    assert decode(CallWebhook, encode(body)).payload == text


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"resource": {}}, ["resource"]),
        ({"resource": {"prefect.resource.id": ""}}, ["resource"]),
        ({"related": [{"prefect.resource.id": "a"}]}, ["related", 0]),
        ({"related": [{"prefect.resource.role": "a"}]}, ["related", 0]),
        ({"event": "e" * 1025}, ["event"]),
        ({"occurred": None}, ["occurred"]),
    ],
)
def test_events_have_what_every_reader_relies_on(change: dict[str, Any], place: list[str | int]) -> None:
    """The resource has an id, each related resource also a role, and the name is not endless."""
    assert decode(Event, encode(EVENT)).related == []
    assert refused_at(Event, EVENT | change) == place


@pytest.mark.parametrize("name", ["a b", "A", "a\n", "", "a" * 256, "ä"])
def test_names_of_variables(name: str) -> None:
    """Lower-case letters, digits, dashes and underscores, at most 255."""
    assert refused_at(VariableCreate, {"name": name, "value": 1}) == ["name"]
    assert decode(VariableCreate, b'{"name": "a_b-1", "value": null}').name == "a_b-1"


def test_values_of_variables() -> None:
    """Any JSON of at most 5000 characters; a change of the name alone needs none."""
    assert decode(VariableCreate, encode({"name": "a", "value": "ä" * 4998})).value == "ä" * 4998
    assert refused_at(VariableCreate, {"name": "a", "value": "x" * 4999}) == ["value"]
    assert refused_at(VariableUpdate, {"value": "x" * 4999}) == ["value"]
    assert decode(VariableUpdate, b'{"name": "b"}').sent() == {"name": "b"}


def test_only_anonymous_block_documents_go_without_a_name() -> None:
    """A block document that can be found again has a name."""
    body = {"block_schema_id": ID, "block_type_id": ID}
    assert refused_at(BlockDocumentCreate, body) == ["name"]
    assert decode(BlockDocumentCreate, encode({**body, "is_anonymous": True})).name is None


def test_the_interval_of_a_history_is_a_duration() -> None:
    """Seconds, or ISO 8601 text."""
    body = {"history_start": "2026-11-20T00:00:00Z", "history_end": "2026-11-21T00:00:00Z"}
    query = decode(FlowRunHistoryQuery, encode({**body, "history_interval_seconds": "PT1H"}))
    assert query.history_interval_seconds == 3600.0
    refused = refused_at(FlowRunHistoryQuery, {**body, "history_interval_seconds": "often"})
    assert refused == ["history_interval_seconds"]
