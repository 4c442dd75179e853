"""Why a flow run is where it is: each cause is made as users make it, and is the first that is named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import update

from podium.cli.app import main
from podium.db.tables.concurrency import concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_run_heartbeats import flow_run_heartbeats
from podium.db.tables.services import service_heartbeats
from podium.db.tables.work_pools import work_pools, work_queues, workers
from podium.server.errors import NotFound
from podium.server.operations.concurrency_limits import create_limit
from podium.server.operations.explaining.explain import CHECKS, explain_flow_run
from podium.wire.explain import CODES, MEANINGS, Code, Explanation
from tests.architecture.sources import ROOT
from tests.server.conftest import Units
from tests.server.runs import Runs


class Scene:
    """A pool with a queue that a worker polls, a deployment in it, and runs."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.runs = Runs(units)
        self.rows = self.runs.rows
        now = self.runs.now
        self.pool_id = self.rows.pool()
        self.queue_id = self.rows.queue(self.pool_id, last_polled=now, status="READY")
        self.worker_id = self.rows.add(
            workers,
            work_pool_id=self.pool_id,
            name="w-1",
            status="ONLINE",
            last_heartbeat_time=now,
            heartbeat_interval_seconds=30,
        )
        self.deployment_id = self.rows.deployment(self.runs.flow_id, work_queue_id=self.queue_id, last_polled=now)

    def run(self, due: float = -60, kind: str = "SCHEDULED", **values: Any) -> str:
        """A run of the deployment that was due so many seconds ago, or is in so many."""
        moment = self.runs.now + timedelta(seconds=due)
        given = {"deployment_id": self.deployment_id, "work_queue_id": self.queue_id, **values}
        if kind == "SCHEDULED":
            given.setdefault("next_scheduled_start_time", moment)
        given.setdefault("expected_start_time", moment)
        given.setdefault("state_timestamp", self.runs.now - timedelta(seconds=90))
        return self.rows.flow_run(self.runs.flow_id, state=kind, **given)

    def set(self, table: Any, row_id: str, **values: Any) -> None:
        self.units.write(lambda tx: tx.run(update(table).where(table.c.id == row_id).values(**values)))

    def limit(self, slots: int) -> str:
        """A concurrency limit of the deployment."""
        limit_id: str = self.units.write(create_limit, {"name": f"deployment:{self.deployment_id}", "limit": slots})[
            "id"
        ]
        self.set(deployments, self.deployment_id, concurrency_limit_id=limit_id)
        return limit_id

    def beat(self, run_id: str, ago: float, ahead: float = 0) -> None:
        """A heartbeat that came so long ago, from a clock that is so far ahead."""
        received = self.runs.now - timedelta(seconds=ago)
        occurred = received + timedelta(seconds=ahead)

        def unit(tx: Any) -> None:
            row = {"workspace_id": tx.workspace_id, "flow_run_id": run_id, "received": received}
            tx.run(flow_run_heartbeats.insert().values(**row, occurred=occurred))

        self.units.write(unit)

    def ago(self, seconds: float) -> Any:
        return self.runs.now - timedelta(seconds=seconds)

    def explain(self, run_id: str) -> Explanation:
        found: Explanation = self.units.read(explain_flow_run, run_id)
        return found


@pytest.fixture
def scene(units: Units) -> Scene:
    return Scene(units)


def _ended(scene: Scene) -> str:
    return scene.run(kind="FAILED", state_name="Failed")


def _cancelling(scene: Scene) -> str:
    return scene.run(kind="CANCELLING", state_name="Cancelling")


def _process_gone(scene: Scene) -> str:
    run_id = scene.run(kind="RUNNING", state_timestamp=scene.ago(3600))
    scene.beat(run_id, 600)
    return run_id


def _retry_process_gone(scene: Scene) -> str:
    policy = {"retry_type": "in_process", "retries": 3}
    return scene.run(-900, state_name="AwaitingRetry", empirical_policy=policy, state_timestamp=scene.ago(1000))


def _tag_limit_full(scene: Scene) -> str:
    run_id = scene.run(kind="RUNNING")
    tag = f"db-{run_id[:8]}"
    limit = scene.units.write(create_limit, {"name": f"tag:{tag}", "limit": 1})
    scene.set(concurrency_limits_v2, limit["id"], anonymous_slots=1)
    scene.rows.task_run(run_id, tags=[tag])
    return run_id


def _running(scene: Scene) -> str:
    run_id = scene.run(kind="RUNNING")
    scene.beat(run_id, 5)
    return run_id


def _waiting_for_input(scene: Scene) -> str:
    run_id = scene.runs.make("RUNNING", deployment_id=scene.deployment_id)
    scene.runs.set(run_id, "PAUSED", pause_timeout=scene.runs.now + timedelta(hours=1))
    return run_id


def _pending(scene: Scene) -> str:
    return scene.run(kind="PENDING", labels={"prefect.worker.name": "w-1"})


def _not_due(scene: Scene) -> str:
    scene.set(work_pools, scene.pool_id, is_paused=True)  # true as well, and not why it does not run now
    return scene.run(7200)


def _awaiting_retry(scene: Scene) -> str:
    return scene.run(300, state_name="AwaitingRetry", run_count=1)


def _deployment_gone(scene: Scene) -> str:
    return scene.run(deployment_id="00000000-0000-4000-8000-00000000dead")


def _no_deployment(scene: Scene) -> str:
    return scene.run(deployment_id=None, work_queue_id=None)


def _not_served(scene: Scene) -> str:
    scene.set(deployments, scene.deployment_id, last_polled=scene.ago(3600), work_queue_id=None)
    return scene.run(work_queue_id=None)


def _pool_paused(scene: Scene) -> str:
    scene.set(work_pools, scene.pool_id, is_paused=True)
    return scene.run()


def _queue_paused(scene: Scene) -> str:
    scene.set(work_queues, scene.queue_id, is_paused=True)
    return scene.run()


def _no_worker(scene: Scene) -> str:
    scene.set(workers, scene.worker_id, last_heartbeat_time=scene.ago(3600))
    scene.set(work_queues, scene.queue_id, last_polled=scene.ago(3600))
    return scene.run()


def _queue_not_polled(scene: Scene) -> str:
    scene.set(work_queues, scene.queue_id, last_polled=scene.ago(3600))
    return scene.run()


def _pool_limit_full(scene: Scene) -> str:
    scene.set(work_pools, scene.pool_id, concurrency_limit=1)
    scene.run(kind="RUNNING", name="holder", work_queue_id=scene.rows.queue(scene.pool_id, "other"))
    return scene.run()


def _queue_limit_full(scene: Scene) -> str:
    scene.set(work_queues, scene.queue_id, concurrency_limit=1)
    scene.run(kind="PENDING", name="holder")
    return scene.run()


def _deployment_limit_full(scene: Scene) -> str:
    scene.limit(1)
    holder = scene.run(name="holder")
    scene.runs.set(holder, "PENDING")
    waiting = scene.run()
    scene.runs.set(waiting, "PENDING")
    return waiting


def _awaiting_slot(scene: Scene) -> str:
    scene.limit(1)
    return scene.run(20, state_name="AwaitingConcurrencySlot")


def _behind_others(scene: Scene) -> str:
    for second in range(3):
        scene.run(-120 - second, name=f"earlier-{second}")
    urgent = scene.rows.queue(scene.pool_id, "urgent", priority=0)
    scene.run(-10, name="urgent", work_queue_id=urgent)
    return scene.run()


def _next_poll(scene: Scene) -> str:
    scene.set(deployments, scene.deployment_id, paused=True)  # keeps no run from being started
    return scene.run()


SITUATIONS: list[tuple[Code, Callable[[Scene], str], tuple[str, ...]]] = [
    ("ended", _ended, ("Failed",)),
    ("cancelling", _cancelling, ("not confirmed",)),
    ("process_gone", _process_gone, ("RUNNING", "10 min ago")),
    ("process_gone", _retry_process_gone, ("retry in its own process",)),
    ("tag_limit_full", _tag_limit_full, ("1 of 1 are taken",)),
    ("running", _running, ("5 s ago",)),
    ("waiting_for_input", _waiting_for_input, ("paused at", "until")),
    ("pending", _pending, ("'w-1'", "90 s ago")),
    ("not_due", _not_due, ("in 120 min",)),
    ("awaiting_retry", _awaiting_retry, ("Try 1 failed",)),
    ("deployment_gone", _deployment_gone, ("deleted",)),
    ("no_deployment", _no_deployment, ("the process that made it",)),
    ("not_served", _not_served, ("60 min ago",)),
    ("pool_paused", _pool_paused, ("is paused",)),
    ("queue_paused", _queue_paused, ("'default'", "is paused")),
    ("no_worker", _no_worker, ("'w-1'", "60 min ago")),
    ("queue_not_polled", _queue_not_polled, ("1 worker of", "'w-1'")),
    ("pool_limit_full", _pool_limit_full, ("1 at a time",)),
    ("queue_limit_full", _queue_limit_full, ("1 at a time",)),
    ("deployment_limit_full", _deployment_limit_full, ("1 at a time",)),
    ("awaiting_slot", _awaiting_slot, ("tries again",)),
    ("behind_others", _behind_others, ("4 due runs",)),
    ("next_poll", _next_poll, ("Nothing is in its way",)),
]


@pytest.mark.parametrize(("code", "make", "words"), SITUATIONS, ids=lambda each: getattr(each, "__name__", None))
def test_the_cause_is_the_first_that_is_named(
    scene: Scene, code: Code, make: Callable[[Scene], str], words: tuple[str, ...]
) -> None:
    """With a sentence that says it, and evidence."""
    explanation = scene.explain(make(scene))
    first = explanation.reasons[0]
    assert first.code == code, explanation.reasons
    assert [word for word in words if word not in first.sentence] == [], first.sentence
    assert first.evidence
    assert [reason.fix for reason in explanation.reasons if reason.fix and not _can_be_typed(reason.fix)] == []
    if code.endswith("_limit_full") and code != "tag_limit_full":
        assert [holder.name for holder in first.holders] == ["holder"]


def _can_be_typed(fix: str) -> bool:
    """Whether a fix that is a command of ours is one that there is."""
    program, *words = fix.split()
    return program != "podium" or main([*words[:2], "--help"]) == 0


def test_a_clock_that_is_ahead_and_a_service_that_stopped_are_told_beside(scene: Scene) -> None:
    """Neither keeps the run from being started, so that the answer is another; both may be the reason behind it."""
    other = scene.run(kind="RUNNING")
    scene.beat(other, 5, ahead=120)
    run_id = scene.run()

    def stop(tx: Any) -> None:
        seen = tx.now - timedelta(hours=1)
        tx.run(service_heartbeats.delete())
        tx.run(service_heartbeats.insert().values(name="scheduler", process="p", interval=60, last_finished=seen))

    scene.units.write(stop)
    reasons = {reason.code: reason for reason in scene.explain(run_id).reasons}
    assert next(iter(reasons)) == "next_poll"
    assert "120.0 s" in reasons["clock_skew"].sentence
    assert "scheduler" in reasons["service_stopped"].sentence


def test_schedules_that_are_paused_are_told_beside(scene: Scene) -> None:
    """A paused deployment hands its runs out all the same."""
    assert [reason.code for reason in scene.explain(_next_poll(scene)).reasons][-1] == "schedules_paused"


def test_all_causes_that_hold_are_named_in_the_order_in_which_they_decide(scene: Scene) -> None:
    """Who puts the first right sees at once what is next."""
    scene.set(work_pools, scene.pool_id, is_paused=True, concurrency_limit=0)
    scene.set(work_queues, scene.queue_id, is_paused=True, last_polled=None)
    scene.set(workers, scene.worker_id, last_heartbeat_time=scene.ago(3600))
    codes = [reason.code for reason in scene.explain(scene.run()).reasons]
    assert [code for code in codes if code not in ("clock_skew", "service_stopped")] == [
        "pool_paused",
        "queue_paused",
        "no_worker",
        "pool_limit_full",
    ]


def test_a_run_of_another_workspace_or_none_is_not_found(scene: Scene) -> None:
    """As everywhere."""
    with pytest.raises(NotFound):
        scene.explain("00000000-0000-4000-8000-000000000000")


def test_every_cause_has_a_check_a_meaning_and_a_situation() -> None:
    """The list is closed: what is not in it is not answered, what is in it was seen."""
    assert set(CODES) == set(get_args(Code)) == set(MEANINGS) == {*CHECKS, "next_poll"}
    beside = {"clock_skew", "service_stopped", "schedules_paused"}
    assert {code for code, _, _ in SITUATIONS} | beside == set(CODES)


def test_the_guide_lists_the_causes_in_their_order() -> None:
    """docs/explain.md has a line for each, from the same list."""
    text = (ROOT / "docs" / "explain.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert lines == [f"| `{code}` | {MEANINGS[code]} |" for code in CODES]


def test_the_endpoint_answers_what_the_row_says(api: Any, units: Units) -> None:
    """Over HTTP, for a run that a client made."""
    flow = api.post("/flows/", json={"name": "explained"}).json()["id"]
    run = api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "SCHEDULED"}}).json()
    answer = api.get(f"/flow_runs/{run['id']}/explain")
    assert answer.status_code == 200
    assert answer.json()["reasons"][0]["code"] == "no_deployment"
    assert api.get("/flow_runs/00000000-0000-4000-8000-000000000000/explain").status_code == 404
