"""Automations over HTTP."""

from typing import Any

import httpx
import pytest

from podium.db.tables.automations import automation_related_resources, automations
from tests.server.conftest import Units
from tests.server.rows import Rows

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"
OWNER = f"prefect.deployment.{UNKNOWN}"


@pytest.fixture
def make(units: Units) -> Any:
    rows = Rows(units.write)

    def automation(name: str, resource: str | None = None, owned: bool = True) -> str:
        trigger = {"type": "event", "posture": "Reactive", "expect": ["x"], "threshold": 1, "within": 0}
        row_id = rows.add(automations, name=name, trigger=trigger, actions=[{"type": "do-nothing"}], tags=["t"])
        if resource is not None:
            rows.add(
                automation_related_resources,
                automation_id=row_id,
                resource_id=resource,
                automation_owned_by_resource=owned,
            )
        return row_id

    return automation


def test_automations_are_read_listed_and_counted(api: httpx.Client, make: Any) -> None:
    """By name unless said otherwise; what is not there is said so in the words of the object layer."""
    first, second = make("list-b"), make("list-a")
    mine = {"automations": {"id": {"any_": [first, second]}}}
    assert [each["name"] for each in api.post("/automations/filter", json=mine).json()] == ["list-a", "list-b"]
    by_name = {"automations": {"name": {"any_": ["list-a"]}}, "sort": "UPDATED_DESC"}
    assert [each["id"] for each in api.post("/automations/filter", json=by_name).json()] == [second]
    assert api.post("/automations/count", json=mine).json() == 2
    assert api.get(f"/automations/{first}").json()["trigger"]["posture"] == "Reactive"
    missing = api.get(f"/automations/{UNKNOWN}")
    assert (missing.status_code, list(missing.json())) == (404, ["exception_message"])


def test_a_deployment_replaces_the_automations_it_owns(api: httpx.Client, make: Any) -> None:
    """Those it owns are deleted, those that only act on it stay."""
    make("owned", OWNER)
    acting = make("acting", OWNER, owned=False)
    related = api.get(f"/automations/related-to/{OWNER}").json()
    assert [each["name"] for each in related] == ["acting", "owned"]
    answer = api.delete(f"/automations/owned-by/{OWNER}")
    assert (answer.status_code, answer.json()) == (202, None)
    assert [each["id"] for each in api.get(f"/automations/related-to/{OWNER}").json()] == [acting]
    assert api.delete(f"/automations/owned-by/{OWNER}").status_code == 202


def test_an_automation_can_be_deleted(api: httpx.Client, make: Any) -> None:
    """Once."""
    row_id = make("deleted")
    assert api.delete(f"/automations/{row_id}").status_code == 204
    assert api.delete(f"/automations/{row_id}").status_code == 404
