"""What the processes of one server keep in Redis."""

from time import sleep

import httpx
import pytest
import redis

from podium.server.messaging.redis import MOST_STORED
from tests.own_redis import OwnRedis
from tests.scale.test_processes import Site, site

__all__ = ["site"]

SIZES = {"stream": "xlen", "zset": "zcard", "hash": "hlen", "set": "scard", "list": "llen", "string": "strlen"}
LARGEST = 100
"""Entries of a key that is neither a stream of messages nor forgotten in time."""


@pytest.mark.slow
def test_more_runs_and_rounds_keep_no_more_in_redis(site: Site, own_redis: OwnRedis) -> None:
    """Every key is of a service, of a process, or forgotten in time, and short."""
    server = site.server("--no-services")
    first, _ = site.services(), site.services()
    sleep(10)
    before = _keys(own_redis)
    first.process.kill()
    first.process.wait()
    site.services()
    with httpx.Client(base_url=f"{server.url}/api") as api:
        flow = api.post("/flows/", json={"name": "f"}).json()["id"]
        for _ in range(300):
            run = api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "SCHEDULED"}}).json()["id"]
            api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": "CANCELLING"}}).raise_for_status()
    sleep(20)
    after = _keys(own_redis)
    grown = {key: size for key, size in after.items() if size > LARGEST and not key.startswith("podium:messages:")}
    assert grown == {}
    assert all(size <= MOST_STORED * 1.2 for size in after.values())
    known = {key for key in before if not key.startswith("podium:messages:")}
    assert len(after) <= len(known) + 20


def _keys(server: OwnRedis) -> dict[str, int]:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        kinds = {key: client.type(key) for key in client.scan_iter(count=1000)}
        return {key: getattr(client, SIZES[kind])(key) for key, kind in kinds.items() if kind in SIZES}
