"""What is taken for an event, and what is not."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from podium.server.events.intake import BadEvent, Limits, parse_event
from tests.server.events.samples import event, frame, related

LIMITS = Limits(name=1024, labels=500, related=100)


def test_a_frame_becomes_an_event() -> None:
    """The payload is kept as it was written, ids are put in their canonical form."""
    sent = event(related=[related("a", "b")], payload={"b": 1, "a": [None, 1.5]})
    taken = parse_event(frame(sent, id=sent.id.upper()), LIMITS)
    assert taken.id == sent.id
    assert (taken.event, taken.resource, taken.related) == (sent.event, sent.resource, sent.related)
    assert bytes(taken.payload) == b'{"b":1,"a":[null,1.5]}'


@pytest.mark.parametrize(
    "text",
    ["2026-05-06T14:00:00+02:00", "2026-05-06 12:00:00.000000+00:00", "2026-05-06T12:00:00", "2026-05-06T12:00:00Z"],
)
def test_any_way_to_write_a_moment_is_read(text: str) -> None:
    """One without an offset is UTC."""
    assert parse_event(frame(event(), occurred=text), LIMITS).occurred == datetime(2026, 5, 6, 12, tzinfo=UTC)


def test_numbers_that_json_does_not_have_are_null() -> None:
    """Python clients write NaN."""
    text = frame(event(payload={"n": "here"})).replace('"here"', "NaN")
    assert parse_event(text, LIMITS).payload == {"n": None}


def test_a_payload_may_have_any_text() -> None:
    """A task run that failed with a NUL in its message is reported in one."""
    assert bytes(parse_event(frame(event(payload={"a": "\0"})), LIMITS).payload) == b'{"a":"\\u0000"}'


@pytest.mark.parametrize(
    "changes",
    [
        {"resource": {}},
        {"resource": {"prefect.resource.id": ""}},
        {"related": [{"prefect.resource.id": "x"}]},
        {"related": [{"prefect.resource.role": "x"}]},
        {"event": "x" * 1025},
        {"related": [related(f"r{number}", "x") for number in range(101)]},
        {"resource": {"prefect.resource.id": "x"} | {f"label-{number}": "" for number in range(500)}},
        {"id": "no uuid"},
        {"occurred": "yesterday"},
        {"event": "a\0b"},
        {"resource": {"prefect.resource.id": "a\0b"}},
        {"resource": {"prefect.resource.id": "x", "a\0b": ""}},
        {"related": [{"prefect.resource.id": "x", "prefect.resource.role": "\0"}]},
        {"payload": [1]},
        {"payload": None},
    ],
)
def test_what_breaks_the_contract_is_refused(changes: dict[str, Any]) -> None:
    """With a reason for the log."""
    with pytest.raises(BadEvent, match=r"."):
        parse_event(frame(event(), **changes), LIMITS)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "\x00", '"text"', "[" * 100_000])
def test_what_is_no_object_is_refused(text: str) -> None:
    """Whatever a client sends, nothing else is raised."""
    with pytest.raises(BadEvent):
        parse_event(text, LIMITS)


def test_a_limit_itself_is_allowed() -> None:
    """Only what is beyond it is refused."""
    full = event(
        "x" * 1024,
        labels={f"label-{number}": "" for number in range(499)},
        related=[related(f"r{number}", "x") for number in range(100)],
    )
    assert msgspec.structs.asdict(parse_event(frame(full), LIMITS))["event"] == full.event
