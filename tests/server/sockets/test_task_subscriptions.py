"""Background task runs: each is handed to one worker that has its task, and to another one if that did not take it."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed

from podium.db.ids import new_id
from podium.db.tables.task_queue import task_run_deliveries
from podium.server.queries import task_queue
from tests.server.conftest import LiveServer, Units
from tests.server.rows import Rows
from tests.server.sockets.client import Peer

PATH = "/task_runs/subscriptions/scheduled"


@pytest.fixture
def key() -> str:
    """A task that no other test has."""
    return f"task-{new_id()}"


def delay(api: httpx.Client, key: str, name: str = "SCHEDULED") -> str:
    """What `task.delay()` does: a run without a flow run, waiting for a task worker."""
    state: dict[str, Any] = {"type": "SCHEDULED", "name": name, "state_details": {"deferred": True}}
    body = {"task_key": key, "dynamic_key": new_id(), "flow_run_id": None, "state": state}
    run_id: str = api.post("/task_runs/", json=body).raise_for_status().json()["id"]
    return run_id


def subscribe(server: LiveServer, *keys: str) -> Peer:
    peer = Peer(server, PATH).admitted()
    peer.send(type="subscribe", keys=list(keys), client_id="host-1")
    return peer


def take(peer: Peer) -> str:
    run_id: str = peer.receive()["id"]
    peer.send(type="ack")
    return run_id


def test_a_waiting_run_comes_as_the_api_shows_it(server: LiveServer, api: httpx.Client, key: str) -> None:
    """Bare, with its state."""
    run_id = delay(api, key)
    with subscribe(server, key) as peer:
        told = peer.receive()
        peer.send(type="ack")
    shown = api.get(f"/task_runs/{run_id}").json()
    for changing in ("estimated_start_time_delta",):
        told.pop(changing), shown.pop(changing)
    assert told == shown
    assert told["state"]["state_details"]["deferred"] is True


def test_a_new_run_comes_at_once(server: LiveServer, api: httpx.Client, key: str) -> None:
    """Not at the next look."""
    with subscribe(server, key) as peer:
        peer.settle()
        run_id = delay(api, key)
        assert peer.receive(timeout=2)["id"] == run_id
        peer.send(type="ack")


def test_runs_come_one_by_one_oldest_first(server: LiveServer, api: httpx.Client, key: str) -> None:
    """The next one only after the answer to the last."""
    waiting = [delay(api, key) for _ in range(3)]
    with subscribe(server, key) as peer:
        assert peer.receive()["id"] == waiting[0]
        assert peer.silence()
        peer.send(type="ack")
        assert [take(peer), take(peer)] == waiting[1:]
        assert peer.silence()


def test_each_run_goes_to_one_worker(server: LiveServer, api: httpx.Client, key: str) -> None:
    """However many wait for it."""
    with subscribe(server, key) as one, subscribe(server, key) as two:
        sent = {delay(api, key) for _ in range(6)}
        taken: list[str] = []
        for _ in range(3):
            taken += [take(one), take(two)]
        assert sorted(taken) == sorted(sent)
        assert one.silence()
        assert two.silence()


def test_keys_are_served_in_the_order_they_are_listed(server: LiveServer, api: httpx.Client, key: str) -> None:
    """And retries before all others."""
    plain, first = delay(api, f"{key}-b"), delay(api, f"{key}-a")
    retry = delay(api, f"{key}-b", name="AwaitingRetry")
    with subscribe(server, f"{key}-a", f"{key}-b") as peer:
        assert [take(peer) for _ in range(3)] == [retry, first, plain]


@pytest.mark.parametrize("leave", ["close", "quit", "nonsense"])
def test_a_run_that_was_not_taken_goes_to_the_next(server: LiveServer, api: httpx.Client, key: str, leave: str) -> None:
    """It goes first, whether the worker vanished, quit or broke the protocol."""
    given, later = delay(api, key), delay(api, key)
    with subscribe(server, key) as peer:
        assert peer.receive()["id"] == given
        if leave != "close":
            peer.send(type=leave)
            with pytest.raises(ConnectionClosed) as closed:
                peer.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == (1000 if leave == "quit" else 4001)
    with subscribe(server, key) as other:
        assert [take(other), take(other)] == [given, later]


def test_an_idle_worker_may_quit(server: LiveServer, key: str) -> None:
    """And is answered with a normal close."""
    with subscribe(server, key) as peer:
        peer.settle()
        peer.send(type="quit")
        with pytest.raises(ConnectionClosed) as closed:
            peer.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


def test_a_run_that_left_its_state_is_not_handed_out(server: LiveServer, api: httpx.Client, key: str) -> None:
    """One that was cancelled while it waited."""
    cancelled, other = delay(api, key), delay(api, key)
    api.post(f"/task_runs/{cancelled}/set_state", json={"state": {"type": "CANCELLED"}}).raise_for_status()
    with subscribe(server, key) as peer:
        assert take(peer) == other
        assert peer.silence()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "other"}, "subscribe"),
        ({"type": "subscribe", "client_id": "x"}, "keys"),
        ({"type": "subscribe", "keys": [], "client_id": "x"}, "keys"),
        ({"type": "subscribe", "keys": ["a"]}, "client_id"),
        ({"type": "subscribe", "keys": "a", "client_id": "x"}, "subscribe"),
    ],
)
def test_a_bad_subscription_is_told_what_was_expected(server: LiveServer, message: dict[str, Any], reason: str) -> None:
    """With the code that task workers know."""
    with Peer(server, PATH).admitted() as peer:
        peer.send(**message)
        with pytest.raises(ConnectionClosed) as closed:
            peer.receive()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, reason in closed.value.rcvd.reason) == (4001, True)


def test_the_workers_that_listen_are_listed(server: LiveServer, api: httpx.Client, key: str) -> None:
    """While they are connected, by task."""

    def listed(*keys: str) -> list[list[str]]:
        body = {"task_worker_filter": {"task_keys": list(keys)}}
        return [each["task_keys"] for each in api.post("/task_workers/filter", json=body).raise_for_status().json()]

    with subscribe(server, key, "another") as peer:
        peer.settle()
        [worker] = [each for each in api.post("/task_workers/filter").json() if key in each["task_keys"]]
        assert worker["identifier"] == "host-1"
        assert set(worker) == {"identifier", "task_keys", "timestamp"}
        assert listed(key) == [[key, "another"]]
        assert listed("unknown") == []
    deadline = time.monotonic() + 10
    while listed(key) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert listed(key) == []


class TestOffers:
    """The hand-over itself, without sockets."""

    @pytest.fixture
    def waiting(self, units: Units, key: str) -> Iterator[str]:
        run_id = Rows(units.write).task_run(None, task_key=key, state="SCHEDULED")
        units.write(task_queue.enqueue_task_run, run_id, key)
        yield run_id

    def offer(self, units: Units, worker: str, key: str) -> str | None:
        run = units.write(task_queue.offer_task_run, worker, [key])
        return None if run is None else str(run["id"])

    def test_an_offer_holds_until_its_time_is_over(self, units: Units, waiting: str, key: str) -> None:
        """So that a run whose server died is offered again."""
        first, second = new_id(), new_id()
        assert self.offer(units, first, key) == waiting
        assert self.offer(units, second, key) is None
        past = {"offered_until": units.database.clock() - task_queue.OFFER}
        units.write(lambda tx: tx.run(update(task_run_deliveries).values(past)))
        assert self.offer(units, second, key) == waiting
        units.write(task_queue.finish_offer, first, waiting)
        past = {"offered_until": units.database.clock() - task_queue.OFFER}
        units.write(lambda tx: tx.run(update(task_run_deliveries).values(past)))
        assert self.offer(units, second, key) == waiting
        units.write(task_queue.finish_offer, second, waiting)
        assert self.offer(units, second, key) is None

    def test_scheduling_a_run_again_offers_it_again(self, units: Units, waiting: str, key: str) -> None:
        """A retry, for example; once only."""
        worker = new_id()
        assert self.offer(units, worker, key) == waiting
        units.write(task_queue.enqueue_task_run, waiting, key, True)
        assert self.offer(units, worker, key) == waiting
        assert self.offer(units, worker, key) is None
