"""Automations of one server whose services run in several processes, one of which is killed again and again."""

import os
import signal
import threading
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import psycopg
import pytest

from podium.db.ids import new_id
from tests.cli.processes import ServicesProcess
from tests.own_redis import OwnRedis
from tests.scale.test_processes import Site, until

SECONDS = float(os.environ.get("PODIUM_TEST_MINUTES", "0.2")) * 60
PACE = 0.02


class Stream(threading.Thread):
    """Sends events, some in another order than they follow each other, until it is stopped."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.sent: list[str] = []
        self.stopped = threading.Event()
        self._url = url

    def run(self) -> None:
        with httpx.Client(base_url=f"{self._url}/api", timeout=30) as client:
            while not self.stopped.wait(PACE):
                first, second = _boiled(), _boiled()
                second["follows"] = first["id"]
                batch = [second, first] if len(self.sent) % 3 else [first, second]
                for each in batch:
                    client.post("/events", json=[each]).raise_for_status()
                self.sent.extend(each["id"] for each in batch)


def _boiled() -> dict[str, Any]:
    resource = {"prefect.resource.id": "kettle.1"}
    return {"id": new_id(), "occurred": datetime.now(UTC).isoformat(), "event": "kettle.boiled", "resource": resource}


def _automation(name: str, trigger: dict[str, Any]) -> dict[str, Any]:
    actions = [{"type": "do-nothing"}]
    return {"name": name, "trigger": trigger, "actions": actions, "actions_on_trigger": actions}


SINGLE = {"type": "event", "posture": "Reactive", "expect": ["kettle.boiled"]}
EACH_TENTH = {**SINGLE, "threshold": 10}
OF_TWO = {"type": "compound", "require": "all", "within": 3600, "triggers": [SINGLE, {**SINGLE, "threshold": 2}]}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("processes", [2, 3])
def test_no_firing_is_lost_and_none_doubled(home: Path, postgres_url: str, own_redis: OwnRedis, processes: int) -> None:
    """However often a process that evaluates is killed: one firing and two actions for each event, once."""
    with ExitStack() as stack:
        site = Site(home, postgres_url, own_redis.url, stack)
        server = site.server("--no-services")
        made = {}
        for name, trigger in (("single", SINGLE), ("tenth", EACH_TENTH), ("two", OF_TWO)):
            answer = httpx.post(f"{server.url}/api/automations/", json=_automation(name, trigger))
            made[name] = answer.json()["id"]
        services = [site.services() for _ in range(processes)]
        stream = Stream(server.url)
        stream.start()
        kills = _kill_again_and_again(site, services)
        stream.stopped.set()
        stream.join()
        assert kills >= 3
        assert len(stream.sent) > 100
        with psycopg.connect(postgres_url, autocommit=True) as database:
            waiting = "SELECT count(*) FROM event_deliveries WHERE consumer = 'automations'"
            until(lambda: _count(database, waiting) == 0, 60)
            fired = database.execute(
                "SELECT triggering_event_id::text FROM automation_firings WHERE automation_id = %s", (made["single"],)
            ).fetchall()
            assert Counter(row[0] for row in fired) == Counter(stream.sent)
            each = "SELECT count(*) FROM automation_firings WHERE automation_id = %s"
            assert _count(database, each, made["tenth"]) == len(stream.sent) // 10
            assert _count(database, each, made["two"]) == len(stream.sent) // 2
            firings = _count(database, "SELECT count(*) FROM automation_firings")
            assert _count(database, "SELECT count(*) FROM automation_actions") == 2 * firings
            distinct = "SELECT count(*) FROM (SELECT DISTINCT firing_id, action_index FROM automation_actions) a"
            assert _count(database, distinct) == 2 * firings
            until(lambda: _count(database, "SELECT count(*) FROM automation_actions WHERE state = 'pending'") == 0, 60)
            executed = "SELECT count(*) FROM events WHERE event = 'prefect.automation.action.executed'"
            assert _count(database, executed) == 2 * firings
            triggered = "SELECT count(*) FROM events WHERE event = 'prefect.automation.triggered'"
            assert _count(database, triggered) == firings


def _kill_again_and_again(site: Site, services: list[ServicesProcess]) -> int:
    kills, spent = 0, 0.0
    while spent < SECONDS:
        sleep(2)
        victim = services.pop(0)
        victim.process.send_signal(signal.SIGKILL)
        victim.ended()
        services.append(site.services())
        kills, spent = kills + 1, spent + 4
    return kills


def _count(database: Any, statement: str, *values: Any) -> int:
    number: int = database.execute(statement, values).fetchone()[0]
    return number
