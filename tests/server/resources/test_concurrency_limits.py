"""Concurrency limits over HTTP: global ones with leases, and the older ones by tag."""

import httpx

from podium.db.ids import new_id
from podium.wire.concurrency import ConcurrencyLimit
from podium.wire.concurrency_v2 import ConcurrencyLimitV2, GlobalConcurrencyLimit, Lease, MinimalConcurrencyLimit
from podium.wire.slots import LimitSlots
from tests.server.conftest import decode

V2 = "/v2/concurrency_limits"
V1 = "/concurrency_limits"


def make(api: httpx.Client, limit: int, **values: object) -> ConcurrencyLimitV2:
    reply = api.post(f"{V2}/", json={"name": f"limit-{new_id()}", "limit": limit, **values})
    assert reply.status_code == 201
    return decode(reply, ConcurrencyLimitV2)


def read(api: httpx.Client, name: str) -> GlobalConcurrencyLimit:
    return decode(api.get(f"{V2}/{name}"), GlobalConcurrencyLimit)


def test_limits(api: httpx.Client) -> None:
    """A limit is made once for its name, read by name or id, changed, listed and deleted."""
    made = make(api, 3, active_slots=1)
    assert (made.active_slots, made.avg_slot_occupancy_seconds) == (1, 2.0)
    assert api.post(f"{V2}/", json={"name": made.name, "limit": 1}).status_code == 409
    assert read(api, made.name) == read(api, made.id) == read(api, made.id.replace("-", "").upper())
    assert api.patch(f"{V2}/{made.name}", json={"limit": 5, "active": None}).status_code == 204
    assert (read(api, made.id).limit, read(api, made.id).active_slots) == (5, 1)
    other = make(api, 1)
    assert api.patch(f"{V2}/{other.id}", json={"name": made.name}).status_code == 409
    names = [each.name for each in decode(api.post(f"{V2}/filter", json={}), list[GlobalConcurrencyLimit])]
    assert names == sorted(names) and {made.name, other.name} <= set(names)
    assert len(api.post(f"{V2}/filter", json={"limit": 1, "offset": 1}).json()) == 1
    assert api.delete(f"{V2}/{made.name}").status_code == 204
    for reply in (api.get(f"{V2}/{made.id}"), api.delete(f"{V2}/{made.id}"), api.patch(f"{V2}/{made.id}", json={})):
        assert reply.status_code == 404


def test_leases(api: httpx.Client) -> None:
    """Slots are held by a lease that is renewed; who finds none is told when to come back."""
    limit = make(api, 1)
    body = {"names": [limit.name, "unknown"], "slots": 1, "lease_duration": 60, "holder": None}
    lease = decode(api.post(f"{V2}/increment-with-lease", json=body), Lease)
    assert [each.id for each in lease.limits] == [limit.id]
    refused = api.post(f"{V2}/increment-with-lease", json=body)
    assert (refused.status_code, refused.json()) == (423, {"detail": "Locked"})
    assert 1.0 <= float(refused.headers["Retry-After"]) <= 3.0
    assert read(api, limit.name).active_slots == 1
    renewal = f"{V2}/leases/{lease.lease_id}/renew"
    assert api.post(renewal, json={"lease_duration": 60}).status_code == 204
    for _ in range(2):
        assert api.post(f"{V2}/decrement-with-lease", json={"lease_id": lease.lease_id}).status_code == 204
    assert read(api, limit.name).active_slots == 0
    assert api.post(renewal).status_code == 410


def test_holders_of_a_tag(api: httpx.Client) -> None:
    """A task run is told with the flow run it is of."""
    tag = f"tag-{new_id()}"
    api.post(f"{V1}/", json={"tag": tag, "concurrency_limit": 1})
    flow = api.post("/flows/", json={"name": "held"}).json()["id"]
    run = api.post("/flow_runs/", json={"flow_id": flow, "name": "its-run"}).json()["id"]
    task = {"flow_run_id": run, "task_key": "t", "dynamic_key": tag, "name": "load-0", "tags": [tag]}
    made = api.post("/task_runs/", json=task).json()["id"]
    api.post(f"{V1}/increment", json={"names": [tag], "task_run_id": made})
    limit = read(api, f"tag:{tag}").id
    ((held,),) = (each.holders for each in decode(api.post("/podium/slots", json={"ids": [limit]}), list[LimitSlots]))
    assert (held.kind, held.name, held.flow_run_id, held.flow_run_name) == ("task_run", "load-0", run, "its-run")


def test_a_refusal_is_remembered(api: httpx.Client) -> None:
    """The count of denied slots is stored although the answer is an error: the next one waits longer."""
    limit = make(api, 1)
    body = {"names": [limit.name], "slots": 1}
    api.post(f"{V2}/increment", json=body)
    waits = [float(api.post(f"{V2}/increment", json=body).headers["Retry-After"]) for _ in range(2)]
    assert waits[0] <= 2.6 < 3.2 <= waits[1]


def test_increments(api: httpx.Client) -> None:
    """Slots without a lease, by concurrency or by rate; what can never be taken is an error."""
    limit, rate = make(api, 2), make(api, 2, slot_decay_per_second=0.01)
    taken = api.post(f"{V2}/increment", json={"names": [limit.name], "slots": 2, "mode": "concurrency"})
    assert [each.id for each in decode(taken, list[MinimalConcurrencyLimit])] == [limit.id]
    given_back = api.post(f"{V2}/decrement", json={"names": [limit.name], "slots": 1, "occupancy_seconds": 1.5})
    assert [each.name for each in decode(given_back, list[MinimalConcurrencyLimit])] == [limit.name]
    assert read(api, limit.name).active_slots == 1
    assert api.post(f"{V2}/increment", json={"names": ["unknown"], "slots": 1}).json() == []
    wanted = {"names": [rate.name], "slots": 2, "mode": "rate_limit"}
    assert api.post(f"{V2}/increment", json=wanted).status_code == 200
    assert api.post(f"{V2}/increment", json=wanted).status_code == 423
    assert api.post(f"{V2}/increment", json={**wanted, "names": [limit.name]}).status_code == 422
    assert api.post(f"{V2}/increment", json={"names": [limit.name], "slots": 3}).status_code == 422


def test_limits_by_tag(api: httpx.Client) -> None:
    """The limit of a tag is the global one named ``tag:<tag>``, whose slots task runs hold."""
    tag = f"tag-{new_id()}"
    made = api.post(f"{V1}/", json={"tag": tag, "concurrency_limit": 1})
    again = api.post(f"{V1}/", json={"tag": tag, "concurrency_limit": 2})
    assert (made.status_code, again.status_code) == (201, 200)
    limit = decode(again, ConcurrencyLimit)
    assert (limit.tag, limit.concurrency_limit, limit.active_slots) == (tag, 2, [])
    assert read(api, f"tag:{tag}").id == limit.id == decode(api.get(f"{V1}/{limit.id}"), ConcurrencyLimit).id
    tasks = [new_id() for _ in range(3)]
    for task, status in ((tasks[0], 200), (tasks[0], 200), (tasks[1], 200), (tasks[2], 423)):
        reply = api.post(f"{V1}/increment", json={"names": [tag, "unknown"], "task_run_id": task})
        assert reply.status_code == status
    assert reply.headers["Retry-After"] == "10"
    assert decode(api.get(f"{V1}/tag/{tag}"), ConcurrencyLimit).active_slots == tasks[:2]
    api.post(f"{V1}/decrement", json={"names": [tag], "task_run_id": tasks[0]})
    assert tag in [each["tag"] for each in api.post(f"{V1}/filter", json={}).json()]
    assert decode(api.get(f"{V1}/tag/{tag}"), ConcurrencyLimit).active_slots == tasks[1:2]
    assert api.post(f"{V1}/tag/{tag}/reset", json={"slot_override": [tasks[2]]}).status_code == 200
    assert decode(api.get(f"{V1}/tag/{tag}"), ConcurrencyLimit).active_slots == tasks[2:]
    assert read(api, f"tag:{tag}").active_slots == 1
    assert api.delete(f"{V1}/{limit.id}").json() is None
    for reply in (api.get(f"{V1}/tag/{tag}"), api.delete(f"{V1}/tag/{tag}"), api.post(f"{V1}/tag/{tag}/reset")):
        assert reply.status_code == 404
    assert api.get(f"{V1}/{make(api, 1).id}").status_code == 404


def test_slots(api: httpx.Client) -> None:
    """Who holds slots of which limits, those of pools too, in one answer; page by page where there are many."""
    limit = make(api, 2)
    run_id = new_id()
    body = {"names": [limit.name], "slots": 2, "holder": {"type": "flow_run", "id": run_id}}
    api.post(f"{V2}/increment-with-lease", json=body)
    pool = api.post("/work_pools/", json={"name": f"pool-{run_id}", "type": "process", "concurrency_limit": 3}).json()
    wanted = {"ids": [limit.id, pool["id"]]}
    full, free = decode(api.post("/podium/slots", json=wanted), list[LimitSlots])
    assert (full.kind, full.used, full.holders[0].id, full.holders[0].name) == ("global", 2, run_id, None)
    assert (free.kind, free.name, free.used, free.limit) == ("work_pool", pool["name"], 0, 3)
    second = decode(api.post("/podium/slots", json={**wanted, "limit": 1, "offset": 1}), list[LimitSlots])
    assert [each.id for each in second] == [pool["id"]]
    assert full.id in [each.id for each in decode(api.post("/podium/slots"), list[LimitSlots])]
    assert api.post("/podium/slots", json={"kinds": ["other"]}).status_code == 422
    assert api.post("/podium/slots", json={"holders": 201}).status_code == 422
