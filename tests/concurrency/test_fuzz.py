"""Concurrency limits hold, whatever becomes of clients and server.

`make concurrency` lets 8 clients do 5,000 operations each, the suite only a small slice: PODIUM_TEST_CLIENTS and
PODIUM_TEST_OPERATIONS say how many.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy

from podium.db.urls import sync_url
from tests.concurrency import history
from tests.crash.server import Server
from tests.migrated import migrate

HERE = Path(__file__).parent
CLIENTS = int(os.environ.get("PODIUM_TEST_CLIENTS", "4"))
OPERATIONS = int(os.environ.get("PODIUM_TEST_OPERATIONS", "80"))
SPEED = 30.0
LIMITS = {"one": 1, "three": 3, "seven": 7}
TAGS = {"red": 2, "blue": 4}
DEPLOYMENT, POOL, QUEUE = 3, 3, 2
RATE, PER_SECOND = 6, 0.5

USED = """
SELECT l.name, l."limit", l.anonymous_slots + coalesce(
    (SELECT sum(s.slots) FROM concurrency_lease_slots s
      WHERE s.concurrency_limit_id = l.id AND l.slot_decay_per_second = 0), 0)
  FROM concurrency_limits_v2 l
UNION ALL
SELECT 'queue ' || q.name, q.concurrency_limit, (SELECT count(*) FROM flow_runs r
    WHERE r.work_queue_id = q.id AND r.state_type IN ('PENDING', 'RUNNING'))
  FROM work_queues q WHERE q.concurrency_limit IS NOT NULL
UNION ALL
SELECT 'pool ' || p.name, p.concurrency_limit, (SELECT count(*) FROM flow_runs r
    JOIN work_queues q ON q.id = r.work_queue_id WHERE q.work_pool_id = p.id AND r.state_type IN ('PENDING', 'RUNNING'))
  FROM work_pools p WHERE p.concurrency_limit IS NOT NULL
"""


class Fuzz:
    """A server with limits, its clients, and who kills them."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self.engine = sqlalchemy.create_engine(sync_url(database_url))
        self.server = Server(
            home,
            database_url,
            (HERE / "server.py",),
            PODIUM_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS="1",
            FUZZ_ORIGIN=str(time.time()),
            FUZZ_SPEED=str(SPEED),
        )
        self.url = self.server.url
        self.random = random.Random(3)
        self.plan: dict[str, Any] = {}
        self.clients: dict[int, subprocess.Popen[bytes]] = {}
        self.lives = [0] * CLIENTS
        self.looks = 0
        self.above: list[Any] = []
        self.over = threading.Event()

    def prepare(self) -> None:
        """The limits, a deployment, a pool and what else the clients use."""
        with httpx.Client(base_url=self.url, timeout=10) as api:

            def make(path: str, **body: Any) -> Any:
                answer = api.post(path, json=body)
                assert answer.status_code in (200, 201), answer.text
                return answer.json()

            for name, limit in (*LIMITS.items(), *((f"tag:{tag}", limit) for tag, limit in TAGS.items())):
                make("/v2/concurrency_limits/", name=name, limit=limit)
            for name in ("rate", "decaying"):
                make("/v2/concurrency_limits/", name=name, limit=RATE, slot_decay_per_second=PER_SECOND)
            flow = make("/flows/", name="fuzz")["id"]
            options = {"collision_strategy": "ENQUEUE", "grace_period_seconds": 60}
            deployment = {"flow_id": flow, "concurrency_limit": DEPLOYMENT, "concurrency_options": options}
            make("/work_pools/", name="fuzz", type="process", concurrency_limit=POOL)
            for queue in ("a", "b"):
                make("/work_pools/fuzz/queues", name=queue, concurrency_limit=QUEUE)
            self.plan = {
                "port": self.server.port,
                "limits": [*LIMITS],
                "tags": [*TAGS],
                "rate": "rate",
                "decaying": "decaying",
                "flow": flow,
                "deployment": make("/deployments/", name="fuzz", **deployment)["id"],
                "pool": "fuzz",
                "queues": ["a", "b"],
            }

    def notes(self, number: int) -> Path:
        return self.home / f"notes-{number}-{self.lives[number]}.jsonl"

    def done(self, number: int) -> int:
        """The operations that a client has done in all its lives."""
        return sum(int(path.read_bytes() or b"0") for path in self.home.glob(f"done-{number}-*"))

    def start_client(self, number: int) -> None:
        self.lives[number] += 1
        life = self.lives[number]
        plan = self.plan | {
            "seed": 1000 * number + life,
            "operations": OPERATIONS - self.done(number),
            "notes": str(self.notes(number)),
            "counter": str(self.home / f"done-{number}-{life}"),
        }
        command = [sys.executable, HERE / "client.py", json.dumps(plan)]
        self.clients[number] = subprocess.Popen(command, env=self.server.environment)

    def clean_up(self, number: int) -> None:
        """Does for a client that is gone what nothing expires for: ends its runs, gives back its slots of tags."""
        found = history.grants(history.read([self.notes(number)]))
        left = {key: grant for key, grant in found.items() if grant.until == history.FOREVER and not grant.gone}
        for key in left:
            with self.notes(number).open("ab") as notes:
                ended = json.dumps({"op": "end", "key": key, "at": self.now()})
                notes.write(b"\n" + ended.encode() + b"\n")
        self.give_back(left)

    def give_back(self, left: dict[str, history.Grant]) -> None:
        for key, grant in left.items():
            note = grant.note
            if "tag_of" in note:
                body = {"names": note["tags"], "task_run_id": note["tag_of"]}
                self.insist("POST", "/concurrency_limits/decrement", body)
                continue
            kind, run = ("task_runs", note["task"]) if "task" in note else ("flow_runs", note["run"])
            # Of a run that two proposed at once, only the one who got it may end it.
            if kind == "task_runs" or self.insist("GET", f"/flow_runs/{run}")["state"]["message"] == key:
                crashed = {"state": {"type": "CRASHED"}, "force": True}
                self.insist("POST", f"/{kind}/{run}/set_state", crashed)

    def insist(self, method: str, path: str, body: Any = None) -> Any:
        """What the server answers, sooner or later."""
        for _ in range(100):
            try:
                answer = httpx.request(method, self.url + path, json=body, timeout=20)
                if answer.status_code < 500:
                    return answer.json()
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{path} is not answered")

    def now(self) -> float:
        origin = float(self.server.environment["FUZZ_ORIGIN"])
        return origin + (time.time() - origin) * SPEED

    def watch(self) -> None:
        """Looks at the slots in use, one snapshot after the other."""
        while not self.over.is_set():
            with self.engine.connect() as connection:
                rows = connection.execute(sqlalchemy.text(USED)).fetchall()
            self.above += [tuple(row) for row in rows if row[2] > row[1]]
            self.looks += 1
            time.sleep(0.02)

    def run(self) -> None:
        """Lets the clients work, kills one of them now and then, and the server once."""
        watcher = threading.Thread(target=self.watch)
        watcher.start()
        for number in range(CLIENTS):
            self.start_client(number)
        killed, pace = False, 1.0 if OPERATIONS < 1000 else 2.0
        try:
            while running := [number for number, client in self.clients.items() if client.poll() is None]:
                time.sleep(self.random.uniform(0.5, 1.5) * pace)
                if not killed and sum(map(self.done, range(CLIENTS))) > CLIENTS * OPERATIONS / 2:
                    self.server.kill()
                    self.server.start()
                    killed = True
                chosen = self.random.choice(running)
                if self.done(chosen) < 0.9 * OPERATIONS:
                    self.kill_client(chosen)
            for number in range(CLIENTS):
                self.clean_up(number)
            # What a client asked for just before it was killed may have been granted after all was given back.
            found = history.grants(history.read(self.home.glob("notes-*")))
            unknown = {key: each for key, each in found.items() if each.at is None and not each.refused}
            self.give_back({key: each for key, each in unknown.items() if {"tag_of", "task"} & each.note.keys()})
            assert killed
        finally:
            self.over.set()
            watcher.join()

    def kill_client(self, number: int) -> None:
        client = self.clients[number]
        client.kill()
        client.wait()
        self.clean_up(number)
        self.start_client(number)

    def rest(self) -> list[Any]:
        """The slots that are still in use once every lease and every slot that decays had its time."""
        for _ in range(200):
            time.sleep(0.1)
            with self.engine.connect() as connection:
                leased = connection.execute(sqlalchemy.text("SELECT count(*) FROM concurrency_leases")).scalar()
            with httpx.Client(base_url=self.url, timeout=10) as api:
                limits = api.post("/v2/concurrency_limits/filter", json={}).json()
            used = [(limit["name"], limit["active_slots"]) for limit in limits if limit["active_slots"]]
            if not leased and not used:
                break
        return used + [("leases", leased)] * bool(leased)

    def stop(self) -> None:
        for client in self.clients.values():
            client.kill()
            client.wait()
        self.server.kill()
        self.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def fuzz(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fuzz]:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    migrate(url)
    made = Fuzz(tmp_path, url)
    try:
        made.server.start()
        made.prepare()
        yield made
    finally:
        made.stop()


@pytest.mark.timeout(1800)
def test_limits_hold(fuzz: Fuzz) -> None:
    """Under clients that are killed while they hold slots, leases that expire and a server that is killed: never more
    slots are in use than a limit has, at no look at the database and by no account of the clients, and none at the end.
    """
    fuzz.run()
    notes = history.read(fuzz.home.glob("notes-*"))
    held = history.spans(history.grants(notes).values())
    most = {name: history.most_at_once(spans) for name, spans in held.items()}
    limits = LIMITS | {f"tag:{tag}": limit for tag, limit in TAGS.items()} | {"deployment": DEPLOYMENT, "pool": POOL}
    assert [note for note in notes if note["op"] == "failure"] == []
    assert fuzz.above == []
    assert {name: used for name, used in most.items() if used > limits[name]} == {}
    # Whole slots decay: what is on its way to the next one comes on top.
    assert history.worst_burst([note for note in notes if note["op"] == "rate"], PER_SECOND) < RATE + 1
    assert fuzz.rest() == []
    grants = sum(map(len, held.values()))
    print(f"{grants} grants in {sum(map(fuzz.done, range(CLIENTS)))} operations, {sum(fuzz.lives)} lives of clients,")
    print(f"{fuzz.looks} looks; most at once: {most}")
    assert held.keys() == limits.keys() or OPERATIONS < 1000
    assert grants > CLIENTS * OPERATIONS / 20
