"""Variables over HTTP."""

from typing import Any

import httpx
import pytest

from podium.wire.variables import Variable
from tests.server.conftest import decode

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


def _make(api: httpx.Client, name: str, value: Any = 1, **values: Any) -> Variable:
    answer = api.post("/variables/", json={"name": name, "value": value, **values})
    assert answer.status_code == 201, answer.text
    variable: Variable = decode(answer, Variable)
    return variable


@pytest.mark.parametrize("value", ["text", 1, 1.5, True, None, {"a": [1, {"b": None}]}, [1, "x"]])
def test_a_variable_is_any_json(api: httpx.Client, value: Any) -> None:
    """It is read back as it was written, by name and by id."""
    name = f"json-{abs(hash(str(value)))}"
    variable = _make(api, name, value, tags=["t"])
    assert variable.value == value
    assert decode(api.get(f"/variables/name/{name}"), Variable) == variable
    assert decode(api.get(f"/variables/{variable.id}"), Variable) == variable


def test_a_name_is_used_once(api: httpx.Client) -> None:
    """Neither a new variable nor a renamed one may take it."""
    first, second = _make(api, "taken"), _make(api, "free")
    assert api.post("/variables/", json={"name": "taken", "value": 2}).status_code == 409
    assert api.patch(f"/variables/{second.id}", json={"name": "taken"}).status_code == 409
    assert api.patch("/variables/name/free", json={"name": "taken"}).status_code == 409
    assert api.patch(f"/variables/{first.id}", json={"name": "taken", "value": 3}).status_code == 204
    assert api.get("/variables/name/taken").json()["value"] == 3


def test_a_variable_can_be_changed(api: httpx.Client) -> None:
    """A value may become null; a name or tags of null change nothing."""
    variable = _make(api, "changing", "old", tags=["t"])
    assert api.patch(f"/variables/{variable.id}", json={"value": None, "name": None, "tags": None}).status_code == 204
    changed = decode(api.get(f"/variables/{variable.id}"), Variable)
    assert (changed.name, changed.value, changed.tags) == ("changing", None, ["t"])
    assert api.patch("/variables/name/changing", json={"name": "changed", "tags": []}).status_code == 204
    assert api.get("/variables/name/changed").json()["tags"] == []


def test_a_variable_can_be_deleted(api: httpx.Client) -> None:
    """By id and by name; then it is not found."""
    first, _ = _make(api, "gone"), _make(api, "gone_too")
    assert api.delete(f"/variables/{first.id}").status_code == 204
    assert api.delete("/variables/name/gone_too").status_code == 204
    for path in (f"/variables/{first.id}", "/variables/name/gone_too", f"/variables/{UNKNOWN}"):
        assert api.get(path).status_code == 404
        assert api.delete(path).status_code == 404
        assert api.patch(path, json={"value": 1}).status_code == 404


def test_variables_are_listed_and_counted(api: httpx.Client) -> None:
    """By name unless said otherwise."""
    for name in ("list_b", "list_a", "list_c"):
        _make(api, name, tags=["listed", name])
    mine = {"variables": {"tags": {"all_": ["listed"]}}}
    listed = api.post("/variables/filter", json=mine).json()
    assert [each["name"] for each in listed] == ["list_a", "list_b", "list_c"]
    newest = api.post("/variables/filter", json={**mine, "sort": "CREATED_DESC", "limit": 1}).json()
    assert [each["name"] for each in newest] == ["list_c"]
    assert api.post("/variables/count", json=mine).json() == 3
    assert api.post("/variables/count", json={"variables": {"name": {"like_": "LIST_A"}}}).json() == 1


@pytest.mark.parametrize("body", [{"name": "Upper", "value": 1}, {"name": "x" * 256, "value": 1}, {"name": "no-value"}])
def test_what_is_no_variable_is_refused(api: httpx.Client, body: dict[str, Any]) -> None:
    """Names are lowercase letters, digits, dashes and underscores, at most 255."""
    assert api.post("/variables/", json=body).status_code == 422


def test_a_value_has_a_longest_text(api: httpx.Client) -> None:
    """5000 characters of JSON."""
    assert api.post("/variables/", json={"name": "longest", "value": "x" * 4998}).status_code == 201
    assert api.post("/variables/", json={"name": "too_long", "value": "x" * 4999}).status_code == 422
