"""What is queued to be sent arrives though the server is killed again and again."""

import asyncio
import os
import random
import time
from collections import defaultdict
from typing import Any

import httpx
import pytest

from podium.db.engine import Database
from podium.db.unit import Tx
from podium.server.notifications.queue import Message, queue_delivery
from tests.crash.server import Server
from tests.crash.test_kill import KILLS, killable  # noqa: F401  # a fixture
from tests.server.notifications.sinks import HttpSink, Reply, Request

CHANNELS = 3
EACH = 60


def _hooks(server: Server, sink: HttpSink) -> list[str]:
    """The ids of new webhook blocks, one for each channel."""
    with httpx.Client(base_url=server.url, timeout=10) as client:
        kind = client.get("/block_types/slug/webhook").json()["id"]
        [schema] = client.post(
            "/block_schemas/filter", json={"block_schemas": {"block_type_id": {"any_": [kind]}}}
        ).json()
        made = []
        for number in range(CHANNELS):
            data = {"url": f"{sink.url}/{number}"}
            body = {"name": f"hook-{number}", "data": data, "block_type_id": kind, "block_schema_id": schema["id"]}
            made.append(client.post("/block_documents/", json=body).json()["id"])
        return made


def _queue(server: Server, hooks: list[str]) -> None:
    """Queues the messages of all channels, in turn."""

    def queue(tx: Tx) -> None:
        for number in range(EACH):
            for channel, hook in enumerate(hooks):
                queue_delivery(tx, "webhook", Message(payload=str(number)), f"{channel}-{number}", hook)

    async def work() -> None:
        database = Database(server.environment["PODIUM_SERVER_DATABASE_CONNECTION_URL"])
        await database.write(queue)
        await database.close()

    asyncio.run(work())


def _waiting(server: Server) -> int:
    body: dict[str, Any] = {"notification_deliveries": {"state": {"any_": ["waiting"]}}}
    return int(httpx.post(f"{server.url}/notification_deliveries/count", json=body, timeout=10).json())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_queued_arrives(killable: Server) -> None:  # noqa: F811
    """Every message arrives, in the order of its channel; again only what was on its way when the server died, and then
    with the same key."""
    moments = random.Random(11)

    def answer(_: Request) -> Reply:
        time.sleep(0.01)
        return Reply()

    with HttpSink() as sink:
        sink.answer = answer
        hooks = _hooks(killable, sink)
        killable.kill()
        killable.environment["PODIUM_SERVER_NOTIFICATIONS_TIMEOUT"] = "2"
        _queue(killable, hooks)
        for _ in range(KILLS):
            killable.start()
            before = len(sink.requests)
            while len(sink.requests) < before + 10 and _waiting(killable):
                time.sleep(0.02)
            time.sleep(moments.uniform(0.0, 0.3))
            killable.kill()
        killable.start()
        deadline = time.monotonic() + 90
        while _waiting(killable):
            assert time.monotonic() < deadline, "messages were left"
            time.sleep(0.1)
    arrived: defaultdict[str, list[str]] = defaultdict(list)
    for request in sink.requests:
        channel, body = request.path.strip("/"), request.body.decode()
        assert request.headers["idempotency-key"] == f"{channel}-{body}"
        arrived[channel].append(body)
    doubled = 0
    for bodies in arrived.values():
        assert list(dict.fromkeys(bodies)) == [str(number) for number in range(EACH)]
        assert bodies == sorted(bodies, key=int)
        doubled += len(bodies) - EACH
    assert len(arrived) == CHANNELS and doubled <= CHANNELS * KILLS
    print(f"{len(sink.requests)} requests, {doubled} of them again, after {KILLS} kills on {os.cpu_count()} cores")
