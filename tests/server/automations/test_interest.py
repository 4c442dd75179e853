"""Which events become work for automations: those that concern an enabled one, and no others."""

from time import perf_counter
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, update

from podium.db.ids import DEFAULT_WORKSPACE_ID, new_id
from podium.db.tables.automations import automations
from podium.db.tables.events import event_deliveries
from podium.db.unit import Tx
from podium.server.automations.interest import Index
from podium.server.events.consumers import AUTOMATIONS
from podium.server.events.event import Event
from podium.server.events.outbox import store_client_events
from podium.server.operations.automations import change_automation, create_automation, delete_automation
from podium.wire.automations import AutomationCreate
from podium.wire.triggers import EventTrigger
from tests.server.conftest import Units
from tests.server.events.samples import event, related


def trigger(**fields: Any) -> EventTrigger:
    return EventTrigger(posture="Reactive", id=new_id(), **fields)


def automation(**fields: Any) -> AutomationCreate:
    trigger = {"type": "event", "posture": "Reactive", **fields}
    return msgspec.convert({"name": "a", "trigger": trigger, "actions": [{"type": "do-nothing"}]}, AutomationCreate)


def given_work(units: Units, *sent: Event) -> list[str]:
    """The ids of those of the events that automations were given."""
    units.write(store_client_events, list(sent))
    ids = [each.id for each in sent]
    statement = select(event_deliveries.c.event_id).where(
        event_deliveries.c.consumer == AUTOMATIONS.name, event_deliveries.c.event_id.in_(ids)
    )
    return [row["event_id"] for row in units.all(statement)]


@pytest.fixture(autouse=True)
def cleared(units: Units) -> None:
    def clear(tx: Tx) -> None:
        for row in tx.all(select(automations.c.id)):
            delete_automation(tx, row["id"])
        tx.run(delete(event_deliveries))

    units.write(clear)


COVERED = event("garden.watered", "garden.1", labels={"kind": "rose"}, related=[related("person.1", "owner", age="40")])


@pytest.mark.parametrize(
    ("fields", "concerns"),
    [
        ({}, True),
        ({"expect": ["garden.watered"]}, True),
        ({"expect": ["garden.*"]}, True),
        ({"expect": ["garden.?atered"]}, False),
        ({"expect": ["garden"]}, False),
        ({"after": ["garden.watered"], "expect": ["other"]}, True),
        ({"after": ["other"]}, True),
        ({"match": {"prefect.resource.id": "garden.1"}}, True),
        ({"match": {"prefect.resource.id": ["garden.2", "garden.1"], "kind": "r*"}}, True),
        ({"match": {"prefect.resource.id": "garden.2"}}, False),
        ({"match": {"kind": "!rose"}}, False),
        ({"match": {"kind": "!tulip"}}, True),
        ({"match": {"kind": "[rt]ose"}}, True),
        ({"match": {"kind": "Rose"}}, False),
        ({"match": {"kind": []}}, False),
        ({"match": {"colour": "!red"}}, False),
        ({"match_related": {"prefect.resource.id": "person.1", "prefect.resource.role": "owner"}}, True),
        ({"match_related": {"prefect.resource.id": "person.1", "prefect.resource.role": "guest"}}, False),
        ({"match_related": [{"age": "4?"}, {"prefect.resource.role": "owner"}]}, True),
        ({"match_related": [{"age": "40"}, {"prefect.resource.role": "guest"}]}, False),
        ({"match_related": {"kind": "rose"}}, False),
    ],
)
def test_what_concerns_a_trigger(fields: dict[str, Any], concerns: bool) -> None:
    """Name by ``expect`` or ``after``, labels of the resource, and each specification by some related resource."""
    index = Index()
    watched = trigger(**fields)
    index.add(new_id(), watched)
    assert index.wants(COVERED) is concerns
    assert [watch.id for watch in index.concerned(COVERED)] == [watched.id] * concerns


def test_events_are_work_as_long_as_an_automation_wants_them(units: Units) -> None:
    """From the moment it is created until it is disabled or deleted, and again once it is enabled."""
    assert given_work(units, event("pond.filled")) == []
    made = units.write(create_automation, automation(expect=["pond.filled"]))["id"]
    first, other = event("pond.filled"), event("pond.emptied")
    assert given_work(units, first, other) == [first.id]
    assert given_work(units, first) == [first.id], "the second time it is ignored"
    units.write(change_automation, made, {"enabled": False})
    assert given_work(units, event("pond.filled")) == []
    units.write(change_automation, made, {"enabled": True})
    assert len(given_work(units, event("pond.filled"))) == 1
    units.write(delete_automation, made)
    assert given_work(units, event("pond.filled")) == []


def test_another_process_learns_of_a_change_with_its_next_event(units: Units) -> None:
    """What a process remembers is compared in the statement that stores an event, so that it is never stale."""
    remembered = units.runtime.interest.catalogue
    made = units.write(create_automation, automation(expect=["pond.frozen"]))["id"]
    units.runtime.interest.remember(remembered)
    assert len(given_work(units, event("pond.frozen"))) == 1
    remembered = units.runtime.interest.catalogue
    units.write(delete_automation, made)
    units.runtime.interest.remember(remembered)
    assert given_work(units, event("pond.frozen")) == []


def test_a_change_that_is_rolled_back_is_not_remembered(units: Units) -> None:
    """The events of the unit itself see it, those after it do not, whatever number the next change has."""

    def fail(tx: Tx) -> None:
        create_automation(tx, automation(expect=["pond.painted"]))
        units.runtime.interest.current(tx)
        raise KeyError

    with pytest.raises(KeyError):
        units.write(fail)
    units.write(create_automation, automation(expect=["pond.cleaned"]))
    assert given_work(units, event("pond.painted")) == []


def test_an_automation_sees_the_events_of_its_own_unit(units: Units) -> None:
    """Such as that it was created."""
    made = units.write(create_automation, automation(expect=["prefect.automation.created"]))["id"]
    waiting = units.all(select(event_deliveries.c.consumer).where(event_deliveries.c.consumer == AUTOMATIONS.name))
    assert len(waiting) == 1
    assert made


def test_a_trigger_that_is_none_is_left_out(units: Units) -> None:
    """And keeps no other from its events."""
    broken = units.write(create_automation, automation(expect=["pond.seen"]))["id"]
    units.write(create_automation, automation(expect=["pond.seen"]))

    def spoil(tx: Tx) -> None:
        tx.run(update(automations).where(automations.c.id == broken).values(trigger={"type": "metric"}))
        change_automation(tx, broken, {"enabled": True})

    units.write(spoil)
    assert len(given_work(units, event("pond.seen"))) == 1


def test_workspaces_have_automations_of_their_own(units: Units) -> None:
    """One sees no events of another."""
    catalogue = units.read(units.runtime.interest.current)
    assert catalogue.of(new_id()).wants(COVERED) is False
    assert catalogue.of(DEFAULT_WORKSPACE_ID).watches == []


def test_an_event_that_concerns_none_of_a_thousand_costs_nearly_nothing() -> None:
    """Of its name, too: triggers are found by the values that they name, not tried one by one."""
    index = Index()
    for number in range(1000):
        specification = {"prefect.resource.id": f"prefect.tag.{number}", "prefect.resource.role": "tag"}
        index.add(new_id(), trigger(expect=["garden.*"], match_related=specification))
    watched = index.wants
    watched(COVERED)
    start = perf_counter()
    for _ in range(100):
        assert watched(COVERED) is False
    assert (perf_counter() - start) / 100 < 0.001
