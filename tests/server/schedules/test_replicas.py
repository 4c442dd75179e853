"""Several schedulers whose clocks differ, restarts and a loop of redeployments: one run for each slot, none missing."""

import asyncio
import contextlib
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from podium.db.engine import Database
from podium.db.tables.flow_runs import flow_runs
from podium.profiles.sections.services import Scheduler
from podium.server.app import create_runtime
from podium.server.operations.deployments import change_deployment, save_deployment
from podium.server.operations.scheduling import schedule_deployments, schedule_recent_deployments
from podium.wire.deployments import DeploymentCreate, DeploymentUpdate
from podium.wire.schedules import CronSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate, IntervalSchedule
from tests.server.conftest import settings_for
from tests.server.rows import Rows

BEGIN = datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=UTC)
SPEED = 30
"""Seconds of the virtual clock in a second."""

SECONDS = 4.0
EVERY = 10
SKEWS = (0, -5, 5)
# A busy machine may come late with everything: a gap of twenty minutes of the virtual clock is not an outage here.
SCHEDULER = Scheduler(min_scheduled_time=60.0, max_runs=12, loop_seconds=600.0)


class Cluster:
    """The processes of a deployment: each has its database connection and its clock."""

    def __init__(self, url: str) -> None:
        self.settings = settings_for(url)
        self.started = time.monotonic()
        self.databases: list[Database] = []
        self.editors: list[Database] = []
        self.seed = random.randrange(10**6)
        self.chance = random.Random(self.seed)
        self.stopped = False

    @property
    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=(time.monotonic() - self.started) * SPEED)

    def database(self, skew: float) -> Database:
        database = create_runtime(self.settings).database
        database.clock = lambda: self.now + timedelta(seconds=skew)
        return database

    async def schedulers(self, number: int, restarts: bool) -> None:
        """A process that schedules; now and then it is cut off in the middle and comes back."""
        passes = 0
        while not self.stopped:
            database = self.databases[number]
            passes += 1
            run = schedule_deployments if passes % 4 == 0 else schedule_recent_deployments
            patience = self.chance.random() / 4 if restarts and self.chance.random() < 0.3 else 20
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run(database, SCHEDULER), patience)
            if patience < 20 and self.chance.random() < 0.3:
                await database.close()
                self.databases[number] = self.database(SKEWS[number])
            await asyncio.sleep(self.chance.random() * 0.1)

    async def worker(self) -> None:
        """Takes runs up to ten seconds before their time."""
        while not self.stopped:
            early = self.now + timedelta(seconds=10)
            due = update(flow_runs).where(
                flow_runs.c.state_type == "SCHEDULED", flow_runs.c.next_scheduled_start_time <= early
            )
            taken = due.values(state_type="RUNNING", state_name="Running", next_scheduled_start_time=None)
            await self.editors[0].write(lambda tx, taken=taken: tx.run(taken))
            await asyncio.sleep(0.05)

    async def redeploys(self, ids: list[str], flow_id: str, number: int) -> None:
        """Deploys the same again and again, by POST and by PATCH."""
        while not self.stopped:
            place = self.chance.randrange(len(ids))
            if self.chance.random() < 0.5:
                await self.editors[number].write(save_deployment, created(flow_id, place))
            else:
                sent = [DeploymentScheduleUpdate(schedule=schedule(place), parameters={"at": str(self.now)})]
                await self.editors[number].write(change_deployment, ids[place], DeploymentUpdate(schedules=sent))
            await asyncio.sleep(self.chance.random() * 0.05)


def schedule(place: int) -> Any:
    if place % 2:
        return CronSchedule(cron=f"* * * * * */{EVERY}")
    return IntervalSchedule(interval=EVERY, anchor_date=BEGIN.replace(microsecond=0) - timedelta(days=place))


def created(flow_id: str, place: int) -> DeploymentCreate:
    sent = [DeploymentScheduleCreate(schedule=schedule(place))]
    return DeploymentCreate(name=f"deployment-{place}", flow_id=UUID(flow_id), schedules=sent)


def test_one_run_for_each_slot(module_database_url: str) -> None:
    """On PostgreSQL three processes, one five seconds behind and one five seconds ahead; on SQLite one."""
    asyncio.run(_run(Cluster(module_database_url), 3 if "postgresql" in module_database_url else 1))


async def _run(cluster: Cluster, processes: int) -> None:
    cluster.editors = [cluster.database(skew) for skew in SKEWS[:processes]]
    cluster.databases = [cluster.database(skew) for skew in SKEWS] if processes > 1 else cluster.editors
    first = cluster.editors[0]
    rows: list[Any] = []
    flow_id = await first.write(lambda tx: Rows(lambda unit: unit(tx)).flow())
    for place in range(8):
        row, _ = await first.write(save_deployment, created(flow_id, place))
        rows.append(row)
    ids = [row["id"] for row in rows]
    begin = cluster.now
    actors = [cluster.schedulers(number, restarts=processes > 1) for number in range(processes)]
    actors += [cluster.redeploys(ids, flow_id, number) for number in range(processes)]
    tasks = [asyncio.ensure_future(actor) for actor in (*actors, cluster.worker())]
    await asyncio.sleep(SECONDS)
    cluster.stopped = True
    await asyncio.gather(*tasks)
    end = cluster.now
    for _ in range(2):
        await schedule_deployments(cluster.databases[0], SCHEDULER)
    runs = select(flow_runs.c.deployment_id, flow_runs.c.expected_start_time)
    found = await cluster.databases[0].read(lambda tx: tx.all(runs))
    for database in {*cluster.databases, *cluster.editors}:
        await database.close()
    whole = begin.replace(microsecond=0)
    moments = [whole + timedelta(seconds=second) for second in range(15, int((end - begin).total_seconds()) - 15)]
    slots = [moment for moment in moments if moment.second % EVERY == 0]
    assert len(slots) > 8
    for deployment_id in ids:
        times = [run["expected_start_time"] for run in found if run["deployment_id"] == deployment_id]
        assert len(times) == len(set(times)), f"a slot has two runs; seed {cluster.seed}"
        missing = [str(slot) for slot in slots if slot not in times]
        assert not missing, f"slots without a run; seed {cluster.seed}"
