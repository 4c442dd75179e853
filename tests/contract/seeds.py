"""One of each thing, made through the API, and what bodies and paths have to name to reach them."""

import itertools
from typing import Any

import httpx

Values = dict[str, Any]


class Seeds:
    """``known``: values for the fields of bodies by name; ``path``: what fills the placeholders of an operation."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.known: Values = {}
        self._ids: Values = {}
        numbers = itertools.count()
        self.known |= dict.fromkeys(("name", "slug", "tag", "key", "dynamic_key"), lambda: f"new-{next(numbers)}")
        self._make_runs()
        self._make_blocks()
        self._make_rest()

    def _made(self, noun: str, body: Values, verb: str = "POST") -> Any:
        answer = self.api.request(verb, f"/{noun}", json=body)
        assert answer.is_success, f"{noun}: {answer.text}"
        return answer.json()

    def _make_runs(self) -> None:
        pool = self._made("work_pools/", {"name": "pool"})
        queue = self._made("work_pools/pool/queues", {"name": "queue"})
        flow = self._made("flows/", {"name": "etl"})
        schedule = {"schedule": {"interval": 3600}, "active": False}
        sent = {"name": "daily", "flow_id": flow["id"], "work_pool_name": "pool", "schedules": [schedule]}
        deployment = self._made("deployments/", sent)
        run = self._made("flow_runs/", {"flow_id": flow["id"]})
        task = self._made("task_runs/", {"flow_run_id": run["id"], "task_key": "t", "dynamic_key": "0"})
        self.api.post(f"/flow_runs/{run['id']}/input", json={"key": "key", "value": "1"}).raise_for_status()
        self.api.post("/work_pools/pool/workers/heartbeat", json={"name": "worker"}).raise_for_status()
        self._ids |= {"flows": flow, "deployments": deployment, "flow_runs": run, "task_runs": task}
        self._ids |= {"work_pools": pool, "work_queues": queue, "schedules": deployment["schedules"][0]}
        self.known |= {"flow_id": flow["id"], "parameters": {}, "job_variables": {}}

    def _make_blocks(self) -> None:
        kind = self._made("block_types/", {"name": "Shelf", "slug": "shelf"})
        schema = self._made("block_schemas/", {"block_type_id": kind["id"], "fields": {"title": "Shelf"}})
        links = {"block_type_id": kind["id"], "block_schema_id": schema["id"]}
        document = self._made("block_documents/", {"name": "books", "data": {}, **links})
        self._ids |= {"block_types": kind, "block_schemas": schema, "block_documents": document}
        self.known |= links

    def _make_rest(self) -> None:
        trigger = {"type": "event", "posture": "Reactive", "threshold": 1, "within": 0}
        automation = {"name": "automation", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
        limit = self._made("v2/concurrency_limits/", {"name": "limit", "limit": 1000})
        asked = {"names": ["limit"], "slots": 1, "mode": "concurrency", "lease_duration": 300}
        self._ids |= {
            "variables": self._made("variables/", {"name": "variable", "value": 1}),
            "artifacts": self._made("artifacts/", {"key": "artifact", "data": 1}),
            "automations": self._made("automations/", automation),
            "notifications": self._made("notifications/", {"name": "notification", "emails": ["a@example.com"]}),
            "webhooks": (webhook := self._made("webhooks/", {"name": "webhook"})),
            "saved_searches": self._made("saved_searches/", {"name": "search"}, "PUT"),
            "concurrency_limits": self._made("concurrency_limits/", {"tag": "tag", "concurrency_limit": 1000}),
            "v2": limit,
            "leases": {"id": self._made("v2/concurrency_limits/increment-with-lease", asked)["lease_id"]},
        }
        self._secret = webhook["url"].rpartition("/")[2]
        self.known |= {"task_run_id": self._ids["task_runs"]["id"], "base_job_template": {}}

    def path(self, template: str, names: tuple[str, ...]) -> Values:
        """What fills the placeholders of a path."""
        noun = template.strip("/").split("/")[0]
        noun = template.strip("/").split("/")[1] if noun == "ui" else noun
        own = {"work_pool_name": "pool", "work_queue_name": "queue", "slug": "shelf", "tag": "tag", "key": "key"}
        own |= {"flow_name": "etl", "deployment_name": "daily", "block_document_name": "books", "id_or_name": "limit"}
        own |= {"schedule_id": self._ids["schedules"]["id"], "lease_id": self._ids["leases"]["id"], "countable": "day"}
        own |= {"resource_id": "prefect.flow.1", "view": "demo-flows", "checksum": "sha256:0"}
        own["secret"] = self._secret
        own["id"] = self._ids.get(noun, {}).get("id", "5c0ffee0-0000-4000-8000-000000000009")
        names_of = {"flows": "etl", "variables": "variable", "work_queues": "default"}
        names_of |= {"notifications": "notification", "webhooks": "webhook"}
        own["name"] = names_of.get(noun, "pool")
        if "/queues/" in template:
            own["name"] = "queue"
        if "/workers/" in template:
            own["name"] = "worker"
        return {name: own[name] for name in names}
