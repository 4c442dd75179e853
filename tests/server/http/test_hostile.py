"""What nobody should send: each is refused with a 4xx, nothing of it is stored, and the server goes on."""

import json
from typing import Any

import httpx
import pytest

from podium.db.ids import new_id

NUL = "a\0b"
ENDS_OF_TIME = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


@pytest.fixture
def flow(api: httpx.Client) -> str:
    """The id of a flow."""
    flow_id: str = api.post("/flows/", json={"name": "hostile"}).json()["id"]
    return flow_id


def count(api: httpx.Client, what: str) -> int:
    number: int = api.post(f"/{what}/count", json={}).json()
    return number


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/flows/", {"name": NUL}),
        ("/flows/", {"name": "tagged", "tags": [NUL]}),
        ("/flows/", {"name": "labelled", "labels": {"a": NUL}}),
        ("/flows/filter", {"flows": {"name": {"any_": [NUL]}}}),
        ("/flows/filter", {"flows": {"name": {"like_": NUL}}}),
        (
            "/events",
            [
                {
                    "id": new_id(),
                    "occurred": "2026-01-01T00:00:00Z",
                    "event": NUL,
                    "resource": {"prefect.resource.id": "a"},
                }
            ],
        ),
    ],
)
def test_nul(api: httpx.Client, path: str, body: Any) -> None:
    """PostgreSQL has no text with NUL, so neither has SQLite: that is the caller's mistake, and its place is named."""
    before = count(api, "flows")
    response = api.post(path, json=body)
    assert response.status_code == 422
    assert "NUL" in response.json()["exception_detail"][0]["msg"]
    assert count(api, "flows") == before


def test_nul_in_a_path(api: httpx.Client) -> None:
    """There is nothing of that name."""
    assert api.get("/flows/name/nothing%00here").status_code in (404, 422)


def test_nul_in_what_a_run_says(api: httpx.Client, flow: str) -> None:
    """A run whose error or log has a NUL still fails and still logs; the NUL is left out."""
    run = api.post("/flow_runs/", json={"flow_id": flow}).json()["id"]
    answer = api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": "FAILED", "message": NUL}})
    assert answer.status_code == 201
    assert answer.json()["state"]["message"] == "ab"
    line = {"name": "x", "level": 20, "message": NUL, "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": run}
    assert api.post("/logs/", json=[line]).status_code == 201
    [log] = api.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [run]}}}).json()
    assert log["message"] == "ab"


def test_parameters_are_kept_as_they_came(api: httpx.Client, flow: str) -> None:
    """Nobody searches in parameters, so they may hold any JSON."""
    parameters = {"nul": NUL, "huge": 10**400, "order": {"b": 1, "a": 2}, "\U0001f600": ["é"]}
    run = api.post("/flow_runs/", json={"flow_id": flow, "parameters": parameters}).json()["id"]
    assert api.get(f"/flow_runs/{run}").json()["parameters"] == parameters


@pytest.mark.parametrize(
    "content", [rb'{"name":"\ud800"}', rb'{"name":"a","labels":{"\udfff":1}}', b'{"name":"\xed\xa0\x80"}']
)
def test_half_characters(api: httpx.Client, content: bytes) -> None:
    """A lone surrogate is no text."""
    before = count(api, "flows")
    assert api.post("/flows/", content=content).status_code == 422
    assert count(api, "flows") == before


@pytest.mark.parametrize("number", [10**10, 10**19, 10**30, 10**400, -(10**30)])
@pytest.mark.parametrize(
    ("path", "field"),
    [("/flows/filter", "offset"), ("/flows/filter", "limit"), ("/flows/paginate", "page"), ("/logs/", "level")],
)
def test_huge_numbers(api: httpx.Client, path: str, field: str, number: int) -> None:
    """A number beyond what a column or a statement holds is refused, or matches nothing; it is never our failure."""
    body: Any = {field: number}
    if path == "/logs/":
        body = [{"name": "x", "level": number, "message": "m", "timestamp": "2026-01-01T00:00:00Z"}]
    assert api.post(path, json=body).status_code in (200, 201, 422)
    assert api.post("/logs/filter", json={}).status_code == 200


def test_numbers_no_one_can_read(api: httpx.Client, flow: str) -> None:
    """More digits than a number may have, and more than a float holds."""
    for number in ("9" * 9000, "1e999", "-1e999"):
        content = f'{{"flow_id":"{flow}","parameters":{{"a":{number}}}}}'
        assert api.post("/flow_runs/", content=content).status_code == 422


def test_not_a_number(api: httpx.Client, flow: str) -> None:
    """NaN and the infinities are read as null, as clients write them for want of better."""
    content = f'{{"flow_id":"{flow}","parameters":{{"a":[NaN,Infinity,-Infinity]}}}}'
    run = api.post("/flow_runs/", content=content).json()
    assert api.get(f"/flow_runs/{run['id']}").json()["parameters"] == {"a": [None, None, None]}
    assert api.post("/flows/", content='{"name":NaN}').status_code == 422


@pytest.mark.parametrize("opened", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [900, 1000, 5000, 200_000])
@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("/flows/", '{"name":', "}"),
        ("/flows/", '{"name":"deep","labels":', "}"),
        ("/flows/filter", '{"flows":', "}"),
        ("/flow_runs/", '{"flow_id":"%s","parameters":{"a":', "}}"),
        ("/artifacts/", '{"key":"deep","data":', "}"),
        ("/flows/", "", ""),
    ],
)
def test_bombs_of_nesting(
    api: httpx.Client, flow: str, path: str, before: str, after: str, opened: str, depth: int
) -> None:
    """However deep a body is nested, it is stored and can be read, or it is refused."""
    closed = "]" if opened == "[" else "}"
    content = f"{before.replace('%s', flow)}{opened * depth}1{closed * depth}{after}"
    response = api.post(path, content=content)
    assert response.status_code in (201, 422), response.text[:200]
    if response.status_code == 201 and path == "/flow_runs/":
        assert api.get(f"/flow_runs/{response.text[7:43]}").status_code == 200
    assert api.get("/health").status_code == 200


@pytest.mark.parametrize("moment", ENDS_OF_TIME)
def test_the_ends_of_time(api: httpx.Client, flow: str, moment: str) -> None:
    """A moment that has no date in UTC would be stored and never be read again, nor would the lists it is in."""
    line = {"name": "x", "level": 20, "message": "m", "timestamp": moment}
    scheduled = {"type": "SCHEDULED", "state_details": {"scheduled_time": moment}}
    event = {"id": new_id(), "occurred": moment, "event": "e", "resource": {"prefect.resource.id": "a"}}
    filtered = {"flow_runs": {"start_time": {"before_": moment}}}
    assert api.post("/logs/", json=[line]).status_code == 422
    assert api.post("/flow_runs/", json={"flow_id": flow, "state": scheduled}).status_code == 422
    assert api.post("/events", json=[event]).status_code == 422
    assert api.post("/flow_runs/filter", json=filtered).status_code == 422
    for path in ("/logs/filter", "/flow_runs/filter", "/events/filter"):
        assert api.post(path, json={}).status_code == 200


def test_names_longer_than_an_index_takes(api: httpx.Client) -> None:
    """Refused on both databases, though only one has such a limit."""
    name = "".join(new_id() for _ in range(3000))
    answer = api.post("/flows/", json={"name": name})
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["loc"] == ["body", "name"]
    assert api.post("/flows/", json={"name": f"{name[:1900]}"}).status_code == 201


def test_filters_with_more_values_than_a_statement_takes(api: httpx.Client) -> None:
    """Refused where the statement would be too large; never a failure of ours."""
    for number in (40_000, 70_000):
        names = [str(each) for each in range(number)]
        for wanted in ({"name": {"any_": names}}, {"id": {"any_": [new_id() for _ in names]}}):
            assert api.post("/flows/filter", json={"flows": wanted}).status_code in (200, 422)
    many = {"flow_runs": {"state": {"name": {"any_": [f"state-{each}" for each in range(3000)]}}}}
    assert api.post("/flow_runs/filter", json=many).status_code in (200, 422)


def test_headers_that_are_no_text(api: httpx.Client) -> None:
    """Bytes beyond ASCII in any header a client sends are no reason to fail."""
    for name in ("User-Agent", "X-PREFECT-API-VERSION", "Prefect-Automation-Name", "Accept-Encoding", "Origin"):
        response = api.post("/flows/filter", json={}, headers={name.encode(): b"\xff\xfe\xe4"})
        assert response.status_code in (200, 400), name


def test_bodies_of_another_type(api: httpx.Client) -> None:
    """What is not JSON is not taken for nothing: a filter of nothing matches everything."""
    content = json.dumps({"flows": {"id": {"any_": []}}})
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"):
        response = api.post("/flow_runs/bulk_delete", content=content, headers={"Content-Type": media})
        assert response.status_code == 422
        assert media in response.text
    for media in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.podium+json"):
        response = api.post("/flows/filter", content="{}", headers={"Content-Type": media})
        assert response.status_code == 200
