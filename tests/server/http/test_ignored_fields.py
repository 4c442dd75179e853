"""What newer clients send in vain is ignored, and can be seen."""

import logging

import httpx
import pytest

from podium.db.ids import new_id
from podium.server.ignored_fields import MOST_NAMES, OTHER, IgnoredFields


def told(api: httpx.Client, operation: str) -> dict[str, int]:
    counts: dict[str, int] = api.get("/podium/status").json()["ignored_fields"].get(operation, {})
    return counts


def test_a_field_nobody_reads_is_counted_and_named(api: httpx.Client) -> None:
    """In the answer, and by operation in the status of the server; the body is taken all the same."""
    before = told(api, "POST /flows/")
    answer = api.post("/flows/", json={"name": new_id(), "colour": "red", "size": {"a": 1}})
    assert (answer.status_code, answer.headers["Podium-Ignored-Fields"]) == (201, "colour, size")
    api.post("/flows/", json={"name": new_id(), "colour": "blue"}).raise_for_status()
    after = told(api, "POST /flows/")
    assert {name: after[name] - before.get(name, 0) for name in after} == {"colour": 2, "size": 1}


def test_within_objects_too(api: httpx.Client) -> None:
    """By its place."""
    flow = api.post("/flows/", json={"name": new_id()}).json()
    assert "Podium-Ignored-Fields" not in api.post("/flow_runs/", json={"flow_id": flow["id"]}).headers
    state = {"type": "PENDING", "state_details": {"mood": 1}}
    made = api.post("/flow_runs/", json={"flow_id": flow["id"], "state": state})
    assert made.headers["Podium-Ignored-Fields"] == "state.state_details.mood"
    assert told(api, "POST /flow_runs/")["state.state_details.mood"] >= 1


def test_a_field_of_a_filter_is_refused(api: httpx.Client) -> None:
    """Ignored, it would widen what is found."""
    answer = api.post("/flows/filter", json={"flows": {"colour": {"any_": ["red"]}}})
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["loc"] == ["body", "flows", "colour"]


def test_each_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """With who sent it."""
    fields = IgnoredFields()
    with caplog.at_level(logging.WARNING, "podium.server"):
        for _ in range(3):
            fields.note("POST /flows/", ["colour"], "prefect/9.9")
    assert [record.getMessage() for record in caplog.records] == [
        "POST /flows/ ignores the field colour, which 'prefect/9.9' sends"
    ]


def test_a_body_of_many_such_fields_is_answered(api: httpx.Client) -> None:
    """With a header of a size that clients take."""
    answer = api.post("/saved_searches/filter", json={f"field-{number}": number for number in range(20_000)})
    assert answer.status_code == 200
    assert answer.headers["Podium-Ignored-Fields"].split(", ")[-1] == OTHER
    assert len(told(api, "POST /saved_searches/filter")) <= MOST_NAMES + 1


def test_names_that_a_caller_makes_up_take_no_room() -> None:
    """Beyond so many, and what is no name, are counted together."""
    fields = IgnoredFields()
    for number in range(MOST_NAMES + 5):
        fields.note("POST /flows/", [f"field-{number}"], "")
    assert fields.note("POST /flows/", ["a\r\nb", "x" * 101, "\u00e9", "field-1"], "") == [OTHER, "field-1"]
    counts = fields.counts()["POST /flows/"]
    assert (len(counts), counts[OTHER], counts["field-1"]) == (MOST_NAMES + 1, 6, 2)
