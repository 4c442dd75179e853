"""An event that was acknowledged is there once after `kill -9`, and the task runs are what the events say.

The pong is the acknowledgement: the client forgets what it answers for. PODIUM_TEST_EVENTS (2000) says how many events
are streamed, over sockets that reconnect and send again what no pong confirmed.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, func, select

from podium.db.connections import open_engine
from podium.db.options import Options
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.tables.task_runs import task_run_states, task_runs
from podium.server.events.event import Event
from tests.crash.server import Server
from tests.crash.streaming import Row, Streamer, Told, UpTime, lives_of_task_runs, reference
from tests.migrated import migrate

EVENTS = int(os.environ.get("PODIUM_TEST_EVENTS", "2000"))
CLIENTS = 4
RATE = 500.0
"""Events a second that the clients send together while the server is up."""

BETWEEN_KILLS = 2.0
LONGEST_TO_SEE = 2.0
"""Seconds from the acknowledgement of an event until its state can be read; while the server is down none pass."""


@pytest.fixture(params=["sqlite", "postgresql and redis"])
def killable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    on_sqlite = request.param == "sqlite"
    url: str = request.getfixturevalue("sqlite_url" if on_sqlite else "postgres_url")
    variables = {} if on_sqlite else {"PODIUM_REDIS_URL": request.getfixturevalue("redis_url")}
    migrate(url)
    server = Server(tmp_path, url, **variables)
    server.start()
    yield server, url
    server.kill()


@pytest.mark.timeout(1200)
def test_every_acknowledged_event_counts_once_after_kill_9(killable: tuple[Server, str]) -> None:
    """Streamed in a random order over sockets that break: each event is stored once, each state is there once, every
    task run is what the reference says, and 99 of 100 are seen within two seconds."""
    server, url = killable
    chance = random.Random(5)
    lives = lives_of_task_runs(_flow_run(server), EVENTS, chance)
    sent = [event for life in lives for event in life]
    chance.shuffle(sent)
    told, kills = _stream_and_kill(server, sent)

    engine = open_engine(url, Options())
    with engine.connect() as connection:
        _check_events(connection, sent)
        _check_task_runs(connection, lives)
    engine.dispose()
    late = sorted(told.seen_after)[int(len(told.seen_after) * 0.99)]
    print(
        f"{len(sent)} events, {told.sent} sent over {told.connections} connections, {kills} kills;"
        f" seen after {late:.2f} s (99 %), {max(told.seen_after):.2f} s (longest)"
    )
    assert kills >= len(sent) / RATE / BETWEEN_KILLS / 2
    assert late <= LONGEST_TO_SEE


def _flow_run(server: Server) -> str:
    with httpx.Client(base_url=server.url, timeout=10) as client:
        flow_id = client.post("/flows/", json={"name": "crash"}).json()["id"]
        run = client.post("/flow_runs/", json={"flow_id": flow_id, "state": {"type": "RUNNING"}})
        flow_run_id: str = run.json()["id"]
    return flow_run_id


def _stream_and_kill(server: Server, sent: list[Event]) -> tuple[Told, int]:
    """Streams until all is acknowledged and seen, and meanwhile kills the server; how often it did."""
    told, up = Told(), UpTime()
    streamers = [Streamer(server.port, sent[number::CLIENTS], CLIENTS / RATE, up, told) for number in range(CLIENTS)]
    for streamer in streamers:
        streamer.start()
    kills = 0
    while True:
        time.sleep(BETWEEN_KILLS)
        if len(told.acknowledged) == len(sent):
            break
        up.went_down()
        server.kill()
        server.start()
        up.came_up()
        kills += 1
    for streamer in streamers:
        streamer.join(30)
        assert not streamer.is_alive(), "an acknowledged event was never seen"
    return told, kills


def _check_events(connection: Connection, sent: list[Event]) -> None:
    """All are stored once, with their resources, and no work is left of them."""
    stored = Counter(connection.scalars(select(events.c.id).where(events.c.event.like("prefect.task-run.%"))))
    assert stored == Counter(event.id for event in sent)
    count = func.count(event_resources.c.position)
    resources = connection.execute(select(event_resources.c.event_id, count).group_by(event_resources.c.event_id))
    found = {event_id: number for event_id, number in resources if event_id in stored}
    assert found == {event.id: 1 + len(event.related) for event in sent}
    assert connection.scalar(select(func.count(event_deliveries.c.position))) == 0


def _check_task_runs(connection: Connection, lives: list[list[Event]]) -> None:
    """Every run is what the reference says, and has each of its states once."""
    expected: dict[str, Row] = {row["id"]: row for row in map(reference, lives)}
    columns = [task_runs.c[name] for name in next(iter(expected.values()))]
    found = {row["id"]: dict(row) for row in connection.execute(select(*columns)).mappings()}
    assert found == expected
    states = connection.execute(select(task_run_states.c.task_run_id, task_run_states.c.id))
    assert Counter(map(tuple, states)) == Counter(
        (event.resource_id.removeprefix("prefect.task-run."), event.id) for life in lives for event in life
    )
