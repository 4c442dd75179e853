"""Limits of pools, queues and deployments under a real worker: never more runs than slots, and what becomes of more."""

from typing import Any

import pytest

from tests.e2e.conftest import PREFECT, Podium, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

WORK = """
import time
from prefect import flow

@flow(name="limited")
def limited(seconds: float = 0.0):
    time.sleep(seconds)
"""
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Deployments:
    """Deployments of one flow, and the runs made of each."""

    def __init__(self, podium: Podium) -> None:
        self.podium = podium
        self.runs: dict[str, list[str]] = {}

    def make(self, name: str, seconds: float) -> str:
        deployment = self.podium.get(f"/deployments/name/limited/{name}")
        path = f"/deployments/{deployment['id']}/create_flow_run"
        run_id: str = self.podium.post(path, {"parameters": {"seconds": seconds}})["id"]
        self.runs.setdefault(name, []).append(run_id)
        return run_id

    def holds_slot(self, run_id: str) -> bool:
        return self.podium.get(f"/flow_runs/{run_id}")["state_type"] in ("PENDING", "RUNNING")

    def most_at_once(self) -> dict[str, int]:
        """How many runs of each deployment ran at once at most, once all of them have ended."""
        most = dict.fromkeys(self.runs, 0)

        def ended() -> bool:
            chosen = {"id": {"any_": [run_id for runs in self.runs.values() for run_id in runs]}}
            found = self.podium.post("/flow_runs/filter", {"flow_runs": chosen})
            running = {run["id"] for run in found if run["state_type"] == "RUNNING"}
            for name, runs in self.runs.items():
                most[name] = max(most[name], len(running.intersection(runs)))
            return all(run["state_type"] in TERMINAL for run in found)

        wait_for(ended, 150)
        return most

    def ends(self, name: str) -> list[Any]:
        return [self.podium.get(f"/flow_runs/{run_id}")["state_type"] for run_id in self.runs[name]]


def test_no_more_runs_than_slots(clients: Podium) -> None:
    """Pool and queue limits hold runs back, a deployment's limit queues or cancels them, and slots come back."""
    (clients.home / "limited_module.py").write_text(WORK)
    clients.console(
        """
        import os
        from prefect import flow
        from prefect.client.schemas.objects import ConcurrencyLimitConfig as Limit

        prefect("work-pool create wide --type process")
        prefect("work-pool create narrow --type process")
        prefect("work-pool set-concurrency-limit narrow 1")
        source = flow.from_source(source=os.getcwd(), entrypoint="limited_module.py:limited")
        for name, pool, options in (
            ("pool", "narrow", {}),
            ("queue", "wide", {"work_queue_name": "single"}),
            ("enqueue", "wide", {"concurrency_limit": Limit(limit=1, collision_strategy="ENQUEUE",
                                                            grace_period_seconds=120)}),
            ("cancel", "wide", {"concurrency_limit": Limit(limit=1, collision_strategy="CANCEL_NEW")}),
        ):
            source.deploy(name=name, work_pool_name=pool, print_next_steps=False, **options)
        prefect("work-queue set-concurrency-limit single 1 --pool wide")
        """
    )
    for pool in ("wide", "narrow"):
        clients.start(str(PREFECT / "prefect"), "worker", "start", "--pool", pool)
    deployments = Deployments(clients)
    for name in ("pool", "queue"):
        deployments.make(name, 2)
        deployments.make(name, 2)
    for name in ("enqueue", "cancel"):
        first = deployments.make(name, 8)
        wait_for(lambda run_id=first: deployments.holds_slot(run_id), 60)
        deployments.make(name, 0)
    assert set(deployments.most_at_once().values()) == {1}
    for name in ("pool", "queue", "enqueue"):
        assert deployments.ends(name) == ["COMPLETED", "COMPLETED"], name
    assert deployments.ends("cancel") == ["COMPLETED", "CANCELLED"]
    assert "AwaitingConcurrencySlot" in clients.states(deployments.runs["enqueue"][1])
    for name in ("enqueue", "cancel"):
        limit = clients.get(f"/deployments/name/limited/{name}")["global_concurrency_limit"]
        assert (limit["limit"], limit["active_slots"]) == (1, 0)


def test_runs_that_are_watched_retried_and_made_by_others(clients: Podium) -> None:
    """`deployment run --watch` and `flow-run watch` follow a run to its end; `retry` runs it once more;
    `run_deployment` makes a run that is no subflow, and only one for each idempotency key."""
    (clients.home / "limited_module.py").write_text(WORK)
    clients.console(
        """
        import os, subprocess, sys, time
        from prefect import flow
        from prefect.client.orchestration import get_client
        from prefect.deployments import run_deployment

        client = get_client(sync_client=True)
        prefect("work-pool create watched --type process")
        source = flow.from_source(source=os.getcwd(), entrypoint="limited_module.py:limited")
        source.deploy(name="watched", work_pool_name="watched", print_next_steps=False)
        worker = subprocess.Popen([sys.argv[1], "worker", "start", "--pool", "watched"])
        try:
            printed = prefect("deployment run limited/watched --watch --watch-interval 1 --watch-timeout 60")
            has(printed, "Completed")
            once = run_deployment("limited/watched", timeout=0, as_subflow=False, idempotency_key="k", tags=["z"])
            again = run_deployment("limited/watched", timeout=0, as_subflow=False, idempotency_key="k")
            assert once.id == again.id and once.tags == ["z"]
            has(prefect(f"flow-run watch {once.id}"), "Completed")
            has(prefect(f"flow-run retry {once.id}"), "scheduled for retry")
            # The client takes the end of the first try, which it is told of too, for that of the second.
            while not ((run := client.read_flow_run(once.id)).state.is_completed() and run.run_count == 2):
                time.sleep(0.5)
            has(prefect(f"flow-run watch {once.id}"), "Completed")

            @flow
            def caller():
                apart = run_deployment("limited/watched", poll_interval=0.5, as_subflow=False)
                within = run_deployment("limited/watched", poll_interval=0.5)
                assert apart.parent_task_run_id is None and within.parent_task_run_id is not None
                assert apart.state.is_completed() and within.state.is_completed()
            caller()
        finally:
            worker.terminate()
            worker.wait(30)
        """,
        str(PREFECT / "prefect"),
    )
