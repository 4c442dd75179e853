"""A flow run whose tasks, logs and artifacts a test makes by HTTP."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

import httpx


class Story:
    """A run on a server."""

    def __init__(self, url: str, name: str, flow: str = "nightly-etl", state: str = "RUNNING", **fields: Any) -> None:
        self.api = httpx.Client(base_url=url, timeout=30, follow_redirects=True)
        self.name = name
        self.said = 0
        self._tasks: dict[str, dict[str, Any]] = {}
        self.flow_id: str = self.post("/flows/", {"name": flow})["id"]
        body = {"flow_id": self.flow_id, "name": name, "state": {"type": "PENDING"}, **fields}
        self.id: str = self.post("/flow_runs/", body)["id"]
        if state != "PENDING":
            self.become(state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.api.close()

    def post(self, path: str, body: Any) -> Any:
        """The answer to a request that must succeed."""
        answer = self.api.post(path, json=body)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json() if answer.content else None

    def become(self, state: str, name: str | None = None, message: str | None = None) -> None:
        """Brings the run into a state."""
        told = {"type": state, "name": name, "message": message}
        self.post(f"/flow_runs/{self.id}/set_state", {"state": told, "force": True})

    def task(self, name: str, after: tuple[str, ...] = (), state: str = "COMPLETED") -> str:
        """A task run, which took in what others gave, as clients report it; its id."""
        task_id = str(uuid4())
        inputs = {"given": [{"input_type": "task_run", "id": each} for each in after]}
        self._tasks[task_id] = {"task_key": name, "dynamic_key": name, "name": name, "task_inputs": inputs}
        for each in dict.fromkeys(("PENDING", "RUNNING", state)) if state != "PENDING" else ("PENDING",):
            self.task_becomes(task_id, each)
        return task_id

    def task_becomes(self, task_id: str, state: str) -> None:
        """A client reports that a task run entered a state."""
        run, now = self._tasks[task_id], datetime.now(UTC).isoformat()
        if state == "PENDING":
            run["expected_start_time"] = now
        elif state == "RUNNING":
            run["start_time"] = now
        else:
            run["end_time"] = now
        event = {
            "id": str(uuid4()),
            "occurred": now,
            "event": f"prefect.task-run.{state.title()}",
            "resource": {"prefect.resource.id": f"prefect.task-run.{task_id}", "prefect.orchestration": "client"},
            "related": [{"prefect.resource.id": f"prefect.flow-run.{self.id}", "prefect.resource.role": "flow-run"}],
            "payload": {"task_run": run, "validated_state": {"type": state, "name": state.title()}},
        }
        self.post("/events", [event])

    def subflow(self, name: str, state: str = "RUNNING") -> str:
        """A run of another flow inside this one; its id."""
        task = {
            "flow_run_id": self.id,
            "task_key": name,
            "dynamic_key": name,
            "name": name,
            "state": {"type": "RUNNING"},
        }
        parent = self.post("/task_runs/", task)["id"]
        flow = self.post("/flows/", {"name": "audit"})["id"]
        body = {"flow_id": flow, "name": name, "parent_task_run_id": parent, "state": {"type": "PENDING"}}
        run_id: str = self.post("/flow_runs/", body)["id"]
        self.post(f"/flow_runs/{run_id}/set_state", {"state": {"type": state}, "force": True})
        return run_id

    def make(self, kind: str | None, data: Any, key: str | None = None, task: str | None = None) -> str:
        """An artifact of the run; its id."""
        body = {"key": key, "type": kind, "data": data, "flow_run_id": self.id, "task_run_id": task}
        artifact_id: str = self.post("/artifacts/", body)["id"]
        return artifact_id

    def say(self, count: int, level: int = 20, task: str | None = None, text: str = "line") -> None:
        """Logs numbered lines."""
        lines = []
        for _ in range(count):
            now = datetime.now(UTC).isoformat()
            line = {"name": "prefect.flow_runs", "level": level, "message": f"{text} {self.said}.", "timestamp": now}
            lines.append({**line, "flow_run_id": self.id, "task_run_id": task})
            self.said += 1
        self.post("/logs/", lines)
