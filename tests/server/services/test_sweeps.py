"""The services that put right what nobody else does: late, paused, cancelled and unattended."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Table, select, update

from podium.db.ids import new_id
from podium.db.tables.concurrency import concurrency_lease_slots, concurrency_leases, concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.events import events
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.task_runs import task_runs
from podium.db.tables.work_pools import work_pools, work_queues, worker_cleanup_messages, workers
from podium.server.services.cancellation_cleanup import cancel_left_subflows, cancel_left_task_runs, end_cancelling
from podium.server.services.foreman import watch_workers
from podium.server.services.late_runs import mark_late_runs
from podium.server.services.pause_expirations import fail_expired_pauses
from podium.server.services.repossessor import take_back_expired_leases
from tests.server.conftest import Units
from tests.server.rows import Rows


@pytest.fixture
def rows(units: Units) -> Rows:
    return Rows(units.write)


@pytest.fixture
def flow(rows: Rows) -> str:
    return rows.flow()


@pytest.fixture
def now(units: Units) -> datetime:
    return units.database.clock()


def sweep(units: Units, service: Any) -> None:
    """One round of a service."""
    units.run(service(units.runtime))


def row(units: Units, table: Table, row_id: str) -> dict[str, Any]:
    [found] = units.all(select(table).where(table.c.id == row_id))
    return found


def state(units: Units, run_id: str, table: Table = flow_runs) -> tuple[str, str]:
    found = row(units, table, run_id)
    return found["state_type"], found["state_name"]


def told(units: Units, resource: str) -> list[str]:
    """The names of the events of a resource, oldest first."""
    found = select(events.c.event).where(events.c.resource_id == resource).order_by(events.c.recorded, events.c.id)
    return [each["event"] for each in units.all(found)]


class TestLateRuns:
    def scheduled(self, rows: Rows, flow: str, time: datetime, name: str = "Scheduled") -> str:
        times = {"next_scheduled_start_time": time, "expected_start_time": time}
        return rows.flow_run(flow, state="SCHEDULED", state_name=name, **times)

    def test_a_run_that_nobody_started_is_late(self, units: Units, rows: Rows, flow: str, now: datetime) -> None:
        """After fifteen seconds; it keeps its times, and the event is told once."""
        due = now - timedelta(seconds=16)
        late, soon = self.scheduled(rows, flow, due), self.scheduled(rows, flow, now - timedelta(seconds=5))
        sweep(units, mark_late_runs)
        sweep(units, mark_late_runs)
        assert state(units, late) == ("SCHEDULED", "Late")
        assert state(units, soon) == ("SCHEDULED", "Scheduled")
        run = row(units, flow_runs, late)
        assert (run["next_scheduled_start_time"], run["expected_start_time"]) == (due, due)
        assert told(units, f"prefect.flow-run.{late}") == ["prefect.flow-run.Late"]

    @pytest.mark.parametrize("name", ["AwaitingRetry", "Resuming", "AwaitingConcurrencySlot"])
    def test_one_that_waits_for_something_else_is_not(
        self, units: Units, rows: Rows, flow: str, now: datetime, name: str
    ) -> None:
        """Only runs that are named Scheduled."""
        waiting = self.scheduled(rows, flow, now - timedelta(hours=1), name)
        sweep(units, mark_late_runs)
        assert state(units, waiting) == ("SCHEDULED", name)


class TestPauses:
    def paused(self, units: Units, rows: Rows, flow: str, timeout: datetime | None) -> str:
        run_id = rows.flow_run(flow, state="PAUSED")
        details = {"pause_timeout": timeout}
        units.write(
            lambda tx: tx.run(
                update(flow_run_states)
                .where(flow_run_states.c.flow_run_id == run_id)
                .values(state_details=msgspec.Raw(msgspec.json.encode(details)))
            )
        )
        return run_id

    def test_a_pause_that_lasted_too_long_fails_its_run(
        self, units: Units, rows: Rows, flow: str, now: datetime
    ) -> None:
        """Others go on waiting."""
        expired = self.paused(units, rows, flow, now - timedelta(seconds=1))
        waiting = self.paused(units, rows, flow, now + timedelta(minutes=1))
        endless = self.paused(units, rows, flow, None)
        sweep(units, fail_expired_pauses)
        assert state(units, expired) == ("FAILED", "Failed")
        assert state(units, waiting) == state(units, endless) == ("PAUSED", "Paused")


class TestCancellation:
    def cancelled(self, rows: Rows, flow: str, ended: datetime) -> str:
        return rows.flow_run(flow, state="CANCELLED", end_time=ended)

    def test_the_tasks_of_a_cancelled_run_are_cancelled(
        self, units: Units, rows: Rows, flow: str, now: datetime
    ) -> None:
        """The unfinished ones of the last day."""
        run = self.cancelled(rows, flow, now - timedelta(hours=1))
        left = rows.task_run(run, state="RUNNING")
        done = rows.task_run(run, state="COMPLETED")
        old = rows.task_run(self.cancelled(rows, flow, now - timedelta(days=2)), state="RUNNING")
        other = rows.task_run(rows.flow_run(flow, state="RUNNING"), state="RUNNING")
        sweep(units, cancel_left_task_runs)
        assert state(units, left, task_runs) == ("CANCELLED", "Cancelled")
        assert state(units, done, task_runs)[0] == "COMPLETED"
        assert state(units, old, task_runs)[0] == "RUNNING"
        assert state(units, other, task_runs)[0] == "RUNNING"

    def test_the_subflows_of_a_cancelled_run_are_cancelled(
        self, units: Units, rows: Rows, flow: str, now: datetime
    ) -> None:
        """One with a deployment has its own process, which is asked; asking twice would set back its deadline."""
        tracker = rows.task_run(self.cancelled(rows, flow, now), state="RUNNING")
        inline = rows.flow_run(flow, state="RUNNING", parent_task_run_id=tracker)
        deployed = rows.flow_run(flow, state="RUNNING", parent_task_run_id=tracker, deployment_id=new_id())
        finished = rows.flow_run(flow, state="COMPLETED", parent_task_run_id=tracker)
        alive = rows.task_run(rows.flow_run(flow, state="RUNNING"), state="RUNNING")
        beside = rows.flow_run(flow, state="RUNNING", parent_task_run_id=alive)
        sweep(units, cancel_left_subflows)
        asked = row(units, flow_runs, deployed)["state_id"]
        sweep(units, cancel_left_subflows)
        assert state(units, inline)[0] == "CANCELLED"
        assert state(units, deployed)[0] == "CANCELLING"
        assert row(units, flow_runs, deployed)["state_id"] == asked
        assert state(units, finished)[0] == "COMPLETED"
        assert state(units, beside)[0] == "RUNNING"

    def test_a_run_that_does_not_confirm_is_cancelled(self, units: Units, rows: Rows, flow: str, now: datetime) -> None:
        """After five minutes; its worker is asked to clean up, once."""
        pool = rows.pool()
        queue = rows.queue(pool)
        long_ago, just_now = now - timedelta(seconds=301), now - timedelta(seconds=290)
        silent = rows.flow_run(
            flow, state="CANCELLING", state_timestamp=long_ago, work_queue_id=queue, infrastructure_pid="host:1"
        )
        asked = rows.flow_run(flow, state="CANCELLING", state_timestamp=just_now)
        local = rows.flow_run(flow, state="CANCELLING", state_timestamp=long_ago)
        pushed = rows.flow_run(
            flow, state="CANCELLING", state_timestamp=long_ago, work_queue_id=rows.queue(rows.pool(type="ecs:push"))
        )
        sweep(units, end_cancelling)
        sweep(units, end_cancelling)
        assert state(units, silent)[0] == state(units, local)[0] == state(units, pushed)[0] == "CANCELLED"
        assert state(units, asked)[0] == "CANCELLING"
        [message] = units.all(select(worker_cleanup_messages))
        assert (message["kind"], message["work_pool_id"]) == ("cancelling_timeout_teardown.v1", pool)
        assert msgspec.json.decode(message["target"]) == {"flow_run_id": silent, "infrastructure_pid": "host:1"}


class TestForeman:
    def worker(self, rows: Rows, pool: str, seen: datetime, interval: int | None = None) -> str:
        return rows.add(
            workers,
            work_pool_id=pool,
            name=f"worker-{new_id()}",
            status="ONLINE",
            last_heartbeat_time=seen,
            heartbeat_interval_seconds=interval,
        )

    def test_a_silent_worker_is_offline(self, units: Units, rows: Rows, now: datetime) -> None:
        """After three of its intervals, of thirty seconds if it does not say."""
        pool = rows.pool()
        silent = self.worker(rows, pool, now - timedelta(seconds=91))
        slow = self.worker(rows, pool, now - timedelta(seconds=91), interval=60)
        eager = self.worker(rows, pool, now - timedelta(seconds=31), interval=10)
        fine = self.worker(rows, pool, now - timedelta(seconds=60))
        sweep(units, watch_workers)
        found = {worker: row(units, workers, worker)["status"] for worker in (silent, slow, eager, fine)}
        assert found == {silent: "OFFLINE", slow: "ONLINE", eager: "OFFLINE", fine: "ONLINE"}

    def test_a_pool_without_workers_is_not_ready(self, units: Units, rows: Rows, now: datetime) -> None:
        """It is told once; a paused pool stays paused."""
        served, left, paused = (rows.pool(status=status) for status in ("READY", "READY", "PAUSED"))
        self.worker(rows, served, now)
        self.worker(rows, left, now - timedelta(minutes=10))
        sweep(units, watch_workers)
        sweep(units, watch_workers)
        found = [row(units, work_pools, pool)["status"] for pool in (served, left, paused)]
        assert found == ["READY", "NOT_READY", "PAUSED"]
        assert told(units, f"prefect.work-pool.{left}") == ["prefect.work-pool.not-ready"]
        assert row(units, work_pools, left)["last_status_event_id"] is not None

    def test_what_nobody_polls_is_not_ready(self, units: Units, rows: Rows, flow: str, now: datetime) -> None:
        """Queues, and deployments whose queue is not polled either; what was never polled is left alone."""
        old, fresh = now - timedelta(seconds=61), now - timedelta(seconds=10)
        pool = rows.pool()
        idle = rows.queue(pool, "idle", status="READY", last_polled=old)
        busy = rows.queue(pool, "busy", status="READY", last_polled=fresh)
        forgotten = rows.deployment(flow, status="READY", last_polled=old, work_queue_id=idle)
        alone = rows.deployment(flow, status="READY", last_polled=old)
        by_queue = rows.deployment(flow, status="READY", last_polled=old, work_queue_id=busy)
        never = rows.deployment(flow, status="READY")
        sweep(units, watch_workers)
        sweep(units, watch_workers)
        found = [row(units, work_queues, queue)["status"] for queue in (idle, busy)]
        assert found == ["NOT_READY", "READY"]
        found = [row(units, deployments, each)["status"] for each in (forgotten, alone, by_queue, never)]
        assert found == ["NOT_READY", "NOT_READY", "READY", "READY"]
        assert told(units, f"prefect.work-queue.{idle}") == ["prefect.work-queue.not-ready"]
        assert told(units, f"prefect.deployment.{forgotten}") == ["prefect.deployment.not-ready"]


def test_slots_of_holders_that_are_gone_are_taken_back(units: Units, rows: Rows, now: datetime) -> None:
    """Those of a lease that still runs stay taken."""
    limit = rows.add(concurrency_limits_v2, name=f"limit-{new_id()}", limit=2, slots_updated=now)
    leases = []
    for expiration in (now - timedelta(seconds=1), now + timedelta(minutes=1)):
        leases.append(rows.add(concurrency_leases, expiration=expiration))
        slots = {"lease_id": leases[-1], "concurrency_limit_id": limit, "slots": 1}
        units.write(
            lambda tx, slots=slots: tx.run(
                concurrency_lease_slots.insert().values(workspace_id=tx.workspace_id, **slots)
            )
        )
    sweep(units, take_back_expired_leases)
    left = units.all(select(concurrency_lease_slots.c.lease_id))
    assert [each["lease_id"] for each in left] == [leases[1]]
