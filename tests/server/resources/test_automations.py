"""Automations over HTTP."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.automations import automation_buckets, automation_related_resources, automations
from podium.db.tables.events import events
from podium.wire.automations import Automation
from tests.server.conftest import Units, decode
from tests.server.rows import Rows, at

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


EVENT: dict[str, Any] = {"type": "event", "posture": "Reactive", "expect": ["x"], "threshold": 1, "within": 0}
RUN_STARTS = {**EVENT, "expect": ["prefect.flow-run.Pending"]}


def automation(trigger: Any = EVENT, actions: Any = ({"type": "do-nothing"},), **values: Any) -> dict[str, Any]:
    return {"name": "mine", "trigger": trigger, "actions": actions, **values}


def run(deployment_id: str = UNKNOWN, **values: Any) -> dict[str, Any]:
    return {"type": "run-deployment", "source": "selected", "deployment_id": deployment_id, **values}


@pytest.fixture
def deployment_id(api: httpx.Client) -> str:
    """A deployment on a pool whose runs need the integer ``cpus``."""
    variables = {"type": "object", "properties": {"cpus": {"type": "integer"}}, "required": ["cpus"]}
    template = {"job_configuration": {"cpus": "{{ cpus }}"}, "variables": variables}
    pool, flow = f"pool-{new_id()}", api.post("/flows/", json={"name": f"flow-{new_id()}"}).json()
    assert api.post("/work_pools/", json={"name": pool, "type": "t", "base_job_template": template}).status_code == 201
    body = {"name": "daily", "flow_id": flow["id"], "work_pool_name": pool, "job_variables": {"cpus": 1}}
    made: str = api.post("/deployments/", json=body).json()["id"]
    return made


def ids_of(trigger: dict[str, Any]) -> set[str]:
    return {trigger["id"]}.union(*(ids_of(inner) for inner in trigger.get("triggers", ())))


def events_of(units: Units, automation_id: str) -> list[str]:
    about = events.c.resource_id == f"prefect.automation.{automation_id}"
    return [row["event"].rpartition(".")[2] for row in units.all(select(events).where(about).order_by(events.c.id))]


def test_an_automation_is_stored_with_its_defaults_and_triggers_of_its_own(api: httpx.Client) -> None:
    """Whatever ids are sent, every trigger in it gets a new one."""
    pair = {"type": "sequence", "triggers": [EVENT, EVENT], "within": 5}
    trigger = {"type": "compound", "triggers": [{**EVENT, "id": UNKNOWN}, pair], "within": None, "require": "any"}
    webhook = {"type": "call-webhook", "block_document_id": UNKNOWN.upper(), "payload": {"a": "{{ event.id }}"}}
    answer = api.post("/automations/", json=automation(trigger, [webhook, run(schedule_after=90)], tags=["t"]))
    assert answer.status_code == 201, answer.text
    stored = decode(answer, Automation)
    assert (stored.name, stored.description, stored.enabled, stored.tags) == ("mine", "", True, ["t"])
    read = api.get(f"/automations/{stored.id}").json()
    assert read == answer.json()
    assert UNKNOWN not in ids_of(read["trigger"])
    assert len(ids_of(read["trigger"])) == 5
    assert read["actions"][0]["block_document_id"] == UNKNOWN
    assert read["actions"][0]["payload"] == '{\n  "a": "{{ event.id }}"\n}'
    assert read["actions"][1]["schedule_after"] == 90


def test_replacing_begins_anew(api: httpx.Client, units: Units) -> None:
    """Everything is replaced, triggers get other ids and forget what they saw; the owner stays."""
    owner = f"prefect.deployment.{new_id()}"
    made = api.post("/automations/", json=automation(owner_resource=owner, tags=["t"])).json()
    Rows(units.write).add(
        automation_buckets,
        automation_id=made["id"],
        trigger_id=made["trigger"]["id"],
        bucketing_key=[],
        bucketing_digest="",
        window_start=at(0),
        window_end=at(9),
    )
    assert api.put(f"/automations/{made['id']}", json=automation(name="other", enabled=False)).status_code == 204
    now = api.get(f"/automations/{made['id']}").json()
    assert (now["name"], now["enabled"], now["tags"], now["created"]) == ("other", False, [], made["created"])
    assert now["trigger"]["id"] != made["trigger"]["id"]
    mine = automation_buckets.c.automation_id == made["id"]
    assert units.all(select(automation_buckets).where(mine)) == []
    assert [each["name"] for each in api.get(f"/automations/related-to/{owner}").json()] == ["other"]
    assert api.put(f"/automations/{UNKNOWN}", json=automation()).status_code == 404


def test_an_automation_can_be_disabled_and_enabled(api: httpx.Client) -> None:
    """Nothing else can be changed so; what is not said stays."""
    made = api.post("/automations/", json=automation()).json()
    path = f"/automations/{made['id']}"
    for sent, expected in (({"enabled": False}, False), ({}, False), ({"name": "z"}, False), ({"enabled": True}, True)):
        assert api.patch(path, json=sent).status_code == 204
        now = api.get(path).json()
        assert (now["enabled"], now["name"], now["trigger"]) == (expected, "mine", made["trigger"])
    assert api.patch(path, json={"enabled": None}).status_code == 422
    assert api.patch(f"/automations/{UNKNOWN}", json={"enabled": True}).status_code == 404


def test_each_change_has_its_event(api: httpx.Client, units: Units) -> None:
    """With the whole automation as its payload."""
    made = api.post("/automations/", json=automation()).json()
    path = f"/automations/{made['id']}"
    api.patch(path, json={"enabled": False})
    api.put(path, json=automation(name="renamed"))
    last = api.get(path).json()
    api.delete(path)
    assert events_of(units, made["id"]) == ["created", "updated", "updated", "deleted"]
    listed = api.post("/events/filter", json={"filter": {"resource": {"id": [f"prefect.automation.{made['id']}"]}}})
    newest = listed.json()["events"][0]
    assert newest["event"] == "prefect.automation.deleted"
    assert newest["resource"]["prefect.resource.name"] == "renamed"
    assert newest["payload"] == last


def test_an_automation_is_related_to_the_deployments_it_runs(api: httpx.Client, deployment_id: str) -> None:
    """To those its actions select, after a change to those they select then; that is not to be owned by them."""
    resource = f"prefect.deployment.{deployment_id}"
    made = api.post("/automations/", json=automation(actions=[run(deployment_id), run(deployment_id)])).json()
    assert [each["id"] for each in api.get(f"/automations/related-to/{resource}").json()] == [made["id"]]
    api.delete(f"/automations/owned-by/{resource}")
    assert [each["id"] for each in api.get(f"/automations/related-to/{resource}").json()] == [made["id"]]
    api.put(f"/automations/{made['id']}", json=automation(actions=[run()]))
    assert api.get(f"/automations/related-to/{resource}").json() == []


@pytest.mark.parametrize(
    ("match", "related"),
    [
        ({}, {}),
        ({}, []),
        ({"prefect.resource.id": "prefect.flow-run.*"}, {}),
        ({"prefect.resource.id": ["prefect.flow-run.*"]}, [{}]),
    ],
)
def test_a_deployment_run_by_every_flow_run_is_refused(api: httpx.Client, match: Any, related: Any) -> None:
    """It would run itself for ever; a narrower match, a final state, or being disabled makes it right."""
    trigger = {**RUN_STARTS, "match": match, "match_related": related}
    assert api.post("/automations/", json=automation(trigger, [run()])).status_code == 422
    narrow = {"prefect.resource.role": "flow", "prefect.resource.name": "etl"}
    for right in (
        automation({**trigger, "match_related": narrow}, [run()]),
        automation({**trigger, "match": {"prefect.resource.name": "blue-*"}}, [run()]),
        automation({**trigger, "expect": ["prefect.flow-run.Completed"]}, [run()]),
        automation(trigger, [run()], enabled=False),
        automation({**trigger, "posture": "Proactive", "within": 60}, [run()]),
    ):
        assert api.post("/automations/", json=right).status_code == 201


def test_the_deployment_of_each_run_that_starts_is_never_run(api: httpx.Client) -> None:
    """However narrow the trigger is: it is the deployment of the run itself."""
    inferred = [{"type": "run-deployment", "source": "inferred"}]
    for name in ("Scheduled", "Pending", "Running", "*"):
        trigger = {**EVENT, "expect": ["x", f"prefect.flow-run.{name}"], "match": {"prefect.resource.name": "blue"}}
        assert api.post("/automations/", json=automation(trigger, inferred)).status_code == 422
    made = api.post("/automations/", json=automation(EVENT, inferred)).json()
    assert api.put(f"/automations/{made['id']}", json=automation(RUN_STARTS, inferred)).status_code == 422
    assert api.get(f"/automations/{made['id']}").json() == made


def test_job_variables_fit_the_pool_of_the_deployment(api: httpx.Client, deployment_id: str) -> None:
    """Those of the deployment count as given; a deployment whose variables are to be checked has to exist."""
    for variables, status in (({"cpus": 2}, 201), ({"cpus": "two"}, 422), ({}, 201), (None, 201)):
        answer = api.post("/automations/", json=automation(actions=[run(deployment_id, job_variables=variables)]))
        assert answer.status_code == status, answer.text
    assert api.post("/automations/", json=automation(actions=[run(job_variables={"cpus": 2})])).status_code == 404
    assert api.post("/automations/", json=automation(actions=[run()])).status_code == 201


@pytest.mark.parametrize(
    ("trigger", "where"),
    [
        ({"type": "metric"}, ["trigger", "type"]),
        ({"type": "event"}, ["trigger", "posture"]),
        ({**EVENT, "within": -1}, ["trigger", "within"]),
        ({**EVENT, "within": None}, ["trigger", "within"]),
        ({**EVENT, "posture": "Proactive", "within": 9}, ["trigger", "within"]),
        ({"type": "sequence", "triggers": [EVENT]}, ["trigger", "within"]),
        ({"type": "compound", "triggers": [EVENT], "within": 1, "require": 2}, ["trigger", "require"]),
        ({"type": "compound", "triggers": [EVENT], "within": 1, "require": 0}, ["trigger", "require"]),
        ({"type": "compound", "triggers": [EVENT], "within": 1, "require": "most"}, ["trigger", "require"]),
    ],
)
def test_what_is_no_trigger_is_refused(api: httpx.Client, trigger: Any, where: list[str]) -> None:
    """The answer names the field."""
    answer = api.post("/automations/", json=automation(trigger))
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["exception_detail"]] == [["body", *where]]


def test_a_proactive_trigger_waits_ten_seconds_at_least(api: httpx.Client) -> None:
    """That is also what it waits when nothing is said."""
    made = api.post("/automations/", json=automation({**EVENT, "posture": "Proactive"})).json()
    assert made["trigger"]["within"] == 10


BAD = "{{ event.id"
SYNTAX = {"__prefect_kind": "jinja", "template": BAD}


@pytest.mark.parametrize(
    ("action", "where"),
    [
        ({"type": "send-notification", "block_document_id": UNKNOWN, "body": BAD}, ["body"]),
        ({"type": "send-notification", "block_document_id": UNKNOWN, "subject": BAD, "body": "x"}, ["subject"]),
        ({"type": "call-webhook", "block_document_id": UNKNOWN, "payload": BAD}, ["payload"]),
        (run(parameters={"a": BAD}), ["parameters", "a"]),
        (run(parameters={"a": {"b": BAD}}), ["parameters", "a", "b"]),
        (run(parameters={"a": ["x", {"b": BAD}]}), ["parameters", "a", 1, "b"]),
        ({"type": "send-email-notification", "emails": ["a@b.example"], "body": BAD}, ["body"]),
        (run(parameters={"a": SYNTAX}), ["parameters", "a"]),
        (run(parameters={"a": {"__prefect_kind": "json", "value": SYNTAX}}), ["parameters", "a"]),
        (run(parameters={"a": {"__prefect_kind": "json", "value": "{"}}), ["parameters", "a"]),
        (run(parameters={"a": {"__prefect_kind": "none"}}), ["parameters", "a"]),
    ],
)
def test_what_is_no_template_is_refused(api: httpx.Client, action: Any, where: list[str]) -> None:
    """Before it is needed, and in every list of actions."""
    for name in ("actions", "actions_on_trigger", "actions_on_resolve"):
        answer = api.post("/automations/", json={**automation(), name: [action]})
        assert answer.status_code == 422
        assert [error["loc"] for error in answer.json()["exception_detail"]] == [["body", name, 0, *where]]


def test_a_broken_template_is_refused_with_its_line(api: httpx.Client) -> None:
    """In words, and as a number."""
    action = {"type": "call-webhook", "block_document_id": UNKNOWN, "payload": "first\n{{ second }}\n{% third %}"}
    [error] = api.post("/automations/", json=automation(actions=[action])).json()["exception_detail"]
    assert error["ctx"] == {"line": 3}
    assert error["msg"].startswith("Invalid jinja in line 3: ")


@pytest.mark.parametrize(
    "emails", [[], ["nobody"], ["a@b.example, c@d.example"], ["a@b.example\nBcc: c@d.example"], [7]]
)
def test_an_email_needs_addresses(api: httpx.Client, emails: Any) -> None:
    """One at least, and nothing else."""
    action = {"type": "send-email-notification", "emails": emails, "body": "x"}
    answer = api.post("/automations/", json=automation(actions=[action]))
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["loc"][:4] == ["body", "actions", 0, "emails"]


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{{ event.id }} {% for a in b %}{% for c in d %}{{ c }}{% endfor %}{% endfor %}", None),
        ("no { template", None),
        ("", None),
        ("first\n{% if %}", 2),
        ("{% for a in b %}{% for c in d %}{% for e in f %}{% endfor %}{% endfor %}{% endfor %}", 0),
        ("{% for a in b %}{% endfor %}" * 11, 0),
        ("{{ " + "(" * 5000 + ")" * 5000 + " }}", 0),
    ],
)
def test_a_template_can_be_checked_before_it_is_used(api: httpx.Client, template: str, line: int | None) -> None:
    """Of too many or too deep loops there is no line to tell."""
    answer = api.post("/automations/templates/validate", json=template)
    if line is None:
        assert (answer.status_code, answer.content) == (204, b"")
    else:
        assert answer.status_code == 422
        assert (answer.json()["error"]["line"], answer.json()["error"]["source"]) == (line, template)
