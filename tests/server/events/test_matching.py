"""Filters: what the database finds and what a live stream lets through is the same."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from podium.db.ids import new_id
from podium.server.events.event import Event
from podium.server.events.matching import compile_filter
from podium.server.events.outbox import store_client_events
from podium.server.queries.event_counts import count_events
from podium.server.queries.events import list_events, read_events_after
from podium.wire.events import EventFilter
from tests.server.conftest import Units
from tests.server.events.samples import START, event, related

LATER = START + timedelta(minutes=1)

EVENTS = {
    "plain": event("garden.watered", "garden.1"),
    "named": event("garden.watered", "garden.2", labels={"prefect.resource.name": "Rose", "kind": "flower.bed"}),
    "later": event("garden.dug", "garden.1", occurred=LATER, payload={"tool": "Spade", "depth": "50%"}),
    "owned": event("house.sold", "house.1", related=[related("person.1", "owner"), related("person.2", "agent")]),
    "tagged": event("house.built", "house_2", related=[related("person.2", "owner", team="Blue*Green")]),
    "odd": event("a%b_c*d?[e]", "odd[1]", labels={'quo"te': "x", "wild": "[abc]*?"}),
}

FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "plain named later owned tagged odd"),
    ({"event": {"name": ["garden.dug", "house.sold"]}}, "later owned"),
    ({"event": {"name": []}}, "plain named later owned tagged odd"),
    ({"event": {"prefix": ["garden."]}}, "plain named later"),
    ({"event": {"prefix": ["a%", "zzz"]}}, "odd"),
    ({"event": {"prefix": ["a%b_c*d?["]}}, "odd"),
    ({"event": {"prefix": ["a_b"]}}, ""),
    ({"event": {"prefix": ["Garden"]}}, ""),
    ({"event": {"exclude_prefix": ["garden", "a"]}}, "owned tagged"),
    ({"event": {"prefix": ["garden"], "exclude_name": ["garden.dug"]}}, "plain named"),
    ({"occurred": {"since": LATER.isoformat()}}, "later"),
    ({"occurred": {"until": START.isoformat()}}, "plain named owned tagged odd"),
    ({"id": {"id": []}}, "plain named later owned tagged odd"),
    ({"resource": {"id": ["garden.1"]}}, "plain later"),
    ({"resource": {"id_prefix": ["house"]}}, "owned tagged"),
    ({"resource": {"id_prefix": ["house_"]}}, "tagged"),
    ({"resource": {"id_prefix": ["odd["]}}, "odd"),
    ({"resource": {"labels": {"kind": "flower.bed"}}}, "named"),
    ({"resource": {"labels": {"kind": "FLOWER.bed"}}}, ""),
    ({"resource": {"labels": {"kind": ["tree", "flower*"]}}}, "named"),
    ({"resource": {"labels": {"kind": "flower?bed"}}}, "named"),
    ({"resource": {"labels": {"kind": "!tree"}}}, "named"),
    ({"resource": {"labels": {"kind": "!flower.*"}}}, ""),
    ({"resource": {"labels": {"prefect.resource.id": "garden.*"}}}, "plain named later"),
    ({"resource": {"labels": {"prefect.resource.name": "Rose", "kind": "*"}}}, "named"),
    ({"resource": {"labels": {'quo"te': "x"}}}, "odd"),
    ({"resource": {"labels": {"wild": "[abc]*"}}}, "odd"),
    ({"resource": {"labels": {"absent": "!x"}}}, ""),
    ({"related": {"id": ["person.2"]}}, "owned tagged"),
    ({"related": {"id": ["person.2"], "role": ["owner"]}}, "tagged"),
    ({"related": {"role": ["owner"]}}, "owned tagged"),
    ({"related": {"resources_in_roles": [["person.2", "agent"], ["person.9", "owner"]]}}, "owned"),
    ({"related": [{"id": ["person.1"]}, {"id": ["person.2"]}]}, "owned"),
    ({"related": {"labels": {"team": "Blue*"}}}, "tagged"),
    ({"related": {"labels": {"prefect.resource.role": "agent"}}}, "owned"),
    ({"related": {"id": ["garden.1"]}}, ""),
    ({"any_resource": {"id": ["person.1", "garden.2"]}}, "named owned"),
    ({"any_resource": {"id_prefix": ["person."]}}, "owned tagged"),
    ({"any_resource": [{"id": ["garden.1"]}, {"labels": {"team": "*"}}]}, "plain later tagged"),
    ({"text": {"query": "SPADE"}}, "later"),
    ({"text": {"query": "spade rose"}}, "named later"),
    ({"text": {"query": "garden -dug"}}, "plain named"),
    ({"text": {"query": '+garden "flower.bed"'}}, "named"),
    ({"text": {"query": "50%"}}, "later"),
]


@pytest.fixture(scope="module", autouse=True)
def stored(units: Units) -> Iterator[None]:
    units.write(store_client_events, list(EVENTS.values()))
    yield


def names(found: list[dict[str, Any]]) -> set[str]:
    known = {each.id: name for name, each in EVENTS.items()}
    return {known[row["id"]] for row in found}


@pytest.mark.parametrize(("given", "expected"), FILTERS, ids=lambda value: str(value)[:60])
def test_a_filter_selects_the_same_events_in_the_database_and_in_a_stream(
    units: Units, given: dict[str, Any], expected: str
) -> None:
    """Each key of the contract's EventFilter, case and wildcards included."""
    wanted = msgspec.convert(given, EventFilter)
    assert names(units.read(list_events, wanted, 50)) == set(expected.split())
    assert units.read(count_events, wanted) == len(expected.split())
    matches = compile_filter(wanted)
    assert {name for name, each in EVENTS.items() if matches(each)} == set(expected.split())


def test_ids_select(units: Units) -> None:
    """In any spelling of a UUID."""
    wanted = msgspec.convert({"id": {"id": [EVENTS["owned"].id.upper(), new_id()]}}, EventFilter)
    assert names(units.read(list_events, wanted, 50)) == {"owned"}
    assert [name for name, each in EVENTS.items() if compile_filter(wanted)(each)] == ["owned"]


def test_distinct_keeps_the_newest_event_of_each_resource(units: Units) -> None:
    """Among those that match."""
    wanted = msgspec.convert({"resource": {"distinct": True, "id_prefix": ["garden"]}}, EventFilter)
    assert names(units.read(list_events, wanted, 50)) == {"named", "later"}
    assert units.read(count_events, wanted) == 2


def test_reading_on_from_the_last_one_misses_none_and_repeats_none(units: Units) -> None:
    """Also where many events have the same time."""
    wanted, read, after = EventFilter(), [], None
    while rows := units.read(read_events_after, wanted, after, 2):
        read += [row["id"] for row in rows]
        after = (rows[-1]["occurred"], rows[-1]["id"])
    assert sorted(read) == sorted(each.id for each in EVENTS.values())


def test_a_payload_that_was_not_decoded_is_searched_too() -> None:
    """Events of clients carry their payload as bytes."""
    sent = Event(
        event="x", occurred=START, resource={"prefect.resource.id": "y"}, payload=msgspec.Raw(b'{"a":"Needle"}')
    )
    assert compile_filter(msgspec.convert({"text": {"query": "needle"}}, EventFilter))(sent)
