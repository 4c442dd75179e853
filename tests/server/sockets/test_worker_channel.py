"""The channel of a worker: who gets one, what it is told of its pool, and the cleanup work that it is given."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, update
from websockets.exceptions import ConnectionClosed, InvalidStatus

from podium.db.ids import new_id
from podium.db.tables.work_pools import worker_cleanup_messages as messages
from podium.server.operations.worker_cleanup import enqueue_cleanup
from podium.wire.work_pools import WorkPool
from tests.server.conftest import LiveServer, Units, decode, settings_for
from tests.server.sockets.client import Peer
from tests.server.sockets.worker import REQUIRED, TEARDOWN, Worker, for_cleanup, hello

TEMPLATE = {"job_configuration": {"command": "{{ command }}"}, "variables": {"properties": {"command": {}}}}


@pytest.fixture
def pool(api: httpx.Client) -> str:
    """The name of a pool of the test's own."""
    name = f"pool-{new_id()}"
    api.post("/work_pools/", json={"name": name, "type": "process"}).raise_for_status()
    return name


def change(api: httpx.Client, pool: str, **values: Any) -> None:
    api.patch(f"/work_pools/{pool}", json=values).raise_for_status()


def workers(api: httpx.Client, pool: str) -> Any:
    return api.post(f"/work_pools/{pool}/workers/filter").raise_for_status().json()


class TestHandshake:
    def test_a_client_without_the_subprotocol_is_refused(self, server: LiveServer, pool: str) -> None:
        """At the upgrade, also where no credentials are asked for."""
        with pytest.raises(InvalidStatus) as refused:
            Peer(server, f"/work_pools/{pool}/workers/connect", subprotocol=None)
        assert refused.value.response.status_code == 403

    def test_who_has_no_credentials_is_told_so(self, module_database_url: str) -> None:
        """With the one reason that workers know."""
        settings = settings_for(module_database_url, PODIUM_SERVER_API_AUTH_STRING="me:secret")
        with LiveServer(settings, with_services=False) as guarded:
            path = "/work_pools/pool/workers/connect"
            with Peer(guarded, path, "me:secret") as peer:
                peer.admitted()
            for token in (None, "me:wrong"):
                with Peer(guarded, path, token) as peer, pytest.raises(ConnectionClosed) as closed:
                    peer.receive()
                assert closed.value.rcvd is not None
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "authentication_failed")

    @pytest.mark.parametrize(
        ("given", "code", "reason"),
        [
            ({"requested_capabilities": REQUIRED[:1]}, 1002, "protocol_error"),
            ({"more": 1}, 1002, "protocol_error"),
            ({"worker_name": ""}, 1002, "protocol_error"),
            ({"heartbeat_interval_seconds": 0}, 1002, "protocol_error"),
            ({"handled_cleanup_kinds": ["other.v1"]}, 1002, "protocol_error"),
            ({"max_cleanup_concurrency": 1}, 1002, "protocol_error"),
            ({"default_base_job_template": {"job_configuration": {"a": "{{ b }}"}}}, 1002, "protocol_error"),
            ({"supported_channel_versions": ["work_pool_worker_channel.v2"]}, 1008, "unsupported_version"),
            ({"work_queue_names": ["default", "other"]}, 1008, "authorization_failed"),
        ],
    )
    def test_a_hello_that_cannot_be_met(
        self, server: LiveServer, api: httpx.Client, pool: str, given: dict[str, Any], code: int, reason: str
    ) -> None:
        """The worker is told why, and nothing is kept of it."""
        with Worker(server, pool, hello(**given)) as worker:
            assert worker.ended() == (code, reason)
        assert workers(api, pool) == []

    @pytest.mark.parametrize("frame", ["no json", '{"type":"worker.hello.v1"}', '{"type":"worker.bye.v1"}'])
    def test_another_frame_than_a_hello(self, server: LiveServer, pool: str, frame: str) -> None:
        """Breaks the protocol."""
        with Peer(server, f"/work_pools/{pool}/workers/connect").admitted() as peer:
            peer.ws.send(frame)
            with pytest.raises(ConnectionClosed) as closed:
                peer.receive()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1002, "protocol_error")

    def test_an_unknown_pool_is_made_only_for_those_who_ask(self, server: LiveServer, api: httpx.Client) -> None:
        """With the type and template of the worker, and never under a reserved name."""
        name = f"pool-{new_id()}"
        wanted = hello(create_pool_if_not_found=True, default_base_job_template=TEMPLATE)
        for path, given in ((name, hello()), (f"prefect-{name}", wanted), (f"{name}%26", wanted)):
            with Worker(server, path, given) as worker:
                assert worker.ended()[1] in ("authorization_failed", "protocol_error")
            assert api.get(f"/work_pools/{path}").status_code in (404, 422)
        with Worker(server, name, wanted) as worker:
            made = worker.ready()["initial_snapshot"]["work_pool"]
        assert (made["name"], made["type"], made["base_job_template"]) == (name, "process", TEMPLATE)


class TestChannel:
    def test_the_answer_to_a_hello(self, server: LiveServer, api: httpx.Client, pool: str) -> None:
        """Says what was agreed on, and how the pool is: served from now on."""
        api.post(f"/work_pools/{pool}/queues", json={"name": "other"}).raise_for_status()
        given = hello(
            requested_capabilities=[*REQUIRED, "cleanup_delivery.v1", "more.v1"], heartbeat_interval_seconds=7
        )
        with Worker(server, pool, given) as worker:
            ready = worker.ready()
            [online] = workers(api, pool)
        response = api.get(f"/work_pools/{pool}")
        snapshot = ready.pop("initial_snapshot")
        queues = ready.pop("resolved_work_queues")
        assert snapshot == {"snapshot_sequence": 1, "reason": "initial", "work_pool": response.json()}
        assert decode(response, WorkPool).status == "READY"
        assert [queue["name"] for queue in queues] == ["default", "other"]
        assert ready == {
            "consumer_id": given["consumer_id"],
            "worker_id": None,
            "selected_channel_version": "work_pool_worker_channel.v1",
            "effective_heartbeat_interval_seconds": 7,
            "accepted_capabilities": REQUIRED,
            "rejected_capabilities": ["cleanup_delivery.v1", "more.v1"],
            "effective_max_cleanup_concurrency": 0,
        }
        assert (online["name"], online["status"], online["heartbeat_interval_seconds"]) == ("worker", "ONLINE", 7)

    def test_only_an_empty_template_is_filled(self, server: LiveServer, api: httpx.Client, pool: str) -> None:
        """With that of the first worker; later ones change nothing."""
        for template in (TEMPLATE, {"job_configuration": {}, "variables": {}}):
            with Worker(server, pool, hello(default_base_job_template=template)) as worker:
                assert worker.ready()["initial_snapshot"]["work_pool"]["base_job_template"] == TEMPLATE
        assert api.get(f"/work_pools/{pool}").json()["base_job_template"] == TEMPLATE

    def test_a_heartbeat_is_stored(self, server: LiveServer, api: httpx.Client, pool: str) -> None:
        """Like one that is posted."""
        with Worker(server, pool) as worker:
            worker.ready()
            [before] = workers(api, pool)
            worker.beat(heartbeat_interval_seconds=9)
            worker.beat()
            worker.beat(heartbeat_interval_seconds=11)
            while (after := workers(api, pool)[0])["heartbeat_interval_seconds"] != 11:
                pass
            assert after["last_heartbeat_time"] > before["last_heartbeat_time"]
            assert worker.silence()

    @pytest.mark.parametrize("given", [{"worker_name": "another"}, {"consumer_id": str(uuid4())}, {"more": 1}])
    def test_a_heartbeat_of_another_worker(
        self, server: LiveServer, api: httpx.Client, pool: str, given: dict[str, Any]
    ) -> None:
        """Breaks the protocol."""
        with Worker(server, pool) as worker:
            worker.beat(**given)
            assert worker.ended() == (1002, "protocol_error")
        assert [each["name"] for each in workers(api, pool)] == ["worker"]

    def test_a_change_of_the_pool_is_told(self, server: LiveServer, api: httpx.Client, pool: str) -> None:
        """As the API shows it, in numbered order; of quick changes the last one at least."""
        with Worker(server, pool) as worker, Worker(server, pool, hello(worker_name="second")) as second:
            for each in (worker, second):
                each.ready()
            for limit in range(1, 6):
                change(api, pool, concurrency_limit=limit)
            for each in (worker, second):
                sequence = 1
                while (told := each.next("work_pool.snapshot"))["work_pool"]["concurrency_limit"] != 5:
                    sequence += 1
                    assert told["snapshot_sequence"] == sequence
                assert told["work_pool"] == api.get(f"/work_pools/{pool}").json()
                assert (told["snapshot_sequence"], told["reason"]) == (sequence + 1, "work_pool_updated")
            change(api, pool, is_paused=True)
            assert worker.next("work_pool.snapshot")["work_pool"]["status"] == "PAUSED"

    def test_a_small_change_is_told_at_the_next_heartbeat(
        self, server: LiveServer, api: httpx.Client, pool: str
    ) -> None:
        """And only once."""
        with Worker(server, pool) as worker:
            worker.ready()
            change(api, pool, description="new")
            assert worker.silence()
            worker.beat()
            told = worker.next("work_pool.snapshot")
            assert (told["snapshot_sequence"], told["reason"]) == (2, "heartbeat_reconciliation")
            assert told["work_pool"]["description"] == "new"
            worker.beat()
            assert worker.silence()

    def test_a_deleted_pool_ends_the_channel(self, server: LiveServer, api: httpx.Client, pool: str) -> None:
        """Also when another one takes its name."""
        with Worker(server, pool) as worker:
            worker.ready()
            api.delete(f"/work_pools/{pool}").raise_for_status()
            api.post("/work_pools/", json={"name": pool, "type": "process"}).raise_for_status()
            assert worker.ended() == (1008, "authorization_failed")


def test_workers_of_several_processes_are_told(module_database_url: str, redis_url: str) -> None:
    """Of a change or the end of their pool that another server process made."""
    shared = {"PODIUM_SERVER_EVENTS_MESSAGING_BROKER": "redis", "PODIUM_REDIS_MESSAGING_URL": redis_url}
    settings = settings_for(module_database_url, **shared)
    name = f"pool-{new_id()}"
    with (
        LiveServer(settings, with_services=False) as one,
        LiveServer(settings, with_services=False) as other,
        httpx.Client(base_url=other.url, timeout=20, follow_redirects=True) as api,
        Worker(one, name, hello(create_pool_if_not_found=True)) as worker,
    ):
        worker.ready()
        change(api, name, concurrency_limit=5)
        assert worker.next("work_pool.snapshot")["work_pool"]["concurrency_limit"] == 5
        api.delete(f"/work_pools/{name}").raise_for_status()
        assert worker.ended() == (1008, "authorization_failed")


class TestCleanup:
    """Work that is offered to the workers of one pool."""

    @pytest.fixture
    def pool_id(self, api: httpx.Client, pool: str) -> str:
        return str(api.get(f"/work_pools/{pool}").json()["id"])

    @pytest.fixture
    def run_id(self, units: Units, pool_id: str) -> str:
        """A run whose infrastructure is to be cleaned up."""
        return self.enqueue(units, pool_id)

    def enqueue(self, units: Units, pool_id: str, queue_id: str | None = None, kind: str = TEARDOWN) -> str:
        run_id = new_id()
        target = {"flow_run_id": run_id, "infrastructure_pid": "host:1"}
        units.write(enqueue_cleanup, pool_id, queue_id, kind, target, f"{kind}:{run_id}")
        units.write(enqueue_cleanup, pool_id, queue_id, kind, target, f"{kind}:{run_id}")
        return run_id

    def row(self, units: Units, pool_id: str) -> dict[str, Any]:
        [found] = units.all(select(messages).where(messages.c.work_pool_id == pool_id))
        return found

    def expire(self, units: Units, pool_id: str) -> None:
        """Makes it long ago that the work was reserved."""
        past = units.database.clock() - timedelta(seconds=1)
        statement = update(messages).where(messages.c.work_pool_id == pool_id).values(lease_expires_at=past)
        units.write(lambda tx: tx.run(statement))

    def test_work_is_given_once_and_done(self, server: LiveServer, units: Units, pool: str, run_id: str) -> None:
        """However often it was asked for; it is reserved for half a minute and can be kept longer."""
        with Worker(server, pool, for_cleanup(2)) as worker:
            ready = worker.ready()
            assert ready["accepted_capabilities"] == [*REQUIRED, "cleanup_delivery.v1"]
            assert ready["effective_max_cleanup_concurrency"] == 2
            work = worker.work()
            lease = datetime.fromisoformat(work["lease_expires_at"]) - units.database.clock()
            assert timedelta(seconds=25) < lease <= timedelta(seconds=30)
            assert {name: work[name] for name in ("kind", "target", "data", "work_queue_id", "delivery_count")} == {
                "kind": TEARDOWN,
                "target": {"flow_run_id": run_id, "infrastructure_pid": "host:1"},
                "data": {},
                "work_queue_id": None,
                "delivery_count": 1,
            }
            assert worker.silence()
            assert worker.operate("ack", work, "guessed") == ("invalid_token", "reservation_token_mismatch")
            assert worker.operate("renew", work) == ("accepted", None)
            assert worker.operate("ack", work) == ("accepted", None)
            assert worker.operate("ack", work) == ("not_found", "message_not_found")
            unknown = {**work, "message_id": new_id()}
            assert worker.operate("release", unknown) == ("not_found", "message_not_found")
            assert worker.silence()

    def test_who_did_not_ask_for_work_gets_none(self, server: LiveServer, pool: str, run_id: str) -> None:
        """And may not decide about that of others."""
        with Worker(server, pool, for_cleanup()) as worker, Worker(server, pool) as other:
            worker.ready(), other.ready()
            work = worker.work()
            assert other.operate("ack", work) == ("unauthorized", "cleanup_delivery_not_accepted")
            assert other.silence()
            assert worker.operate("ack", work) == ("accepted", None)

    def test_work_of_another_pool(self, server: LiveServer, api: httpx.Client, pool: str, run_id: str) -> None:
        """Is neither given nor taken."""
        other_pool = f"pool-{new_id()}"
        api.post("/work_pools/", json={"name": other_pool, "type": "process"}).raise_for_status()
        with Worker(server, pool, for_cleanup()) as worker, Worker(server, other_pool, for_cleanup()) as other:
            worker.ready(), other.ready()
            work = worker.work()
            assert other.operate("ack", work) == ("unauthorized", "work_pool_mismatch")
            assert other.silence()

    def test_released_work_is_offered_again_and_in_the_end_put_aside(
        self, server: LiveServer, units: Units, pool: str, pool_id: str, run_id: str
    ) -> None:
        """After three workers, or one three times, had it."""
        with Worker(server, pool, for_cleanup()) as worker:
            worker.ready()
            for count in (1, 2):
                work = worker.work()
                assert work["delivery_count"] == count
                assert worker.operate("release", work) == ("accepted", None)
            last = worker.work()
            assert last["reservation_token"] != work["reservation_token"]
            assert worker.operate("renew", work) == ("invalid_token", "reservation_token_mismatch")
            assert worker.operate("release", last) == ("dead_lettered", "max_delivery_attempts_reached")
            assert worker.operate("ack", last) == ("not_found", "message_not_found")
            assert worker.silence()
        row = self.row(units, pool_id)
        assert (row["dead_letter_reason"], row["delivery_count"]) == ("max_delivery_attempts_reached", 3)
        assert row["finished"] is not None

    def test_own_queues_go_first_and_only_so_many_at_a_time(
        self, server: LiveServer, api: httpx.Client, units: Units, pool: str, pool_id: str
    ) -> None:
        """Work of other queues is for those who have nothing else to do."""
        path = f"/work_pools/{pool}/queues"
        own, other = (api.post(path, json={"name": name}).raise_for_status().json()["id"] for name in ("own", "other"))
        expected = [self.enqueue(units, pool_id, queue) for queue in (other, own, own)]
        with Worker(server, pool, for_cleanup(2, work_queue_names=["own"])) as worker:
            assert [queue["name"] for queue in worker.ready()["resolved_work_queues"]] == ["own"]
            taken = [worker.work(), worker.work()]
            assert worker.silence()
            assert worker.operate("ack", taken[0]) == ("accepted", None)
            taken.append(worker.work())
        assert [work["target"]["flow_run_id"] for work in taken] == [*expected[1:], expected[0]]
        assert [work["work_queue_id"] for work in taken] == [own, own, other]

    def test_only_kinds_that_a_worker_handles(self, server: LiveServer, units: Units, pool: str, pool_id: str) -> None:
        """The others wait for somebody else."""
        self.enqueue(units, pool_id, kind="pending_claim_teardown.v1")
        given = {**for_cleanup(), "handled_cleanup_kinds": [TEARDOWN]}
        with Worker(server, pool, given) as worker:
            worker.ready()
            assert worker.silence()
        with Worker(server, pool, for_cleanup()) as worker:
            worker.ready()
            assert worker.work()["kind"] == "pending_claim_teardown.v1"

    def test_work_of_a_lost_worker_is_offered_to_the_next_at_once(
        self, server: LiveServer, pool: str, run_id: str
    ) -> None:
        """Without waiting for the end of its lease."""
        with Worker(server, pool, for_cleanup()) as lost:
            lost.ready()
            lost.work()
            with Worker(server, pool, for_cleanup()) as worker:
                worker.ready()
                assert worker.silence()
                lost.ws.close()
                work = worker.work()
                assert (work["target"]["flow_run_id"], work["delivery_count"]) == (run_id, 2)
                assert worker.operate("ack", work) == ("accepted", None)

    def test_work_that_takes_too_long_is_lost(
        self, server: LiveServer, units: Units, pool: str, pool_id: str, run_id: str
    ) -> None:
        """It cannot be renewed after its lease, and is offered again."""
        with Worker(server, pool, for_cleanup()) as slow:
            slow.ready()
            work = slow.work()
            self.expire(units, pool_id)
            assert slow.operate("renew", work) == ("expired", "lease_expired")
            again = slow.work()
            assert (again["message_id"], again["delivery_count"]) == (work["message_id"], 2)
            assert slow.operate("ack", work) == ("invalid_token", "reservation_token_mismatch")
            assert slow.operate("ack", again) == ("accepted", None)
