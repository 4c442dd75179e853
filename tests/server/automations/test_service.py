"""A server with its services: what is sent fires, at once, and what was done and what was not is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from podium.db.ids import new_id
from podium.wire.automation_firings import AutomationFiring, AutomationRefusal, AutomationTestResult
from tests.server.conftest import LiveServer, decode, settings_for


@pytest.fixture(scope="module")
def api(module_database_url: str) -> Iterator[httpx.Client]:
    settings = settings_for(module_database_url, PODIUM_SERVER_EVENTS_PROACTIVE_GRANULARITY=0.2)
    with LiveServer(settings, with_services=True) as live, httpx.Client(base_url=live.url, timeout=20) as client:
        yield client


def sent(name: str, resource: str = "kettle.1", **fields: Any) -> dict[str, Any]:
    occurred = datetime.now(UTC).isoformat()
    return {
        "id": new_id(),
        "occurred": occurred,
        "event": name,
        "resource": {"prefect.resource.id": resource},
        **fields,
    }


def automation(trigger: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"type": "event", "posture": "Reactive", **trigger}
    return {"name": "kettles", "trigger": body, "actions": [{"type": "do-nothing"}], **fields}


def created(api: httpx.Client, *args: Any, **fields: Any) -> str:
    answer = api.post("/automations/", json=automation(*args, **fields))
    assert answer.status_code == 201, answer.text
    automation_id: str = answer.json()["id"]
    return automation_id


def listed(api: httpx.Client, automation_id: str, what: str, count: int, seconds: float = 10) -> list[dict[str, Any]]:
    """The firings or refusals, once there are so many."""
    end = monotonic() + seconds
    while True:
        answer = api.get(f"/automations/{automation_id}/{what}")
        kind = list[AutomationFiring] if what == "firings" else list[AutomationRefusal]
        decode(answer, kind)
        rows: list[dict[str, Any]] = answer.json()
        if len(rows) >= count or monotonic() > end:
            assert len(rows) == count
            return rows
        sleep(0.05)


def test_an_event_fires_and_its_actions_are_queued(api: httpx.Client) -> None:
    """With its labels; those for that it fired come after those for what happened."""
    on_trigger = [{"type": "do-nothing"}]
    made = created(
        api, {"expect": ["kettle.boiled"], "for_each": ["prefect.resource.id"]}, actions_on_trigger=on_trigger
    )
    boiled = sent("kettle.boiled")
    api.post("/events", json=[boiled, sent("kettle.cooled")])
    [firing] = listed(api, made, "firings", 1)
    assert (firing["triggering_event_id"], firing["triggering_labels"]) == (
        boiled["id"],
        {"prefect.resource.id": "kettle.1"},
    )
    assert firing["firing"]["triggering_event"]["id"] == boiled["id"]
    assert [(each["action_index"], each["action"]["type"]) for each in firing["actions"]] == [
        (0, "do-nothing"),
        (1, "do-nothing"),
    ]
    query = {"filter": {"event": {"name": ["prefect.automation.triggered"]}, "id": {"id": [firing["id"]]}}}
    [event] = api.post("/events/filter", json=query).json()["events"]
    assert event["resource"] == {
        "prefect.resource.id": f"prefect.automation.{made}",
        "prefect.resource.name": "kettles",
        "prefect.posture": "Reactive",
    }
    role = {"prefect.resource.role": "triggering-event"}
    assert event["related"] == [{"prefect.resource.id": f"prefect.event.{boiled['id']}", **role}]
    assert event["payload"]["triggering_event"]["id"] == boiled["id"]
    assert event["payload"]["triggering_labels"] == {"prefect.resource.id": "kettle.1"}


def test_it_is_told_why_an_automation_did_not_fire(api: httpx.Client) -> None:
    """By a reason with a sentence, counted, newest first; a page at a time."""
    made = created(api, {"expect": ["kettle.filled"], "threshold": 3, "within": 60})
    first, second = sent("kettle.filled"), sent("kettle.filled")
    api.post("/events", json=[first, second])
    [refusal] = listed(api, made, "refusals", 1)
    assert (refusal["reason"], refusal["count"], refusal["last_event_id"]) == ("threshold_not_reached", 2, second["id"])
    assert (refusal["detail"]["count"], refusal["detail"]["threshold"], refusal["values"]) == (2, 3, [])
    assert refusal["meaning"] == "Too few events so far."
    late = sent("kettle.filled", occurred="2026-01-01T00:00:00Z")
    api.post("/events", json=[late])
    assert [each["reason"] for each in listed(api, made, "refusals", 2)] == ["event_too_old", "threshold_not_reached"]
    page = api.get(f"/automations/{made}/refusals", params={"limit": 1, "offset": 1}).json()
    assert [each["reason"] for each in page] == ["threshold_not_reached"]
    assert api.get(f"/automations/{made}/firings").json() == []


def test_what_is_asked_of_an_automation_that_is_none_is_404(api: httpx.Client) -> None:
    """In the words of all that is asked of automations."""
    for what in ("firings", "refusals"):
        answer = api.get(f"/automations/{new_id()}/{what}")
        assert (answer.status_code, list(answer.json())) == (404, ["exception_message"])


def test_a_proactive_trigger_fires_when_nothing_comes(api: httpx.Client) -> None:
    """In the order of ten seconds, the shortest window there is."""
    made = created(api, {"posture": "Proactive", "expect": ["kettle.sang"], "within": 10})
    assert listed(api, made, "firings", 0, seconds=3) == []
    [firing] = listed(api, made, "firings", 1, seconds=15)
    assert (firing["triggering_event_id"], firing["firing"]["posture"]) == (None, "Proactive")


def test_an_automation_is_tried_without_being_stored(api: httpx.Client) -> None:
    """When it would fire, with which actions, and why not otherwise; time goes on until the moment that is given."""
    start = datetime(2026, 1, 2, tzinfo=UTC)
    trigger = {
        "type": "sequence",
        "within": 60,
        "triggers": [
            {"type": "event", "posture": "Reactive", "expect": ["kettle.filled"]},
            {
                "type": "event",
                "posture": "Proactive",
                "after": ["kettle.lit"],
                "expect": ["kettle.boiled"],
                "within": 30,
            },
        ],
    }
    events = [
        sent("kettle.filled", occurred=start.isoformat()),
        sent("kettle.lit", occurred=(start + timedelta(seconds=5)).isoformat()),
    ]
    body = {"automation": automation({}), "events": events, "now": (start + timedelta(seconds=90)).isoformat()}
    body["automation"]["trigger"] = trigger
    before = api.post("/automations/count").json()
    answer = api.post("/automations/test", json=body)
    assert answer.status_code == 200, answer.text
    result = decode(answer, AutomationTestResult)
    [firing] = result.firings
    assert firing.triggered == start + timedelta(seconds=35)
    assert firing.triggering_event_id == events[1]["id"]
    assert [(each.action_index, each.action["type"], each.on_trigger) for each in firing.actions] == [
        (0, "do-nothing", False)
    ]
    assert [(each.trigger, each.reason) for each in result.refusals] == [
        ("trigger", "waiting_for_others"),
        ("trigger.triggers[1]", "window_opened"),
    ]
    body["automation"]["enabled"] = False
    disabled = decode(api.post("/automations/test", json=body), AutomationTestResult)
    assert (disabled.firings, {each.reason for each in disabled.refusals}) == ([], {"disabled"})
    assert api.post("/automations/count").json() == before


def test_a_trial_that_would_never_end_is_refused(api: httpx.Client) -> None:
    """As is one of an automation that could not be created."""
    body = {
        "automation": automation({"posture": "Proactive", "within": 10}),
        "events": [],
        "now": "2026-01-01T00:00:00Z",
    }
    body["events"] = [sent("kettle.sang", occurred="2020-01-01T00:00:00Z")]
    answer = api.post("/automations/test", json=body)
    assert (answer.status_code, "10000 windows" in answer.text) == (422, True)
    broken = {"type": "send-notification", "block_document_id": new_id(), "subject": "{{", "body": ""}
    body["automation"]["actions"] = [broken]
    assert api.post("/automations/test", json=body).status_code == 422
