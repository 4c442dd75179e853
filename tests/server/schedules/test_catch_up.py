"""What becomes of slots whose time has passed: nothing without an opt-in; by a tag all, the latest or none run."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, update

from podium.db.tables.deployments import deployment_schedules, deployments
from podium.db.tables.events import events
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.profiles.sections.services import Scheduler
from podium.server.operations.catch_up import policy_of
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.scheduling import schedule_deployments
from podium.server.services.catch_up import skip_late_runs
from podium.server.services.late_runs import mark_late_runs
from podium.wire.states import StateCreate
from tests.server.conftest import Units
from tests.server.rows import Rows

NOON = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
MINUTELY = {"cron": "* * * * *", "timezone": "UTC", "day_or": True}
OUTAGE = timedelta(hours=2)


class Server:
    """Deployments on a one-minute schedule, and a clock that goes on by hand."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.rows = Rows(units.write)
        self.now = NOON
        units.database.clock = lambda: self.now

    def deployment(self, *tags: str, schedules: int = 1) -> str:
        deployment_id = self.rows.deployment(self.rows.flow(), tags=list(tags))
        for number in range(schedules):
            self.rows.add(
                deployment_schedules,
                deployment_id=deployment_id,
                schedule=MINUTELY,
                slug=f"number-{number}",
                filled_until=self.now,
            )
        return deployment_id

    def schedule(self, **settings: Any) -> int:
        scheduler = msgspec.structs.replace(Scheduler(), **settings)
        return asyncio.run(schedule_deployments(self.units.database, scheduler))

    def stand_still(self, deployment_id: str) -> None:
        """Workers are away for two hours while the scheduler works."""
        end = self.now + OUTAGE
        while self.now < end:
            self.schedule()
            self.now += timedelta(minutes=30)
        self.schedule()
        self.serve(deployment_id, False)

    def serve(self, deployment_id: str, served: bool = True) -> None:
        status = "READY" if served else "NOT_READY"
        self.units.write(lambda tx: tx.run(update(deployments).where(_of(deployment_id)).values(status=status)))

    def sweep(self) -> None:
        self.units.run(mark_late_runs(self.units.runtime))
        self.units.run(skip_late_runs(self.units.runtime))

    def due(self, deployment_id: str) -> list[dict[str, Any]]:
        """The runs whose time has come, latest last."""
        mine = (flow_runs.c.deployment_id == deployment_id, flow_runs.c.expected_start_time <= self.now)
        return self.units.all(select(flow_runs).where(*mine).order_by(flow_runs.c.expected_start_time))

    def start(self, run: dict[str, Any]) -> str:
        """A worker proposes to start a run: what it is told."""
        status: str = self.units.write(set_flow_run_state, run["id"], StateCreate(type="PENDING")).status
        return status

    def skipped(self, deployment_id: str) -> list[dict[str, Any]]:
        """The payloads of the events that tell of skipped runs."""
        told = (events.c.event == "podium.deployment.runs-skipped",)
        found = self.units.all(
            select(events).where(*told, events.c.resource_id == f"prefect.deployment.{deployment_id}")
        )
        return [msgspec.json.decode(row["payload"]) for row in found]


def _of(deployment_id: str) -> Any:
    return deployments.c.id == deployment_id


@pytest.fixture
def server(units: Units) -> Iterator[Server]:
    clock = units.database.clock
    yield Server(units)
    units.database.clock = clock
    units.write(lambda tx: tx.run(delete(deployments)))
    units.write(lambda tx: tx.run(delete(flow_runs)))


@pytest.mark.parametrize(
    ("tags", "started"),
    [((), 120), (("podium.catchup:all",), 120), (("podium.catchup",), 1), (("podium.catchup:none",), 0)],
)
def test_workers_that_come_back_after_two_hours(server: Server, tags: tuple[str, ...], started: int) -> None:
    """They start 120, 1 or none of the runs of a one-minute schedule; the others are cancelled, and one event tells."""
    deployment_id = server.deployment(*tags)
    server.stand_still(deployment_id)
    server.sweep()
    late = server.due(deployment_id)
    assert len(late) == 120
    assert {run["state_type"] for run in late} == {"SCHEDULED"}
    server.serve(deployment_id)
    server.sweep()
    server.sweep()
    answers = [server.start(run) for run in server.due(deployment_id) if run["state_type"] == "SCHEDULED"]
    assert answers == ["ACCEPT"] * started
    skipped = [run for run in server.due(deployment_id) if run["state_type"] == "CANCELLED"]
    assert len(skipped) == 120 - started
    if not skipped:
        assert server.skipped(deployment_id) == []
        return
    (told,) = server.skipped(deployment_id)
    assert (told["skipped"], told["policy"]) == (120 - started, "latest" if started else "none")
    (state,) = server.units.all(select(flow_run_states).where(flow_run_states.c.id == skipped[0]["state_id"]))
    assert state["message"].startswith("Skipped: ")


def test_no_worker_starts_a_run_that_is_to_be_skipped(server: Server) -> None:
    """Also before the service came to it: the worker is told to abort, and nothing is counted out of the event."""
    deployment_id = server.deployment("podium.catchup:latest")
    server.stand_still(deployment_id)
    server.serve(deployment_id)
    answers = [server.start(run) for run in server.due(deployment_id)]
    assert answers == ["ABORT"] * 119 + ["ACCEPT"]
    server.sweep()
    assert [payload["skipped"] for payload in server.skipped(deployment_id)] == [119]


def test_each_schedule_has_its_latest(server: Server) -> None:
    deployment_id = server.deployment("podium.catchup:latest", schedules=2)
    server.stand_still(deployment_id)
    server.serve(deployment_id)
    server.sweep()
    waiting = [run for run in server.due(deployment_id) if run["state_type"] == "SCHEDULED"]
    assert len(waiting) == 2
    assert len({run["expected_start_time"] for run in waiting}) == 1


def test_runs_of_others_wait_however_late(server: Server) -> None:
    """Those made by hand, put off to a later time, waiting for a slot or under way."""
    deployment_id = server.deployment("podium.catchup:none")
    flow_id = server.units.all(select(deployments.c.flow_id).where(_of(deployment_id)))[0]["flow_id"]
    late = server.now - timedelta(hours=1)
    times = {"expected_start_time": late, "next_scheduled_start_time": late, "deployment_id": deployment_id}
    key = f"scheduled {deployment_id} {deployment_id} {late}"
    kept = [
        server.rows.flow_run(flow_id, state="SCHEDULED", state_name="Late", **times),
        server.rows.flow_run(
            flow_id,
            state="SCHEDULED",
            state_name="AwaitingConcurrencySlot",
            auto_scheduled=True,
            idempotency_key=key,
            **times,
        ),
        server.rows.flow_run(
            flow_id,
            state="SCHEDULED",
            state_name="Scheduled",
            auto_scheduled=True,
            idempotency_key=f"{key}:30",
            **{**times, "expected_start_time": late - timedelta(hours=1)},
        ),
        server.rows.flow_run(flow_id, state="RUNNING", auto_scheduled=True, idempotency_key=f"{key}:40", **times),
    ]
    skipped = server.rows.flow_run(
        flow_id, state="SCHEDULED", state_name="Late", auto_scheduled=True, idempotency_key=f"{key}:50", **times
    )
    server.serve(deployment_id)
    server.sweep()
    states = {run["id"]: run["state_type"] for run in server.due(deployment_id)}
    assert states == {
        kept[0]: "SCHEDULED",
        kept[1]: "SCHEDULED",
        kept[2]: "SCHEDULED",
        kept[3]: "RUNNING",
        skipped: "CANCELLED",
    }


@pytest.mark.parametrize(("tags", "missed"), [((), 0), (("podium.catchup:all",), 60), (("podium.catchup",), 1)])
def test_a_scheduler_that_was_away(server: Server, tags: tuple[str, ...], missed: int) -> None:
    """An hour of slots was made ahead; of the second, in which nobody made any, all, the latest or none are made."""
    deployment_id = server.deployment(*tags)
    server.schedule()
    assert len(server.due(deployment_id)) == 0
    server.now += OUTAGE
    server.schedule()
    assert server.schedule() == 0
    slots = [run["expected_start_time"] for run in server.due(deployment_id)]
    assert slots[:61] == [NOON.replace(second=0) + timedelta(minutes=minute) for minute in range(1, 62)]
    assert len(slots[61:]) == min(missed, 59)
    if missed:
        assert slots[-1] == (NOON + OUTAGE).replace(second=0)


def test_an_outage_makes_no_more_runs_than_the_setting_says(server: Server) -> None:
    """The latest of them; and a month of minutes costs no walk through all of it."""
    deployment_id = server.deployment("podium.catchup:all")
    server.now += timedelta(days=30)
    server.schedule(catchup_max_runs=5)
    slots = [run["expected_start_time"] for run in server.due(deployment_id)]
    assert slots == [server.now.replace(second=0) - timedelta(minutes=minute) for minute in (4, 3, 2, 1, 0)]


def test_a_setting_is_the_policy_of_deployments_without_a_tag(server: Server) -> None:
    untagged, tagged = server.deployment(), server.deployment("podium.catchup:all")
    server.now += timedelta(days=1)
    server.schedule(catchup="latest")
    assert len(server.due(untagged)) == 1
    assert len(server.due(tagged)) == 1000


def test_which_tag_says_what() -> None:
    assert policy_of([], None) is policy_of(["nightly"], None) is policy_of(["podium.catchup:some"], None) is None
    assert policy_of(["podium.catchup"], "all") == policy_of(["podium.catchup:latest"], None) == "latest"
    assert policy_of(msgspec.Raw(b'["a","podium.catchup:none"]'), None) == "none"
    assert policy_of(msgspec.Raw(b'["a"]'), "all") == "all"
