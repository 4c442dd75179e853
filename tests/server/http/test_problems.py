"""What an answer looks like when the server refuses, on both databases."""

import logging
from typing import Any

import httpx
import msgspec
import pytest

from podium.db.ids import new_id
from podium.db.unit import Tx
from podium.wire.problems import InvalidRequest, Problem, Refusal
from tests.server.conftest import LiveServer, decode


def test_a_body_that_does_not_validate(api: httpx.Client) -> None:
    """422 names each place, the reason and what stood there, and repeats the body."""
    response = api.post("/flows/", json={"name": 1, "tags": []})
    assert response.status_code == 422
    refused = decode(response, InvalidRequest)
    assert refused.exception_message == "Invalid request received."
    [error] = refused.exception_detail
    assert (error.type, error.loc, error.input) == ("string_type", ["body", "name"], 1)
    assert refused.request_body == {"name": 1, "tags": []}


@pytest.mark.parametrize(
    ("content", "kind", "place"),
    [
        (b"", "missing", ["body"]),
        (b"{", "json_invalid", ["body", 1]),
        (b"null", "dict_type", ["body"]),
        (b"[]", "dict_type", ["body"]),
        (b"{}", "missing", ["body", "name"]),
        (b'{"name":"\xff"}', "json_invalid", ["body", 0]),
    ],
)
def test_a_body_that_is_none(api: httpx.Client, content: bytes, kind: str, place: list[Any]) -> None:
    """Nothing, half a body, another type, bytes that are no text: 422 with the place."""
    response = api.post("/flows/", content=content)
    assert response.status_code == 422
    [error] = decode(response, InvalidRequest).exception_detail
    assert error.type == kind
    assert error.loc[: len(place)] == place or kind == "json_invalid"


@pytest.mark.parametrize(("query", "kind"), [("", "missing"), ("?flow_run_id=x", "uuid_parsing")])
def test_a_query_that_does_not_validate(api: httpx.Client, query: str, kind: str) -> None:
    """A query parameter that is missing or wrong is told as one of a body is."""
    response = api.get(f"/flow_run_states/{query}")
    assert response.status_code == 422
    [error] = decode(response, InvalidRequest).exception_detail
    assert (error.type, error.loc) == (kind, ["query", "flow_run_id"])


def test_a_filter_with_an_unknown_key(api: httpx.Client) -> None:
    """A key that a filter does not have is refused: ignoring it would widen what matches."""
    response = api.post("/flows/filter", json={"flows": {"nmae": {"any_": ["a"]}}})
    assert response.status_code == 422
    [error] = decode(response, InvalidRequest).exception_detail
    assert (error.type, error.loc) == ("extra_forbidden", ["body", "flows", "nmae"])


@pytest.mark.parametrize("limit", [-1, 201, 10**30])
def test_a_limit_out_of_range(api: httpx.Client, limit: int) -> None:
    """Clients look for these two words."""
    response = api.post("/flows/filter", json={"limit": limit})
    assert response.status_code == 422
    assert "Invalid limit" in response.text


@pytest.mark.parametrize("path", ["/flows/xyz", "/flows/%00", "/flows/%ff", "/flow_runs/1/graph-v2", "/nowhere"])
def test_a_path_that_leads_nowhere(api: httpx.Client, path: str) -> None:
    """An id that is none is a path that does not exist, not a wrong value."""
    response = api.get(path)
    assert response.status_code == 404
    assert decode(response, Problem).detail == "Not Found"


def test_an_object_that_is_not_there(api: httpx.Client) -> None:
    """404 with a detail; where the contract says so with ``exception_message``."""
    response = api.get(f"/flows/{new_id()}")
    assert response.status_code == 404
    assert "not found" in decode(response, Problem).detail.lower()
    response = api.post(f"/flow_runs/{new_id()}/set_state", json={"state": {"type": "RUNNING"}})
    assert response.status_code == 404
    assert decode(response, Refusal).exception_message


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET", "HEAD", "TRACE"])
def test_a_method_that_is_not_offered(api: httpx.Client, method: str) -> None:
    """405 names those that are."""
    response = api.request(method, "/flows/")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    if method != "HEAD":
        assert decode(response, Problem).detail == "Method Not Allowed"


def test_a_duplicate(api: httpx.Client) -> None:
    """409 with a detail."""
    name = f"v_{new_id().replace('-', '_')}"
    assert api.post("/variables/", json={"name": name, "value": 1}).status_code == 201
    response = api.post("/variables/", json={"name": name, "value": 2})
    assert response.status_code == 409
    assert decode(response, Problem).detail


def test_no_slot(api: httpx.Client) -> None:
    """423 says in ``Retry-After`` how many seconds to wait."""
    api.post("/v2/concurrency_limits/", json={"name": "one-slot", "limit": 1})
    taken = {"names": ["one-slot"], "slots": 1}
    assert api.post("/v2/concurrency_limits/increment", json=taken).status_code == 200
    response = api.post("/v2/concurrency_limits/increment", json=taken)
    assert response.status_code == 423
    assert decode(response, Problem).detail == "Locked"
    assert float(response.headers["Retry-After"]) >= 0


def test_a_mistake_of_ours(server: LiveServer, api: httpx.Client, monkeypatch: Any, caplog: Any) -> None:
    """500 tells the caller nothing but that; the log has the reason. The connection stays usable."""

    def broken(tx: Tx, *args: Any) -> None:
        raise LookupError("canary")

    monkeypatch.setattr("podium.server.health.look", broken)
    with caplog.at_level(logging.ERROR):
        response = api.get("/ready")
    assert response.status_code == 500
    assert decode(response, Refusal).exception_message == "Internal Server Error"
    assert "canary" not in response.text
    assert "canary" in caplog.text
    assert api.get("/health").json() is True


def test_answers_are_json(api: httpx.Client) -> None:
    """Every refusal is JSON and says so."""
    for response in (api.get("/nowhere"), api.put("/flows/"), api.post("/flows/")):
        assert response.headers["Content-Type"] == "application/json"
        msgspec.json.decode(response.content)
