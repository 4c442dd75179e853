"""Bodies that are not as they should be: what is read all the same, and how the rest is refused."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from podium.wire.decoding import BadBody, decode, decode_query, encode, place
from podium.wire.deployments import DeploymentCreate
from podium.wire.events import NextPage
from podium.wire.flow_runs import FlowRunQuery
from podium.wire.flows import FlowCreate
from podium.wire.graph import GraphSince
from podium.wire.logs import LogCreate
from podium.wire.states import SetState

LINE = {"name": "n", "level": 20, "message": "m", "timestamp": "2026-11-20T18:01:50Z"}
DEPLOYMENT = {"name": "daily", "flow_id": "01a1fad9-f4c8-7cc0-b9fe-8606a5a6673f"}


def refusal(kind: Any, body: bytes) -> dict[str, Any]:
    """The only detail of the refusal of a body."""
    with pytest.raises(BadBody) as caught:
        decode(kind, body)
    (detail,) = caught.value.details
    encode(detail)  # the server says it to the client
    return detail


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T18:01:50.168303Z", datetime(2026, 11, 20, 18, 1, 50, 168303, tzinfo=UTC)),
        ("2026-11-20 18:01:50.168303+00:00", datetime(2026, 11, 20, 18, 1, 50, 168303, tzinfo=UTC)),
        ("2026-11-20T18:01:50+02:00", datetime(2026, 11, 20, 18, 1, 50, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-11-20T18:01:50", datetime(2026, 11, 20, 18, 1, 50, tzinfo=UTC)),
        ("2026-11-20 18:01:50.5", datetime(2026, 11, 20, 18, 1, 50, 500000, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    """Any offset is read, a blank may stand for the T, and without an offset it is UTC."""
    lines = decode(list[LogCreate], encode([LINE, {**LINE, "timestamp": text}]))
    assert lines[1].timestamp == moment
    assert lines[1].timestamp.tzinfo is not None


def test_moments_without_an_offset_cost_one_more_pass_not_one_each() -> None:
    """Correcting one place corrects it in every sibling."""
    naive = {**LINE, "timestamp": "2026-11-20T18:01:50"}
    lines = decode(list[LogCreate], encode([naive] * 2000))
    assert {line.timestamp for line in lines} == {datetime(2026, 11, 20, 18, 1, 50, tzinfo=UTC)}


def test_moments_inside_free_json_are_left_alone() -> None:
    """Only what is declared a moment is read as one."""
    body = encode({"state": {"type": "RUNNING", "data": {"at": "2026-11-20T18:01:50"}, "state_details": {
        "scheduled_time": "2026-11-20T18:01:50"}}})  # fmt: skip
    state = decode(SetState, body).state
    assert state.data == {"at": "2026-11-20T18:01:50"}
    assert state.state_details.scheduled_time == datetime(2026, 11, 20, 18, 1, 50, tzinfo=UTC)


@pytest.mark.parametrize("level", ["20", 20.0, "+20"])
def test_numbers_said_otherwise(level: Any) -> None:
    """A whole number may come as a float or as text."""
    assert decode(list[LogCreate], encode([{**LINE, "level": level}]))[0].level == 20


def test_truth_said_as_text() -> None:
    """A flag may come as the word."""
    assert decode(DeploymentCreate, encode({**DEPLOYMENT, "paused": "True"})).paused is True


def test_not_a_number_is_null() -> None:
    """NaN and Infinity, which JSON does not have, are read as null."""
    state = decode(
        SetState, b'{"state": {"type": "COMPLETED", "data": {"a": NaN, "b": [Infinity, -Infinity, 1]}}}'
    ).state
    assert state.data == {"a": None, "b": [None, None, 1]}
    assert encode({"a": float("nan")}) == b'{"a":null}'


def test_integers_of_any_size() -> None:
    """A number past 64 bits comes through unchanged, there and back."""
    large = 12345678901234567890123
    state = decode(SetState, b'{"state": {"type": "COMPLETED", "data": %d}}' % large).state
    assert state.data == large
    assert encode(state.data) == b"%d" % large


@pytest.mark.parametrize(
    ("kind", "body", "error", "loc"),
    [
        (FlowCreate, b"{}", "missing", ["name"]),
        (FlowCreate, b'{"name": 5}', "string_type", ["name"]),
        (FlowCreate, b'{"name": null}', "string_type", ["name"]),
        (FlowCreate, b'{"name": "a/b"}', "string_pattern_mismatch", ["name"]),
        (FlowCreate, b'{"name": "a", "tags": "x"}', "list_type", ["tags"]),
        (FlowCreate, b'{"name": "a", "tags": [1]}', "string_type", ["tags", 0]),
        (FlowCreate, b'{"name": "a", "labels": {"x": []}}', "bool_type", ["labels"]),
        (FlowCreate, b"[]", "dict_type", []),
        (list[LogCreate], b"{}", "list_type", []),
        (list[LogCreate], b'[{"name": "n", "level": 20, "message": "m"}]', "missing", [0, "timestamp"]),
        (SetState, b'{"state": {"type": "RUN"}}', "enum", ["state", "type"]),
        (SetState, b'{"state": {"type": "RUNNING", "state_details": {"transition_id": "x"}}}',
         "string_pattern_mismatch", ["state", "state_details", "transition_id"]),
        (FlowRunQuery, b'{"flow_runs": {"id": {"any_": ["x"]}}}', "uuid_parsing", ["flow_runs", "id", "any_", 0]),
        (FlowRunQuery, b'{"flow_runs": {"id": {"some_": []}}}', "extra_forbidden", ["flow_runs", "id", "some_"]),
        (FlowRunQuery, b'{"flow_runs": {"start_time": {"before_": "soon"}}}', "datetime_parsing",
         ["flow_runs", "start_time", "before_"]),
        (FlowRunQuery, b'{"offset": -1}', "greater_than_equal", ["offset"]),
        (FlowRunQuery, b'{"sort": "UP"}', "enum", ["sort"]),
    ],
)  # fmt: skip
def test_refusals_name_the_place(kind: Any, body: bytes, error: str, loc: list[str | int]) -> None:
    """A refused body says what is wrong and where, starting from ``body``."""
    detail = refusal(kind, body)
    assert (detail["type"], detail["loc"]) == (error, ["body", *loc])
    assert detail["msg"]


def test_a_refusal_repeats_what_came() -> None:
    """The value that was refused is given back; for a missing field that is what should have held it."""
    assert refusal(FlowCreate, b'{"name": 5}')["input"] == 5
    assert refusal(FlowCreate, b'{"tags": []}')["input"] == {"tags": []}
    assert refusal(FlowRunQuery, b'{"flow_runs": {"colour": "blue"}}')["input"] == "blue"
    assert refusal(list[LogCreate], encode([LINE, {**LINE, "level": "loud"}]))["input"] == "loud"


@pytest.mark.parametrize(
    ("schedule", "loc"),
    [
        ({}, ["schedule"]),
        ({"interval": 60, "cron": "* * * * *"}, ["schedule"]),
        ({"interval": 0}, ["schedule", "interval"]),
        ({"interval": "soon"}, ["schedule", "interval"]),
        ({"cron": 5}, ["schedule", "cron"]),
        ({"interval": 60, "anchor_date": "soon"}, ["schedule", "anchor_date"]),
    ],
)
def test_a_schedule_is_refused_at_its_own_place(schedule: dict[str, Any], loc: list[str]) -> None:
    """Schedules are read apart from the rest of a body, and still say where they are wrong."""
    body = encode({**DEPLOYMENT, "schedules": [{"schedule": {"cron": "* * * * *"}}, {"schedule": schedule}]})
    assert refusal(DeploymentCreate, body)["loc"] == ["body", "schedules", 1, *loc]


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"name": "a"', b"nonsense", b'{"name": "a"} x', b"\xff\xfe", b'"\xff"', b'"\\ud800"']
)
def test_what_is_no_json(body: bytes) -> None:
    """Broken JSON, bytes that are no text and text that is no Unicode are one kind of error."""
    assert refusal(FlowCreate, body)["type"] == "json_invalid"


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"name": "a", "labels": ' + b'{"a": ' * 100_000])
def test_what_is_nested_without_end(body: bytes) -> None:
    """A body that nests too deeply is refused like any other."""
    assert refusal(FlowCreate, body)["type"] == "recursion_loop"


def test_query_parameters() -> None:
    """Query parameters are text; moments, defaults, names with dashes and errors are as in bodies."""
    assert decode_query(GraphSince, {}).since == datetime.min.replace(tzinfo=UTC)
    assert decode_query(GraphSince, {"since": "2026-11-20T18:01:50"}).since == datetime(
        2026, 11, 20, 18, 1, 50, tzinfo=UTC
    )
    assert decode_query(NextPage, {"page-token": "abc"}).page_token == "abc"
    with pytest.raises(BadBody) as caught:
        decode_query(NextPage, {})
    assert caught.value.details[0]["loc"] == ["query", "page-token"]
    assert caught.value.details[0]["type"] == "missing"


def test_the_place_of_an_error_inside_an_error() -> None:
    """A Struct that refuses one of its fields is itself at a place: the two make one path."""
    text = "Expected more - at `$.within` - at `$.triggers[1]` - at `$.trigger`"
    assert place(text) == ("Expected more", ("trigger", "triggers", 1, "within"))


def test_moments_are_said_in_utc() -> None:
    """Moments end in Z, with microseconds unless there are none."""
    moment = datetime(2026, 11, 20, 18, 1, 50, 5, tzinfo=UTC)
    assert encode([moment, moment.replace(microsecond=0)]) == b'["2026-11-20T18:01:50.000005Z","2026-11-20T18:01:50Z"]'
