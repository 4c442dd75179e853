"""What each action does, on both databases, and what is told of it."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from podium.db.ids import new_id
from podium.db.tables.automations import automations
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.logs import logs
from podium.db.tables.work_pools import work_pools, work_queues
from tests.server.automations.acting import Acting, event, resource

NOWHERE = "0f9d8c7b-0000-4000-8000-000000000001"


def value(acting: Acting, column: Any, row_id: str) -> Any:
    """A column of one row."""
    [row] = acting.units.all(select(column).where(column.table.c.id == row_id))
    return msgspec.json.decode(row[column.name]) if isinstance(row[column.name], msgspec.Raw) else row[column.name]


def state_of(acting: Acting, run_id: str) -> tuple[str, str]:
    return value(acting, flow_runs.c.state_type, run_id), value(acting, flow_runs.c.state_name, run_id)


class TestWhatIsTold:
    def test_an_action_that_was_done(self, acting: Acting) -> None:
        """Two events, the second following the first and the first its cause, with everything that names them."""
        cause = event("garden.1")
        when = msgspec.convert("2026-05-06T12:00:03Z", type=type(acting.units.database.clock()))
        [invocation] = acting.fire({"type": "do-nothing"}, cause=cause, triggered=when)
        acting.act()
        assert acting.ended(invocation) == ("executed", None)
        triggered, executed = acting.told(invocation)
        assert (triggered["event"], executed["event"]) == (
            "prefect.automation.action.triggered",
            "prefect.automation.action.executed",
        )
        assert (triggered["follows"], executed["follows"]) == (cause["id"], triggered["id"])
        assert triggered["occurred"] == "2026-05-06T12:00:03Z"
        assert triggered["payload"] == {"action_index": 0, "action_type": "do-nothing", "invocation": invocation}
        assert executed["payload"] == triggered["payload"]
        labels = triggered["resource"]
        assert labels["prefect.resource.id"].startswith("prefect.automation.")
        assert (labels["prefect.resource.name"], labels["prefect.trigger-type"], labels["prefect.posture"]) == (
            "gardener",
            "event",
            "Reactive",
        )
        roles = [each["prefect.resource.role"] for each in triggered["related"]]
        assert roles == ["automation-triggered-event", "triggering-event"]
        causes = [each["prefect.resource.id"] for each in triggered["related"]]
        assert causes == [f"prefect.event.{acting.row(invocation)['firing_id']}", f"prefect.event.{cause['id']}"]
        assert executed["related"] == triggered["related"]

    def test_an_action_does_not_follow_an_event_of_long_ago(self, acting: Acting) -> None:
        """More than five minutes: nobody is to wait for it."""
        [invocation] = acting.fire({"type": "do-nothing"}, cause=event("garden.1"))
        acting.act()
        triggered, _ = acting.told(invocation)
        assert triggered["follows"] is None
        assert "triggering-event" in [each["prefect.resource.role"] for each in triggered["related"]]

    def test_an_action_of_an_absence(self, acting: Acting) -> None:
        """It has no triggering event."""
        row = acting.do({"type": "do-nothing"})
        triggered, _ = acting.told(row["id"])
        assert [each["prefect.resource.role"] for each in triggered["related"]] == ["automation-triggered-event"]
        assert triggered["follows"] is None

    def test_an_action_that_failed(self, acting: Acting) -> None:
        """The same, with the reason, the target and the status."""
        row = acting.do({"type": "pause-deployment", "source": "selected", "deployment_id": NOWHERE})
        assert (row["state"], row["reason"]) == (
            "failed",
            "Unexpected status from 'pause-deployment' action: 404 (Deployment not found)",
        )
        triggered, failed = acting.told(row["id"])
        assert failed["event"] == "prefect.automation.action.failed"
        assert failed["follows"] == triggered["id"]
        assert failed["payload"]["reason"] == row["reason"]
        assert failed["payload"]["status_code"] == 404
        assert failed["related"][0] == resource("deployment", NOWHERE, "target")


class TestDeployments:
    @pytest.fixture
    def deployment(self, acting: Acting) -> str:
        return acting.rows.deployment(acting.rows.flow())

    def run(self, deployment: str, **values: Any) -> dict[str, Any]:
        return {"type": "run-deployment", "source": "selected", "deployment_id": deployment, **values}

    def test_a_deployment_is_run(self, acting: Acting, deployment: str) -> None:
        """One run, scheduled, made by the automation; the event names both."""
        row = acting.do(self.run(deployment, parameters={"beds": 3}, schedule_after=60, job_variables={"a": 1}))
        assert row["state"] == "executed", row["reason"]
        [run] = acting.units.all(select(flow_runs).where(flow_runs.c.deployment_id == deployment))
        assert run["idempotency_key"] == (f"automation {row['automation_id']}, action 0, invocation {row['id']}")
        assert msgspec.json.decode(run["created_by"]) == {
            "id": row["automation_id"],
            "type": "AUTOMATION",
            "display_value": "gardener",
        }
        assert msgspec.json.decode(run["parameters"]) == {"beds": 3}
        assert msgspec.json.decode(run["job_variables"]) == {"a": 1}
        assert (run["state_type"], run["auto_scheduled"]) == ("SCHEDULED", False)
        assert timedelta(seconds=59) < run["next_scheduled_start_time"] - run["created"] < timedelta(seconds=61)
        _, executed = acting.told(row["id"])
        assert executed["payload"]["status_code"] == 201
        assert executed["related"][:2] == [
            resource("deployment", deployment, "target"),
            resource("flow-run", run["id"], "flow-run") | {"prefect.resource.name": run["name"]},
        ]

    def test_the_deployment_of_the_event_is_run(self, acting: Acting, deployment: str) -> None:
        """The first one in it, its own resource before the related ones."""
        cause = event("garden.1", resource("flow", NOWHERE, "flow"), resource("deployment", deployment, "deployment"))
        row = acting.do({"type": "run-deployment", "source": "inferred"}, cause=cause)
        assert row["state"] == "executed", row["reason"]
        assert len(acting.units.all(select(flow_runs).where(flow_runs.c.deployment_id == deployment))) == 1

    def test_parameters_are_templates(self, acting: Acting, deployment: str) -> None:
        """One expression gives its value, anything else a text; objects with a kind stand for something else."""
        cause = event("garden.1", payload={"beds": [1, 2], "name": "east", "dry": True})
        parameters = {
            "beds": "{{ event.payload.beds }}",
            "dry": "{{ event.payload.dry }}",
            "text": "bed {{ event.payload.name }}",
            "plain": "as it is",
            "none": "{{ event.payload.unknown.deeper }}",
            "sum": "{{ event.payload.beds[0] + 1 }}",
            "listed": ["{{ event.payload.name }}", {"deep": "{{ event.id }}"}],
            "kind": {"__prefect_kind": "json", "value": {"__prefect_kind": "jinja", "template": "[{{ 1 + 1 }}]"}},
        }
        row = acting.do(self.run(deployment, parameters=parameters), cause=cause)
        assert row["state"] == "executed", row["reason"]
        [run] = acting.units.all(select(flow_runs).where(flow_runs.c.deployment_id == deployment))
        assert msgspec.json.decode(run["parameters"]) == {
            "beds": [1, 2],
            "dry": True,
            "text": "bed east",
            "plain": "as it is",
            "none": None,
            "sum": 2,
            "listed": ["east", {"deep": cause["id"]}],
            "kind": [2],
        }

    def test_parameters_that_do_not_fit_fail_it(self, acting: Acting) -> None:
        """With what does not fit."""
        schema = {"type": "object", "properties": {"beds": {"type": "integer"}}}
        flow = acting.rows.flow()
        deployment = acting.rows.deployment(flow, parameter_openapi_schema=schema, enforce_parameter_schema=True)
        row = acting.do(self.run(deployment, parameters={"beds": "many"}))
        assert row["state"] == "failed"
        assert row["reason"].startswith("Validation error occurred for 'run-deployment' - ")
        _, failed = acting.told(row["id"])
        assert "beds" in failed["payload"]["validation_error"]
        assert failed["payload"]["status_code"] == 409
        assert acting.units.all(select(flow_runs).where(flow_runs.c.deployment_id == deployment)) == []

    def test_a_deployment_is_paused_and_resumed(self, acting: Acting, deployment: str) -> None:
        """As by hand: it is told of."""
        row = acting.do({"type": "pause-deployment", "source": "selected", "deployment_id": deployment})
        assert (row["state"], value(acting, deployments.c.paused, deployment)) == ("executed", True)
        cause = event(resource("deployment", deployment))
        acting.do({"type": "resume-deployment", "source": "inferred"}, cause=cause)
        assert value(acting, deployments.c.paused, deployment) is False
        about = f"prefect.deployment.{deployment}"
        assert len(acting.events(lambda each: each["resource_id"] == about)) == 2


class TestFlowRuns:
    @pytest.fixture
    def flow(self, acting: Acting) -> str:
        return acting.rows.flow()

    def test_a_scheduled_run_is_cancelled_at_once(self, acting: Acting, flow: str) -> None:
        """Nobody has to confirm it, and the action was executed."""
        run = acting.rows.flow_run(flow, state="SCHEDULED")
        row = acting.do({"type": "cancel-flow-run"}, cause=event(resource("flow-run", run)))
        assert (row["state"], row["reason"]) == ("executed", None)
        assert state_of(acting, run) == ("CANCELLED", "Cancelled")
        _, executed = acting.told(row["id"])
        assert executed["payload"]["status_code"] == 201
        assert executed["related"][0] == resource("flow-run", run, "target")

    def test_a_run_of_a_worker_is_cancelled_by_it(self, acting: Acting, flow: str) -> None:
        """It is asked to."""
        queue = acting.rows.queue(acting.rows.pool())
        deployment = acting.rows.deployment(flow, work_queue_id=queue)
        values = {"deployment_id": deployment, "work_queue_id": queue, "infrastructure_pid": "1"}
        run = acting.rows.flow_run(flow, state="RUNNING", **values)
        row = acting.do({"type": "cancel-flow-run"}, cause=event(resource("flow-run", run)))
        assert (row["state"], row["reason"]) == ("executed", None)
        assert state_of(acting, run) == ("CANCELLING", "Cancelling")
        [state] = acting.units.all(
            select(flow_run_states.c.message).where(flow_run_states.c.id == value(acting, flow_runs.c.state_id, run))
        )
        assert state["message"] == "Cancelled by automation 'gardener'"

    def test_a_run_that_ended_is_not(self, acting: Acting, flow: str) -> None:
        """The reason is told."""
        run = acting.rows.flow_run(flow, state="COMPLETED")
        row = acting.do({"type": "cancel-flow-run"}, cause=event(resource("flow-run", run)))
        assert row["state"] == "failed"
        assert row["reason"].startswith("Failed to set state: ")
        assert state_of(acting, run) == ("COMPLETED", "Completed")

    def test_the_run_that_it_fired_for_each_of_goes_first(self, acting: Acting, flow: str) -> None:
        """An absence has no event, but a run it is about."""
        run, other = (acting.rows.flow_run(flow, state="RUNNING") for _ in range(2))
        change = {"type": "change-flow-run-state", "state": "FAILED", "name": "Dry", "message": "no water"}
        labels = {"prefect.resource.id": f"prefect.flow-run.{run}"}
        assert acting.do(change, labels=labels)["state"] == "executed"
        assert state_of(acting, run) == ("FAILED", "Dry")
        assert (
            acting.do(change, labels={"prefect.resource.id": "x"}, cause=event(resource("flow-run", other)))["state"]
            == "executed"
        )
        assert state_of(acting, other) == ("FAILED", "Dry")

    def test_a_state_can_be_forced(self, acting: Acting, flow: str) -> None:
        """Out of one that is final, too; without force it is refused."""
        run = acting.rows.flow_run(flow, state="COMPLETED")
        change = {"type": "change-flow-run-state", "state": "PAUSED"}
        assert acting.do(change, cause=event(resource("flow-run", run)))["state"] == "failed"
        assert acting.do({**change, "force": True}, cause=event(resource("flow-run", run)))["state"] == "executed"
        assert state_of(acting, run) == ("PAUSED", "Paused")

    def test_a_run_is_suspended_and_resumed(self, acting: Acting, flow: str) -> None:
        """For an hour at most; then it is scheduled again."""
        run = acting.rows.flow_run(flow, state="RUNNING", deployment_id=acting.rows.deployment(flow))
        cause = event(resource("flow-run", run))
        row = acting.do({"type": "suspend-flow-run"}, cause=cause)
        assert (row["state"], row["reason"]) == ("executed", None)
        assert state_of(acting, run) == ("PAUSED", "Suspended")
        row = acting.do({"type": "resume-flow-run"}, cause=cause)
        assert (row["state"], row["reason"]) == ("executed", None)
        assert state_of(acting, run) == ("SCHEDULED", "Resuming")
        row = acting.do({"type": "resume-flow-run"}, cause=cause)
        assert row["reason"] == "Failed to resume flow run: Cannot resume a run that is not paused."

    def test_a_run_is_deleted(self, acting: Acting, flow: str) -> None:
        """With its log; what is not there cannot be."""
        run = acting.rows.flow_run(flow)
        line = {"name": "n", "level": 20, "message": "m", "timestamp": acting.units.database.clock()}
        acting.rows.add(logs, flow_run_id=run, **line)
        row = acting.do({"type": "delete-flow-run"}, cause=event(resource("flow-run", run)))
        assert row["state"] == "executed"
        assert acting.units.all(select(flow_runs.c.id).where(flow_runs.c.id == run)) == []
        assert acting.units.all(select(logs.c.id).where(logs.c.flow_run_id == run)) == []
        row = acting.do({"type": "delete-flow-run"}, cause=event(resource("flow-run", run)))
        assert row["reason"] == "Unexpected status from 'delete-flow-run' action: 404 (Flow run not found)"

    @pytest.mark.parametrize("cause", [None, event("garden.1"), event("prefect.flow-run.none-that-is")])
    def test_without_a_run_it_fails(self, acting: Acting, cause: Any) -> None:
        """Whatever the event is about."""
        row = acting.do({"type": "cancel-flow-run"}, cause=cause)
        assert row["reason"] == "No flow run could be inferred"


class TestSwitches:
    def test_a_work_pool_is_paused_and_resumed(self, acting: Acting) -> None:
        """Its status follows, and its name is told."""
        name = f"pool-{new_id()}"
        pool = acting.rows.pool(name)
        row = acting.do({"type": "pause-work-pool", "source": "selected", "work_pool_id": pool})
        assert (row["state"], value(acting, work_pools.c.is_paused, pool)) == ("executed", True)
        _, executed = acting.told(row["id"])
        assert executed["related"][0] == resource("work-pool", pool, "target") | {"prefect.resource.name": name}
        acting.do({"type": "resume-work-pool", "source": "inferred"}, cause=event(resource("work-pool", pool)))
        assert value(acting, work_pools.c.is_paused, pool) is False

    def test_a_work_queue_is_paused_and_resumed(self, acting: Acting) -> None:
        """As by hand."""
        queue = acting.rows.queue(acting.rows.pool())
        row = acting.do({"type": "pause-work-queue", "source": "selected", "work_queue_id": queue})
        assert (row["state"], value(acting, work_queues.c.is_paused, queue)) == ("executed", True)
        acting.do({"type": "resume-work-queue", "source": "inferred"}, cause=event(resource("work-queue", queue)))
        assert value(acting, work_queues.c.is_paused, queue) is False

    def test_an_automation_is_paused_and_resumed(self, acting: Acting) -> None:
        """Another or itself."""
        other = acting.automation({"type": "do-nothing"})["id"]
        row = acting.do({"type": "pause-automation", "source": "selected", "automation_id": other})
        assert (row["state"], value(acting, automations.c.enabled, other)) == ("executed", False)
        acting.do({"type": "resume-automation", "source": "inferred"}, cause=event(resource("automation", other)))
        assert value(acting, automations.c.enabled, other) is True

    @pytest.mark.parametrize("kind", ["deployment", "work-pool", "work-queue", "automation"])
    def test_what_cannot_be_inferred_fails(self, acting: Acting, kind: str) -> None:
        """With the kind that the event does not have, or without an event."""
        action = {"type": f"pause-{kind}", "source": "inferred"}
        name = kind.replace("-", " ")
        assert acting.do(action)["reason"] == f"No event to infer the {name}"
        assert acting.do(action, cause=event("garden.1"))["reason"] == f"No {name} could be inferred"

    @pytest.mark.parametrize("kind", ["deployment", "work-pool", "work-queue", "automation"])
    def test_what_is_not_there_fails(self, acting: Acting, kind: str) -> None:
        """With the status that a client would get."""
        action = {"type": f"resume-{kind}", "source": "inferred"}
        row = acting.do(action, cause=event(resource(kind, NOWHERE)))
        assert row["reason"].startswith(f"Unexpected status from 'resume-{kind}' action: 404 (")
        assert row["state"] == "failed"


def test_what_an_action_did_is_undone_where_it_fails(acting: Acting) -> None:
    """The events too; only the failure is told of."""
    flow = acting.rows.flow()
    run = acting.rows.flow_run(flow, state="COMPLETED")
    acting.units.write(lambda tx: tx.run(update(flow_runs).where(flow_runs.c.id == run).values(name="kept")))
    before = len(acting.events(lambda each: True))
    acting.do({"type": "cancel-flow-run"}, cause=event(resource("flow-run", run)))
    names = [each["event"] for each in acting.events(lambda each: True)[before:]]
    assert names == [
        "prefect.automation.created",
        "prefect.automation.action.triggered",
        "prefect.automation.action.failed",
    ]
