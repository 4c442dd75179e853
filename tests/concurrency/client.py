"""A client that takes, renews and gives back slots in random order, and notes what it asks for and what it gets.

Called with the plan (JSON). A note is a line of JSON, written before a request that gives something up and after an
answer that grants something, so that what is noted as held was held, also where the client is killed in between:

* ``take``: slots are asked for at ``sent``; ``until`` is when they fall back at the earliest, null for never.
* ``got``: they were granted; ``renewing``, ``renewed``: they are to fall back at ``until``, which may be
  earlier than before; ``end``: they are about to be given back; ``gone``: they were; ``refused``: none were granted.
* ``rate``: slots of a limit with a decay, asked for at ``sent`` and granted by ``at``.
"""

import http.client
import json
import os
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from clock import seconds

LEASE = 60
HEADERS = {"Content-Type": "application/json", "User-Agent": "prefect/3.8.8 (API 0.8.4)"}
V2 = "/api/v2/concurrency_limits"


class Away(Exception):
    """The server did not answer: what it did is not known."""


class Held:
    """Something this client holds: how it is renewed and given back."""

    def __init__(self, key: str, kind: str, handle: str, names: list[str]) -> None:
        self.key, self.kind, self.handle, self.names = key, kind, handle, names


class Client:
    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.random = random.Random(plan["seed"])
        self.held: list[Held] = []
        self.done = 0
        self._number = 0
        self._notes = os.open(plan["notes"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._counter = os.open(plan["counter"], os.O_WRONLY | os.O_CREAT)
        self._connection = http.client.HTTPConnection("127.0.0.1", plan["port"], timeout=20)

    def note(self, op: str, key: str, **values: Any) -> None:
        os.write(self._notes, json.dumps({"op": op, "key": key, **values}).encode() + b"\n")

    def key(self) -> str:
        self._number += 1
        return f"{self.plan['seed']}-{self._number}"

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded body of an answer, one operation; raises Away."""
        self.done += 1
        os.pwrite(self._counter, b"%10d" % self.done, 0)
        try:
            self._connection.request(method, path, json.dumps(body), HEADERS)
            answer = self._connection.getresponse()
            read = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            time.sleep(0.1)
            raise Away from None
        if answer.status >= 500 and answer.status != 503:
            self.note("failure", "", status=answer.status, path=path, body=read.decode()[:500])
        return answer.status, json.loads(read) if read else None

    def lease(self) -> None:
        """Takes slots of several limits, some with a decay and some unknown."""
        names = self.random.sample([*self.plan["limits"], self.plan["decaying"], "unknown"], self.random.randint(1, 3))
        slots, lasting, key, sent = self.random.randint(1, 2), LEASE + self.random.random() * 30, self.key(), seconds()
        self.note("take", key, sent=sent, until=sent + lasting)
        holder = {"type": "task_run", "id": str(uuid.uuid4())} if self.random.random() < 0.3 else None
        body = {"names": names, "slots": slots, "lease_duration": lasting, "holder": holder}
        status, answer = self.call("POST", f"{V2}/increment-with-lease", body)
        if status == 200:
            self.note("got", key, at=seconds(), slots={name: slots for name in names if name in self.plan["limits"]})
            self.held.append(Held(key, "lease", answer["lease_id"], names))
        else:
            self.note("refused", key)

    def rate(self) -> None:
        """Takes slots of the limit of a rate."""
        slots, sent = self.random.randint(1, 2), seconds()
        body = {"names": [self.plan["rate"]], "slots": slots, "mode": "rate_limit"}
        status, _ = self.call("POST", f"{V2}/increment", body)
        if status == 200:
            self.note("rate", self.key(), sent=sent, at=seconds(), slots=slots)

    def tag(self) -> None:
        """Takes slots of tags the older way."""
        tags = self.random.sample(self.plan["tags"], self.random.randint(1, 2))
        key, task = self.key(), str(uuid.uuid4())
        self.note("take", key, sent=seconds(), until=None, tag_of=task, tags=tags)
        status, _ = self.call("POST", "/api/concurrency_limits/increment", {"names": tags, "task_run_id": task})
        if status == 200:
            self.note("got", key, at=seconds(), slots={f"tag:{tag}": 1 for tag in tags})
            self.held.append(Held(key, "tag", task, tags))
        elif status == 423:
            self.note("refused", key)

    def task(self) -> None:
        """Starts a task run with tags."""
        tags, key = self.random.sample(self.plan["tags"], 1), self.key()
        body = {"task_key": "fuzz", "dynamic_key": str(uuid.uuid4()), "flow_run_id": None, "tags": tags}
        _, run = self.call("POST", "/api/task_runs/", body | {"state": {"type": "PENDING"}})
        self.note("take", key, sent=seconds(), until=None, task=run["id"])
        _, answer = self.propose("task_runs", run["id"], "RUNNING")
        if answer["status"] == "ACCEPT":
            self.note("got", key, at=seconds(), slots={f"tag:{tag}": 1 for tag in tags})
            self.held.append(Held(key, "task_runs", run["id"], tags))
        else:
            self.note("refused", key)

    def propose(self, kind: str, run_id: str, state: str, **more: Any) -> tuple[int, Any]:
        """Proposes a state; ``more`` is the message of the state or force."""
        force = more.pop("force", False)
        return self.call("POST", f"/api/{kind}/{run_id}/set_state", {"state": {"type": state, **more}, "force": force})

    def deployment(self) -> None:
        """Starts a run of the deployment with a limit, as a process that renews its lease."""
        _, run = self.call("POST", f"/api/deployments/{self.plan['deployment']}/create_flow_run", {})
        for state in ("PENDING", "RUNNING"):
            key, sent = self.key(), seconds()
            self.note("take", key, sent=sent, until=sent + LEASE)
            _, answer = self.propose("flow_runs", run["id"], state)
            if answer["status"] != "ACCEPT":
                return
            lease = answer["state"]["state_details"]["deployment_concurrency_lease_id"]
            self.note("got", key, at=seconds(), lease=lease)
            if self.random.random() < 0.3:
                time.sleep(self.random.random() * 0.1)
        self.held.append(Held(key, "flow_runs", run["id"], [lease]))

    def pool(self) -> None:
        """Works as a worker does: asks for runs, proposes the first of them."""
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-01-01T00:00:00Z"}}
        body = {"flow_id": self.plan["flow"], "work_pool_name": self.plan["pool"], "state": state}
        self.call("POST", "/api/flow_runs/", body | {"work_queue_name": self.random.choice(self.plan["queues"])})
        _, found = self.call("POST", f"/api/work_pools/{self.plan['pool']}/get_scheduled_flow_runs", {"limit": 5})
        for each in found[:2]:
            key, run = self.key(), each["flow_run"]["id"]
            self.note("take", key, sent=seconds(), until=None, run=run)
            _, answer = self.propose("flow_runs", run, "PENDING", message=key)
            if answer["status"] == "ACCEPT":
                self.note("got", key, at=seconds(), slots={"pool": 1})
                self.held.append(Held(key, "flow_runs", run, []))
            else:
                self.note("refused", key)

    def renew(self, held: Held) -> None:
        leases = [held.handle] if held.kind == "lease" else held.names if held.kind == "flow_runs" else []
        if not leases:
            return
        sent = seconds()
        self.note("renewing", held.key, until=sent + LEASE)
        status, _ = self.call("POST", f"{V2}/leases/{leases[0]}/renew", {"lease_duration": LEASE})
        if status == 204:
            self.note("renewed", held.key, sent=sent, until=sent + LEASE)

    def end(self, held: Held) -> None:
        self.held.remove(held)
        self.note("end", held.key, at=seconds())
        self.give_back(held)
        self.note("gone", held.key)

    def give_back(self, held: Held) -> None:
        if held.kind == "lease":
            self.call("POST", f"{V2}/decrement-with-lease", {"lease_id": held.handle})
        elif held.kind == "tag":
            body = {"names": held.names, "task_run_id": held.handle}
            self.call("POST", "/api/concurrency_limits/decrement", body)
        else:
            self.propose(held.kind, held.handle, "COMPLETED", force=True)

    def step(self) -> None:
        take = (self.lease, self.lease, self.lease, self.rate, self.tag, self.task, self.deployment, self.pool)
        if len(self.held) > self.random.randint(0, 6):
            held = self.random.choice(self.held)
            (self.renew if self.random.random() < 0.3 else self.end)(held)
        else:
            self.random.choice(take)()

    def run(self) -> None:
        """Does as many operations as the plan says, and leaves what it holds at the end as a killed client does."""
        while self.done < self.plan["operations"]:
            try:
                self.step()
            except Away:
                continue
            except (KeyError, TypeError):
                time.sleep(0.05)  # a busy server refused, so that the answer has not what was looked for


if __name__ == "__main__":
    Client(json.loads(sys.argv[1])).run()
