"""Flows and tasks as their user sees them, and what the server keeps of them."""

from tests.e2e.conftest import Podium


def test_a_flow_with_tasks_completes(podium: Podium) -> None:
    """A flow and its tasks end Completed: states in order, times, run counts, parameters, tags and labels are kept."""
    printed = podium.run(
        """
        from prefect import flow, task, tags, get_run_logger

        @task
        def double(x): return 2 * x

        @flow(name="simple")
        def simple(x: int, unit: str = "m"):
            get_run_logger().info("first line")
            get_run_logger().warning("second line")
            return double(x)

        with tags("nightly", "etl"):
            print("result", simple(21))
        """
    )
    assert "result 42" in printed
    run = podium.flow_run("simple")
    assert run["state_type"] == "COMPLETED"
    assert run["run_count"] == 1
    assert run["parameters"] == {"x": 21, "unit": "m"}
    assert sorted(run["tags"]) == ["etl", "nightly"]
    assert run["labels"]["prefect.flow.id"] == run["flow_id"]
    assert run["expected_start_time"] <= run["start_time"] <= run["end_time"]
    assert run["total_run_time"] > 0
    assert podium.states(run["id"]) == ["Pending", "Running", "Completed"]
    messages = podium.messages(run["id"])
    assert messages.index("first line") < messages.index("second line")

    [task_run] = podium.task_runs(run["id"], 1).values()
    assert task_run["state_type"] == "COMPLETED"
    assert task_run["run_count"] == 1
    assert task_run["flow_run_id"] == run["id"]
    assert sorted(task_run["tags"]) == ["etl", "nightly"]
    assert podium.states(task_run["id"], "task_run") == ["Pending", "Running", "Completed"]


def test_mapped_tasks_and_futures(podium: Podium) -> None:
    """Each mapped element is a task run of its own; a task that waits for others names them as its inputs."""
    podium.run(
        """
        from prefect import flow, task

        @task
        def square(x): return x * x

        @task
        def total(values): return sum(values)

        @flow(name="mapped")
        def mapped():
            futures = square.map([1, 2, 3])
            assert total.submit(futures).result() == 14

        mapped()
        """
    )
    run = podium.flow_run("mapped")
    runs = podium.task_runs(run["id"], 4)
    squares = {each["id"] for name, each in runs.items() if name.startswith("square")}
    [total] = [each for name, each in runs.items() if name.startswith("total")]
    assert {each["id"] for each in total["task_inputs"]["values"]} == squares


def test_subflows_are_tracked_by_a_task_run(podium: Podium) -> None:
    """A subflow has a tracking task run in its parent, which mirrors its state and points at it."""
    podium.run(
        """
        from prefect import flow

        @flow(name="child")
        def child(): return 1

        @flow(name="parent")
        def parent(): return child()

        parent()
        """
    )
    parent, child = podium.flow_run("parent"), podium.flow_run("child")
    assert child["parent_task_run_id"]
    tracking = podium.get(f"/task_runs/{child['parent_task_run_id']}")
    assert tracking["flow_run_id"] == parent["id"]
    assert tracking["state_type"] == "COMPLETED"
    assert tracking["state"]["state_details"]["child_flow_run_id"] == child["id"]


def test_task_and_flow_retries(podium: Podium) -> None:
    """A retried task and a retried flow complete, and their history shows each attempt."""
    podium.run(
        """
        from pathlib import Path
        from prefect import flow, task

        def attempt(name):
            path = Path(name); seen = int(path.read_text()) if path.exists() else 0
            path.write_text(str(seen + 1)); return seen

        @task(retries=2, retry_delay_seconds=0.2)
        def flaky():
            if attempt("task-attempts") < 1: raise ValueError("task fails once")

        @flow(name="retried", retries=1, retry_delay_seconds=0)
        def retried():
            flaky()
            if attempt("flow-attempts") < 1: raise ValueError("flow fails once")

        retried()
        """
    )
    run = podium.flow_run("retried")
    assert run["state_type"] == "COMPLETED"
    assert run["run_count"] == 2
    assert podium.states(run["id"]) == ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]
    [flaky] = [
        each
        for each in podium.post("/task_runs/filter", {"task_runs": {"flow_run_id": {"any_": [run["id"]]}}})
        if each["run_count"] == 2
    ]
    attempts = podium.states(flaky["id"], "task_run")
    assert attempts[:5] == ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]


def test_failures_and_crashes(podium: Podium) -> None:
    """A failing task fails its flow with the traceback in the logs; a killed flow is Crashed."""
    podium.run(
        """
        from prefect import flow, task

        @task
        def fails(): raise ValueError("no luck today")

        @flow(name="failing")
        def failing(): fails()

        @flow(name="crashing")
        def crashing(): raise KeyboardInterrupt()

        try: failing()
        except ValueError: pass
        try: crashing()
        except KeyboardInterrupt: pass
        """,
    )
    failing = podium.flow_run("failing")
    assert failing["state_type"] == "FAILED"
    assert "no luck today" in failing["state"]["message"]
    [fails] = podium.task_runs(failing["id"], 1).values()
    assert fails["state_type"] == "FAILED"
    assert any("no luck today" in message for message in podium.messages(failing["id"]))
    assert podium.flow_run("crashing")["state_type"] == "CRASHED"


def test_cached_tasks(podium: Podium) -> None:
    """The second call of a cached task is Cached and does not run."""
    podium.run(
        """
        from prefect import flow, task
        from prefect.cache_policies import INPUTS

        @task(cache_policy=INPUTS, persist_result=True)
        def slow(x):
            print("computing"); return x

        @flow(name="cached")
        def cached():
            slow(7); slow(7)

        cached()
        """
    )
    runs = podium.task_runs(podium.flow_run("cached")["id"], 2)
    assert sorted(run["state_name"] for run in runs.values()) == ["Cached", "Completed"]


def test_artifacts_and_variables(podium: Podium) -> None:
    """Artifacts are kept by key with their run; variables can be set, read, changed and removed."""
    podium.run(
        """
        from prefect import flow
        from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
        from prefect.variables import Variable

        @flow(name="reporting")
        def reporting():
            create_markdown_artifact("# Hello", key="report", description="a report")
            create_markdown_artifact("# Hello again", key="report")
            progress = create_progress_artifact(0.0, key="progress")
            update_progress_artifact(progress, 80.0)
            assert Variable.get("city", default="none") == "none"
            Variable.set("city", "Oslo", tags=["place"])
            assert Variable.get("city") == "Oslo"
            Variable.set("city", {"name": "Bergen"}, overwrite=True)
            assert Variable.get("city") == {"name": "Bergen"}
            Variable.set("gone", 1); Variable.unset("gone")

        reporting()
        """
    )
    run = podium.flow_run("reporting")
    latest = podium.get("/artifacts/report/latest")
    assert latest["data"] == "# Hello again"
    assert latest["flow_run_id"] == run["id"]
    assert podium.get("/artifacts/progress/latest")["data"] == 80.0
    assert podium.get("/variables/name/city")["value"] == {"name": "Bergen"}
    assert podium.api.get("/variables/name/gone").status_code == 404
