"""One of each thing, again whenever it is needed, and its ids and names put where a made-up request has others."""

import itertools
from collections import defaultdict, deque
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

KEPT = 6
TRIGGER = {"type": "event", "posture": "Reactive", "expect": ["made.up"], "threshold": 1, "within": 0}
NOUNS = {
    "flow_id": "flows",
    "flow_run_id": "flow_runs",
    "flow_runs": "flow_runs",
    "parent_flow_run_id": "flow_runs",
    "task_run_id": "task_runs",
    "parent_task_run_id": "task_runs",
    "deployment_id": "deployments",
    "schedule_id": "schedules",
    "block_type_id": "block_types",
    "block_schema_id": "block_schemas",
    "block_document_id": "block_documents",
    "default_result_storage_block_id": "block_documents",
    "global_concurrency_limit_id": "v2",
    "lease_id": "leases",
    "automation_id": "automations",
    "work_pool_id": "work_pools",
    "work_queue_id": "work_queues",
    "flow_run_ids": "flow_runs",
    "flow_ids": "flows",
    "deployment_ids": "deployments",
    "concurrency_limit_ids": "v2",
}
"""Which noun's ids a field of a body or a placeholder of a path takes; the names of nouns are those of paths."""

NAMES = {
    "work_pool_name": "pool",
    "work_queue_name": "queue",
    "work_queue_names": "queue",
    "slug": "slug",
    "block_type_slug": "slug",
    "tag": "tag",
    "key": "key",
    "flow_name": "flow",
    "deployment_name": "deployment",
    "block_document_name": "document",
    "id_or_name": "limit",
    "names": "limit",
    "tags": "tag",
    "checksum": "checksum",
    "task_keys": "task",
}
NAME_OF = {"flows": "flow", "variables": "variable", "work_queues": "queue", "work_pools": "pool"}
ALWAYS = {"countable": ["day", "event", "resource", "time"], "view": ["demo-flows", "aggregate-worker-metadata"]}


class Garden:
    """``plant`` makes one of each thing; ``path`` and ``body`` graft what it made on a request."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self._count = itertools.count()
        self._grown: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.plant()

    def plant(self) -> None:
        """Makes a new one of each, and remembers the latest few."""
        mark = f"{next(self._count):05}"
        self._plant_runs(mark)
        self._plant_blocks(mark)
        self._plant_rest(mark)

    def _make(self, noun: str, path: str, body: dict[str, Any], method: str = "POST") -> Any:
        answer = self._api.request(method, path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        made = answer.json()
        if made and "id" in made:
            self._grown[noun].append(made["id"])
        return made

    def _name(self, kind: str, name: str) -> str:
        self._grown[f"name of {kind}"].append(name)
        return name

    def _plant_runs(self, mark: str) -> None:
        pool = self._name("pool", f"pool-{mark}")
        queue = self._name("queue", f"queue-{mark}")
        self._make("work_pools", "/work_pools/", {"name": pool, "type": "process"})
        self._make("work_queues", f"/work_pools/{pool}/queues", {"name": queue})
        worker = {"name": self._name("worker", f"worker-{mark}")}
        self._api.post(f"/work_pools/{pool}/workers/heartbeat", json=worker).raise_for_status()
        flow = self._make("flows", "/flows/", {"name": self._name("flow", f"flow-{mark}")})
        sent = {"name": self._name("deployment", f"deployment-{mark}"), "flow_id": flow["id"], "work_pool_name": pool}
        schedules = [{"schedule": {"interval": 3600}, "slug": "hourly"}]
        deployment = self._make("deployments", "/deployments/", {**sent, "schedules": schedules})
        self._grown["schedules"].append(deployment["schedules"][0]["id"])
        waiting = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-01-01T00:00:00Z"}}
        self._make("flow_runs", f"/deployments/{deployment['id']}/create_flow_run", {"state": waiting})
        paused = {"type": "PAUSED", "state_details": {"pause_timeout": "2126-01-01T00:00:00Z"}}
        for state in (paused, {"type": "RUNNING"}):
            run = self._make("flow_runs", "/flow_runs/", {"flow_id": flow["id"], "state": state})
        key = self._name("key", f"key-{mark}")
        self._api.post(f"/flow_runs/{run['id']}/input", json={"key": key, "value": "1"}).raise_for_status()
        task = {"flow_run_id": run["id"], "task_key": self._name("task", f"task-{mark}"), "dynamic_key": "0"}
        task_run = self._make("task_runs", "/task_runs/", {**task, "state": {"type": "RUNNING"}})
        self._make("artifacts", "/artifacts/", {"key": key, "data": 1, "flow_run_id": run["id"]})
        line = {"name": "flow", "level": 20, "message": "hello", "timestamp": "2026-01-01T00:00:00Z"}
        self._api.post("/logs/", json=[{**line, "flow_run_id": run["id"], "task_run_id": task_run["id"]}])
        for noun, owner in (("flow_run", run), ("task_run", task_run)):
            states = self._api.get(f"/{noun}_states/", params={f"{noun}_id": owner["id"]}).json()
            self._grown[f"{noun}_states"].extend(state["id"] for state in states)

    def _plant_blocks(self, mark: str) -> None:
        slug = self._name("slug", f"shelf-{mark}")
        kind = self._make("block_types", "/block_types/", {"name": slug, "slug": slug})
        fields = {"title": f"Shelf {mark}", "properties": {"path": {"type": "string"}}, "type": "object"}
        schema = self._make("block_schemas", "/block_schemas/", {"block_type_id": kind["id"], "fields": fields})
        self._name("checksum", schema["checksum"])
        sent = {"name": self._name("document", f"books-{mark}"), "data": {"path": "/srv"}}
        sent |= {"block_type_id": kind["id"], "block_schema_id": schema["id"]}
        self._make("block_documents", "/block_documents/", sent)

    def _plant_rest(self, mark: str) -> None:
        automation = {"name": mark, "trigger": TRIGGER, "actions": [{"type": "do-nothing"}]}
        self._make("automations", "/automations/", automation)
        name = self._name("limit", f"limit-{mark}")
        self._make("v2", "/v2/concurrency_limits/", {"name": name, "limit": 1000})
        asked = {"names": [name], "slots": 1, "mode": "concurrency", "lease_duration": 300}
        lease = self._make("leases", "/v2/concurrency_limits/increment-with-lease", asked)
        self._grown["leases"].append(lease["lease_id"])
        variable = {"name": self._name("variable", f"variable-{mark}"), "value": 1}
        self._make("variables", "/variables/", variable)
        self._make("saved_searches", "/saved_searches/", {"name": mark}, "PUT")
        tag = self._name("tag", f"tag-{mark}")
        self._make("concurrency_limits", "/concurrency_limits/", {"tag": tag, "concurrency_limit": 1000})

    def path(self, template: str, names: dict[str, Any], random: Random) -> dict[str, Any]:
        """The placeholders of a path, most of them filled with what is there."""
        parts = template.strip("/").split("/")
        noun = parts[1] if parts[0] == "ui" else parts[0]
        filled = dict(names)
        for name in names:
            if random.random() < 0.8 and (found := self._fitting(name, noun, template)):
                filled[name] = quote(random.choice(found), safe="")
        return filled

    def _fitting(self, name: str, noun: str, template: str) -> list[str]:
        if name in ALWAYS:
            return ALWAYS[name]
        if name == "id":
            return list(self._grown[noun])
        if name == "name":
            inner = (
                "queue" if "/queues/" in template else "worker" if "/workers/" in template else NAME_OF.get(noun, "")
            )
            return list(self._grown[f"name of {inner}"])
        return self._values(name)

    def _values(self, name: str) -> list[str]:
        if name in NOUNS:
            return list(self._grown[NOUNS[name]])
        return list(self._grown[f"name of {NAMES[name]}"]) if name in NAMES else []

    def body(self, body: Any, random: Random, within: str = "") -> Any:
        """A body whose ids and names are, here and there, those of what is there; everything else stays."""
        if isinstance(body, list):
            return [self.body(each, random, within) for each in body]
        if isinstance(body, dict):
            return {name: self.body(each, random, self._place(name, within)) for name, each in body.items()}
        if isinstance(body, str) and within and random.random() < 0.5:
            found = list(self._grown[within]) if within in self._grown else self._values(within)
            return random.choice(found) if found else body
        return body

    @staticmethod
    def _place(name: Any, within: str) -> str:
        """What a field is about: ids in a filter are those of the thing that is filtered."""
        if name in ("id", "any_", "not_any_", "all_"):
            return within
        singular = f"{name[:-1]}_id" if isinstance(name, str) and name.endswith("s") else ""
        return singular if singular in NOUNS else name if name in NOUNS or name in NAMES else ""
