"""The schedules of a deployment over HTTP."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from podium.db.unit import Tx
from podium.profiles import load_settings
from podium.server.errors import InvalidRequest
from podium.server.operations.deployment_schedules import schedule_values
from podium.wire.schedules import CronSchedule, DeploymentScheduleCreate

UNKNOWN = "00000000-0000-0000-0000-000000000009"


@pytest.fixture
def path(api: httpx.Client) -> str:
    """The path of a deployment without schedules."""
    flow = api.post("/flows/", json={"name": f"flow-{uuid4()}"}).json()
    deployment = api.post("/deployments/", json={"name": "daily", "flow_id": flow["id"]}).json()
    return f"/deployments/{deployment['id']}"


def every(seconds: int, **more: Any) -> dict[str, Any]:
    return {"schedule": {"interval": seconds}, **more}


def patch(api: httpx.Client, path: str, *schedules: dict[str, Any]) -> int:
    return api.patch(path, json={"schedules": list(schedules)}).status_code


def shown(api: httpx.Client, path: str) -> dict[str | None, float]:
    schedules = api.get(f"{path}/schedules").json()
    return {schedule["slug"]: schedule["schedule"].get("interval") for schedule in schedules}


def test_what_is_stored_of_each_kind(api: httpx.Client, path: str) -> None:
    sent = [
        {"schedule": {"interval": "PT1H", "anchor_date": "2026-01-01T00:00:00+02:00", "timezone": "Europe/Paris"}},
        {"schedule": {"cron": "@daily"}, "active": False, "max_scheduled_runs": 3, "parameters": {"a": 1}},
        {"schedule": {"rrule": "FREQ=DAILY"}, "slug": "rule"},
    ]
    response = api.post(f"{path}/schedules", json=sent)
    assert response.status_code == 201
    interval, cron, rule = response.json()
    assert (interval["schedule"]["interval"], interval["schedule"]["timezone"]) == (3600.0, "Europe/Paris")
    assert cron["schedule"] == {"cron": "@daily", "timezone": None, "day_or": True}
    assert (cron["active"], cron["max_scheduled_runs"], cron["parameters"]) == (False, 3, {"a": 1})
    assert rule["schedule"] == {"rrule": "DTSTART:20200101T000000\nFREQ=DAILY", "timezone": "UTC"}
    assert [each["id"] for each in api.get(f"{path}/schedules").json()] == [rule["id"], cron["id"], interval["id"]]


@pytest.mark.parametrize(
    "schedule",
    [
        {"cron": "bad"},
        {"cron": "R * * * *"},
        {"cron": "* * * * *", "timezone": "Mars/Olympus"},
        {"rrule": "BAD"},
        {"interval": 0},
        {},
        {"cron": "* * * * *", "interval": 5},
    ],
)
def test_what_is_no_schedule(api: httpx.Client, path: str, schedule: dict[str, Any]) -> None:
    response = api.patch(path, json={"schedules": [{"schedule": schedule}]})
    assert response.status_code == 422
    assert response.json()["exception_detail"][0]["loc"][:4] == ["body", "schedules", 0, "schedule"]


def test_without_slugs_the_schedules_are_replaced(api: httpx.Client, path: str) -> None:
    assert patch(api, path, every(60), every(90)) == 204
    assert patch(api, path, every(120)) == 204
    assert shown(api, path) == {None: 120.0}
    assert patch(api, path) == 204
    assert shown(api, path) == {}


def test_with_slugs_they_are_merged(api: httpx.Client, path: str) -> None:
    assert patch(api, path, every(60, slug="a")) == 204
    assert patch(api, path, every(90, slug="b")) == 204
    assert shown(api, path) == {"a": 60.0, "b": 90.0}
    assert patch(api, path, every(120, slug="c", replaces="b")) == 204
    assert shown(api, path) == {"a": 60.0, "c": 120.0}
    assert patch(api, path, {"slug": "c", "active": False}) == 204
    assert patch(api, path) == 204
    assert shown(api, path) == {"a": 60.0, "c": 120.0}
    assert patch(api, path, every(60)) == 422
    assert patch(api, path, {"slug": "new", "active": False}) == 422
    assert shown(api, path) == {"a": 60.0, "c": 120.0}


def test_one_schedule_changes(api: httpx.Client, path: str) -> None:
    (schedule,) = api.post(f"{path}/schedules", json=[every(3600, slug="a")]).json()
    one = f"{path}/schedules/{schedule['id']}"
    api.post(f"{path}/schedule", json={})
    assert api.post("/flow_runs/count", json={"deployments": {"id": {"any_": [path[13:]]}}}).json() == 3
    assert api.patch(one, json={"slug": None, "schedule": {"cron": "0 0 * * *"}, "active": None}).status_code == 204
    (changed,) = api.get(f"{path}/schedules").json()
    assert (changed["slug"], changed["schedule"]["cron"], changed["active"]) == ("a", "0 0 * * *", True)
    assert api.post("/flow_runs/count", json={"deployments": {"id": {"any_": [path[13:]]}}}).json() == 0
    assert api.delete(one).status_code == 204
    assert api.delete(one).status_code == api.patch(one, json={}).status_code == 404


def test_a_slug_is_one_schedule_of_a_deployment(api: httpx.Client, path: str) -> None:
    assert api.post(f"{path}/schedules", json=[every(60, slug="a")]).status_code == 201
    assert api.post(f"{path}/schedules", json=[every(60, slug="a")]).status_code == 409


def test_schedules_of_no_deployment(api: httpx.Client) -> None:
    assert api.get(f"/deployments/{UNKNOWN}/schedules").status_code == 404
    assert api.post(f"/deployments/{UNKNOWN}/schedules", json=[]).status_code == 404


def test_scheduling_on_demand_over_a_change_of_the_clock(api: httpx.Client, path: str) -> None:
    api.post(f"{path}/schedules", json=[{"schedule": {"cron": "30 2 * * *", "timezone": "America/New_York"}}])
    span = {"start_time": "2027-03-13T12:00:00Z", "end_time": "2027-03-15T12:00:00Z", "min_time": 864000}
    response = api.post(f"{path}/schedule", json=span)
    assert (response.status_code, response.json()) == (200, None)
    runs = api.post(
        "/flow_runs/filter", json={"sort": "EXPECTED_START_TIME_ASC", "deployments": {"id": {"any_": [path[13:]]}}}
    )
    assert [run["expected_start_time"] for run in runs.json()] == ["2027-03-14T06:30:00Z", "2027-03-15T06:30:00Z"]


def test_a_schedule_may_ask_for_as_many_runs_as_the_setting_allows(api: httpx.Client, path: str) -> None:
    """50 unless ``server.deployment_schedule_max_scheduled_runs`` says otherwise."""
    answers = [api.post(f"{path}/schedules", json=[every(60, max_scheduled_runs=most)]) for most in (50, 51)]
    assert [answer.status_code for answer in answers] == [201, 422]
    sent = DeploymentScheduleCreate(schedule=CronSchedule(cron="@daily"), max_scheduled_runs=2)
    settings = load_settings(flags={"server.deployment_schedule_max_scheduled_runs": 1}, environ={})
    with pytest.raises(InvalidRequest):
        schedule_values(cast("Tx", SimpleNamespace(settings=settings)), sent, ())
