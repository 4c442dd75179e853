"""The real client's automations: made by deployments, by its command line and by its library, they fire and act."""

import json
import re
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.conftest import PREFECT, Podium, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOW = """
from prefect import flow

@flow(name="shed")
def shed(why: str = "nothing", event_id: str = ""):
    return why
"""

EMIT = """
import sys, uuid
from prefect.events import emit_event
from prefect.events.worker import EventsWorker

for name in sys.argv[1:]:
    event = emit_event(event=name, resource={"prefect.resource.id": "garden.1"}, payload={"bed": 3}, id=uuid.uuid4())
    print("emitted", event.id)
EventsWorker.instance().drain()
"""


@pytest.fixture
def shed(clients: Podium) -> Podium:
    """The server, with the flow's file in the home and a pool of the kind ``process``."""
    (clients.home / "shed.py").write_text(FLOW)
    if clients.api.get("/work_pools/shed").status_code == 404:
        clients.prefect("--no-prompt", "work-pool", "create", "shed", "--type", "process")
    return clients


def automation(podium: Podium, name: str) -> Any:
    """The automation with this name."""
    [found] = podium.post("/automations/filter", {"automations": {"name": {"any_": [name]}}})
    return found


def told(podium: Podium, automation_id: str, *names: str, count: int = 1) -> list[Any]:
    """The events of an automation with these names, once there are so many."""
    query = {
        "resource": {"id": [f"prefect.automation.{automation_id}"]},
        "event": {"name": list(names)},
        "order": "ASC",
    }

    def found() -> list[Any] | None:
        events = podium.post("/events/filter", {"filter": query})["events"]
        return events if len(events) >= count else None

    events: list[Any] = wait_for(found, 60)
    return events


def runs_of(podium: Podium, deployment_id: str, count: int = 1) -> list[Any]:
    """The runs of a deployment, once there are so many."""

    def found() -> list[Any] | None:
        runs = podium.post("/flow_runs/filter", {"deployments": {"id": {"any_": [deployment_id]}}})
        return runs if len(runs) >= count else None

    runs: list[Any] = wait_for(found, 60)
    return runs


def test_a_trigger_of_a_deployment_runs_it(shed: Podium) -> None:
    """`deploy(triggers=…)`: the run has the parameters of its templates, and its creator is the automation."""
    shed.run(
        """
        import os
        from prefect import flow
        from prefect.events import DeploymentEventTrigger
        flow.from_source(source=os.getcwd(), entrypoint="shed.py:shed").deploy(
            name="watered", work_pool_name="shed", print_next_steps=False,
            triggers=[DeploymentEventTrigger(
                name="when watered", expect={"garden.watered"}, match={"prefect.resource.id": "garden.*"},
                parameters={"why": "bed {{ event.payload.bed }}", "event_id": "{{ event.id }}"},
            )])
        """
    )
    deployment_id = shed.get("/deployments/name/shed/watered")["id"]
    made = automation(shed, "when watered")
    event_id = re.findall(r"emitted (\S+)", shed.run(EMIT, "garden.watered"))[0]
    [run] = runs_of(shed, deployment_id)
    assert run["parameters"] == {"why": "bed 3", "event_id": event_id}
    assert run["created_by"] == {"id": made["id"], "type": "AUTOMATION", "display_value": "when watered"}
    assert run["state_type"] == "SCHEDULED"
    action = "prefect.automation.action"
    [fired, triggered, executed] = told(
        shed, made["id"], "prefect.automation.triggered", f"{action}.triggered", f"{action}.executed", count=3
    )
    assert (fired["event"], executed["event"]) == ("prefect.automation.triggered", f"{action}.executed")
    assert executed["follows"] == triggered["id"]
    related = {each["prefect.resource.role"]: each["prefect.resource.id"] for each in executed["related"]}
    assert related == {
        "target": f"prefect.deployment.{deployment_id}",
        "flow-run": f"prefect.flow-run.{run['id']}",
        "automation-triggered-event": f"prefect.event.{fired['id']}",
        "triggering-event": f"prefect.event.{event_id}",
    }
    delay = _seconds(executed["occurred"]) - _seconds(fired["payload"]["triggering_event"]["received"])
    assert 0 <= delay < 5
    shed.run(EMIT, "garden.dug")
    assert len(runs_of(shed, deployment_id)) == 1


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def test_a_trigger_of_a_served_flow_runs_it_to_its_end(shed: Podium) -> None:
    """`serve(triggers=…)`: whoever serves takes the run that the automation made."""
    served = shed.home / "served.py"
    served.write_text(
        FLOW
        + """
if __name__ == "__main__":
    from prefect.events import DeploymentEventTrigger
    shed.serve(name="served", triggers=[DeploymentEventTrigger(
        name="when served", expect={"garden.harvested"}, parameters={"why": "{{ event.event }}"})])
"""
    )
    shed.start(str(PREFECT / "python"), str(served))
    wait_for(lambda: shed.post("/automations/count", {"automations": {"name": {"any_": ["when served"]}}}), 90)
    deployment_id = shed.get("/deployments/name/shed/served")["id"]
    shed.run(EMIT, "garden.harvested")
    [run] = runs_of(shed, deployment_id)
    assert run["parameters"] == {"why": "garden.harvested"}
    wait_for(lambda: shed.get(f"/flow_runs/{run['id']}")["state_type"] == "COMPLETED", 90)


def test_automations_of_the_command_line(shed: Podium) -> None:
    """`prefect automation create --from-file` makes what fires; a paused one does not, a resumed one does."""
    body = {
        "name": "by the file",
        "trigger": {"type": "event", "posture": "Reactive", "expect": ["garden.frozen"], "threshold": 1, "within": 0},
        "actions": [{"type": "do-nothing"}],
    }
    (shed.home / "automation.json").write_text(json.dumps(body))
    shed.prefect("automation", "create", "--from-file", "automation.json")
    assert "by the file" in shed.prefect("automation", "ls")
    made = json.loads(shed.prefect("automation", "inspect", "by the file", "--json"))
    automation_id = (made[0] if isinstance(made, list) else made)["id"]
    executed = "prefect.automation.action.executed"
    shed.run(EMIT, "garden.frozen")
    assert len(told(shed, automation_id, executed)) == 1
    shed.prefect("automation", "pause", "by the file")
    shed.run(EMIT, "garden.frozen")
    shed.prefect("automation", "resume", "by the file")
    shed.run(EMIT, "garden.frozen")
    assert len(told(shed, automation_id, executed, count=2)) == 2
    shed.prefect("automation", "delete", "by the file")
    assert shed.api.get(f"/automations/{automation_id}").status_code == 404
    shed.run(EMIT, "garden.frozen")
    assert len(told(shed, automation_id, executed)) == 2


def test_automations_of_the_library(shed: Podium) -> None:
    """`Automation(…).create()`: one that changes the state of a run, and pauses another automation."""
    shed.run(
        """
        from prefect import flow
        from prefect.automations import Automation
        from prefect.events.actions import ChangeFlowRunState, PauseAutomation
        from prefect.events.schemas.automations import EventTrigger, Posture
        other = Automation(
            name="to be paused", trigger=EventTrigger(posture=Posture.Reactive, expect={"never"}),
            actions=[{"type": "do-nothing"}]).create()
        Automation(
            name="changes", actions=[
                ChangeFlowRunState(state="COMPLETED", name="Excused", message="by the automation", force=True),
                PauseAutomation(source="selected", automation_id=other.id)],
            trigger=EventTrigger(
                posture=Posture.Reactive, expect={"prefect.flow-run.Failed"},
                match_related={"prefect.resource.role": "flow", "prefect.resource.name": "failing"}),
        ).create()

        @flow(name="failing")
        def failing(): raise ValueError("as asked")
        try: failing()
        except ValueError: pass
        """
    )
    changes = automation(shed, "changes")
    told(shed, changes["id"], "prefect.automation.action.executed", count=2)
    run = shed.flow_run("failing")
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Excused")
    assert automation(shed, "to be paused")["enabled"] is False


def test_an_absence_fires(shed: Podium) -> None:
    """A proactive trigger: the run that it is about is cancelled when it does not end in time."""
    made = shed.post(
        "/automations/",
        {
            "name": "too long",
            "trigger": {
                "type": "event",
                "posture": "Proactive",
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
                "match_related": {"prefect.resource.role": "flow", "prefect.resource.name": "slow"},
                "for_each": ["prefect.resource.id"],
                "after": ["prefect.flow-run.Running"],
                "expect": ["prefect.flow-run.Completed"],
                "threshold": 1,
                "within": 10,
            },
            "actions": [{"type": "change-flow-run-state", "state": "FAILED", "name": "TooLong"}],
        },
    )
    flow = shed.post("/flows/", {"name": "slow"})
    slow, quick = (shed.post("/flow_runs/", {"flow_id": flow["id"], "state": {"type": "PENDING"}}) for _ in range(2))
    for run in (slow, quick):
        shed.post(f"/flow_runs/{run['id']}/set_state", {"state": {"type": "RUNNING"}})
    shed.post(f"/flow_runs/{quick['id']}/set_state", {"state": {"type": "COMPLETED"}})
    told(shed, made["id"], "prefect.automation.action.executed")
    assert shed.get(f"/flow_runs/{slow['id']}")["state_name"] == "TooLong"
    assert shed.get(f"/flow_runs/{quick['id']}")["state_name"] == "Completed"
    assert len(told(shed, made["id"], "prefect.automation.triggered")) == 1
