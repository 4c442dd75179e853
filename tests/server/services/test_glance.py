"""The look at the database that all services share, and what an idle server says to its database."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from podium.db.ids import new_id
from podium.db.tables.concurrency import concurrency_leases
from podium.db.tables.deployments import deployment_schedules
from podium.db.tables.events import event_deliveries
from podium.db.tables.work_pools import worker_cleanup_messages, workers
from podium.server.app import create_runtime
from podium.server.events.consumers import TASK_RUN_RECORDER
from podium.server.operations.scheduling import schedule_deployments
from podium.server.runtime import Runtime
from podium.server.services.glance import Glance
from podium.server.services.registry import SERVICES, Service
from podium.server.services.runner import Services
from podium.wire.worker_channel import CANCELLING_TIMEOUT
from tests.migrated import migrate
from tests.server.conftest import Units, settings_for
from tests.server.rows import Rows
from tests.sql import counted_statements

LOOKS = {service.name: service.look for service in SERVICES if service.look is not None}


def found(units: Units) -> set[str]:
    """The services that a new look says there may be work for."""
    glance = Glance(units.database, LOOKS)

    async def ask() -> set[str]:
        return {name for name in LOOKS if await glance.may_find(name)}

    names: set[str] = units.run(ask())
    return names


def _paused(rows: Rows, now: Any) -> None:
    rows.flow_run(rows.flow(), state="PAUSED", state_timestamp=now)


def _late(rows: Rows, now: Any) -> None:
    rows.flow_run(rows.flow(), state="SCHEDULED", next_scheduled_start_time=now - timedelta(seconds=16))


def _left_task(rows: Rows, now: Any) -> None:
    run = rows.flow_run(rows.flow(), state="CANCELLED", end_time=now)
    rows.task_run(run, state="RUNNING")


def _left_subflow(rows: Rows, now: Any) -> None:
    flow = rows.flow()
    task = rows.task_run(rows.flow_run(flow, state="CANCELLED"), state="COMPLETED")
    rows.flow_run(flow, state="RUNNING", parent_task_run_id=task)


def _unanswered(rows: Rows, now: Any) -> None:
    rows.flow_run(rows.flow(), state="CANCELLING", state_timestamp=now - timedelta(seconds=301))


def _cleanup(rows: Rows, now: Any) -> None:
    expired = {"reservation_token": new_id(), "lease_expires_at": now - timedelta(seconds=1), "payload": {}}
    given = {"kind": CANCELLING_TIMEOUT, "idempotency_key": new_id(), **expired}
    rows.add(worker_cleanup_messages, work_pool_id=rows.pool(), **given)


def _worker(rows: Rows, now: Any) -> None:
    rows.add(workers, work_pool_id=rows.pool(), name="w", status="ONLINE", last_heartbeat_time=now)


def _lease(rows: Rows, now: Any) -> None:
    rows.add(concurrency_leases, expiration=now - timedelta(seconds=1))


def _event(rows: Rows, now: Any) -> None:
    values = {"consumer": TASK_RUN_RECORDER.name, "event_id": new_id(), "workspace_id": new_id()}
    rows._write(lambda tx: tx.run(event_deliveries.insert().values(values)))


def _changed(rows: Rows, now: Any) -> None:
    deployment = rows.deployment(rows.flow(), updated=now)
    rows.add(deployment_schedules, deployment_id=deployment, schedule={"interval": 3600}, active=True)


WORK: dict[str, Callable[[Rows, Any], None]] = {
    "recent-scheduler": _changed,
    "late-runs": _late,
    "pause-expirations": _paused,
    "cancelled-task-runs": _left_task,
    "cancelled-subflows": _left_subflow,
    "cancelling-timeouts": _unanswered,
    "cleanup-reconciler": _cleanup,
    "foreman": _worker,
    "repossessor": _lease,
    "task-run-recorder": _event,
}


def test_each_look_finds_the_work_of_its_service(units: Units) -> None:
    """None finds anything in an empty database."""
    rows, names = Rows(units.write), set(WORK)
    assert found(units) & names == set()
    seen: set[str] = set()
    for name, make in WORK.items():
        make(rows, units.database.clock())
        new = found(units) - seen
        assert name in new, f"{name} does not see its work"
        seen |= new


async def test_a_round_without_work_is_left_out_and_counts_as_done(database_url: str) -> None:
    """Until there is work: the answer of a look serves for a moment only."""
    migrate(database_url)
    runtime = create_runtime(settings_for(database_url, PODIUM_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS="0.4"))
    rounds: list[Runtime] = []

    async def run(given: Runtime) -> None:
        rounds.append(given)

    look = LOOKS["pause-expirations"]
    services = Services(runtime, [Service("sample", "Does something.", "pause_expirations", run, look=look)])
    await services.start()
    async with asyncio.timeout(20):
        while services.heartbeats.of["sample"].last_finished is None:
            await asyncio.sleep(0.05)
        assert rounds == []

        await runtime.database.write(lambda tx: _paused(Rows(lambda unit: unit(tx)), tx.now))
        while not rounds:
            await asyncio.sleep(0.05)
    await services.stop()
    await runtime.database.close()


async def test_an_idle_server_says_little_to_its_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer than two statements a second, all services on, with deployments whose runs are made ahead."""
    migrate(database_url)
    with counted_statements(monkeypatch) as counts:
        runtime = create_runtime(settings_for(database_url))
        await _add_deployments(runtime, 20)
        services = Services(runtime)
        await services.start()
        async with asyncio.timeout(60):
            periodic = {service.name for service in SERVICES if not service.is_consumer} & set(services.heartbeats.of)
            while any(services.heartbeats.of[name].last_finished is None for name in periodic):
                await asyncio.sleep(0.1)
        before = counts.total()
        await asyncio.sleep(8)
        said = counts.total() - before
        await services.stop()
        await runtime.database.close()
    assert 0 < said < 16, counts.most_common(20)


async def test_a_pass_of_the_scheduler_says_as_much_for_many_deployments(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pages and batches, never by deployment: 200 of them in two pages, with 600 runs in two batches."""
    migrate(database_url)
    with counted_statements(monkeypatch) as counts:
        runtime = create_runtime(settings_for(database_url))
        await _add_deployments(runtime, 200)
        scheduler = runtime.settings.server.services.scheduler
        counts.clear()
        assert await schedule_deployments(runtime.database, scheduler) == 600
        making = {text: times for text, times in counts.items() if "INSERT" not in text}
        counts.clear()
        assert await schedule_deployments(runtime.database, scheduler) == 0
        idle = counts.total()
        await runtime.database.close()
    assert sum(making.values()) <= 16, making
    assert idle <= 6, counts


async def _add_deployments(runtime: Runtime, number: int) -> None:
    """Deployments with an hourly schedule each, changed long ago."""
    ago = runtime.database.clock() - timedelta(days=1)

    def make(rows: Rows, now: Any) -> None:
        flow = rows.flow()
        for _ in range(number):
            deployment = rows.deployment(flow, updated=ago)
            schedule = {"interval": 3600, "anchor_date": "2010-01-01T00:00:00Z", "timezone": "UTC"}
            values = {"deployment_id": deployment, "schedule": schedule, "active": True, "updated": ago}
            rows.add(deployment_schedules, **values)

    await runtime.database.write(lambda tx: make(Rows(lambda unit: unit(tx)), tx.now))
