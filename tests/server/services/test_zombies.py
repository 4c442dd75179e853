"""Runs whose process is gone are ended, and no others: with a clock that the test moves."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from podium.db.ids import new_id
from podium.db.tables.events import events
from podium.db.tables.flow_run_heartbeats import api_presence, flow_run_heartbeats
from podium.db.tables.work_pools import work_pools, workers
from podium.server.events.event import Event, resource
from podium.server.events.outbox import store_client_events
from podium.server.queries.logs import add_logs
from podium.server.queries.presence import note_presence
from podium.server.services.cancellation_cleanup import end_cancelling
from podium.server.services.zombies import end_zombies
from tests.server.conftest import Units
from tests.server.runs import Runs, state

INTERVAL = 180


class Site(Runs):
    """Runs, the clients that send their heartbeats, and the server that hears them, by a clock the test moves."""

    def __init__(self, units: Units) -> None:
        super().__init__(units)
        self.deployment_id = self.deployment(limit=2)
        self.pool = self.rows.pool(concurrency_limit=5)
        self.queue = self.rows.queue(self.pool)

    def pass_time(self, seconds: float, *alive: str, present: bool = True, sweep: bool = True) -> None:
        """Lets time pass in steps of ten seconds; these runs send a heartbeat every three minutes.

        A sweep comes twice a minute and at the end: who was ended by one stays so until it is looked at.
        """
        end = self.now + timedelta(seconds=seconds)
        beats = sweeps = self.now
        while self.now < end:
            self.now = min(self.now + timedelta(seconds=10), end)
            over = self.now == end
            if present:
                self.units.write(note_presence)
            if self.now >= beats:
                for run_id in alive:
                    self.beat(run_id)
                beats += timedelta(seconds=INTERVAL)
            if present and sweep and (over or self.now >= sweeps):
                self.sweep()
                sweeps += timedelta(seconds=30)

    def sweep(self) -> None:
        self.units.run(end_zombies(self.units.runtime))

    def beat(self, run_id: str, event: str = "prefect.flow-run.heartbeat", occurred: datetime | None = None) -> None:
        """A client's event about a run."""
        sent = Event(event=event, occurred=occurred or self.now, resource=resource("flow-run", run_id))
        self.units.write(store_client_events, [sent])

    def running(self, beats: bool = True, **values: Any) -> str:
        """A run that a worker took and whose process began."""
        run_id = self.pending(**values)
        assert self.set(run_id, "RUNNING").status == "ACCEPT"
        if beats:
            self.beat(run_id)
        return run_id

    def pending(self, worker: str | None = None, **values: Any) -> str:
        labels = {"prefect.worker.name": worker, "prefect.work-pool.id": self.pool} if worker else {}
        run_id = self.make(
            "SCHEDULED", **{"work_queue_id": self.queue, "deployment_id": self.deployment_id, **values}, labels=labels
        )
        assert self.set(run_id, "PENDING").status == "ACCEPT"
        return run_id

    def worker(self, name: str, status: str) -> None:
        values = {"work_pool_id": self.pool, "name": name, "status": status}
        self.rows.add(workers, **values, last_heartbeat_time=self.now)

    def kind(self, run_id: str) -> str:
        found: str = self.read(run_id)["state_type"]
        return found

    def message(self, run_id: str) -> str:
        found: str = self.read(run_id)["state"]["message"]
        return found


@pytest.fixture
def site(units: Units) -> Iterator[Site]:
    made = Site(units)
    for table in (api_presence, flow_run_heartbeats):
        units.write(lambda tx, table=table: tx.run(delete(table)))
    made.pass_time(1000, sweep=False)
    yield made
    units.write(lambda tx: tx.run(delete(work_pools).where(work_pools.c.id == made.pool)))


class TestHeartbeats:
    def test_a_run_whose_heartbeats_stop_is_crashed(self, site: Site) -> None:
        """After three missed ones, with the reason; its slot is free, the event is told once; others go on."""
        gone, alive = site.running(), site.running()
        limit = site.limit_of(site.deployment_id)
        last = site.now
        site.pass_time(535, alive)
        assert (site.kind(gone), site.slots(limit)) == ("RUNNING", 2)
        site.pass_time(30, alive)
        assert (site.kind(gone), site.kind(alive), site.slots(limit)) == ("CRASHED", "RUNNING", 1)
        assert f"{last:%H:%M:%S} UTC" in site.message(gone)
        site.pass_time(600, alive)
        named = select(events.c.event).where(events.c.resource_id == f"prefect.flow-run.{gone}")
        told = [row["event"] for row in site.units.all(named)]
        assert told.count("prefect.flow-run.Crashed") == 1
        assert site.kind(alive) == "RUNNING"

    def test_a_client_that_beats_less_often_has_more_time(self, site: Site) -> None:
        """Three of the intervals it shows, where these are longer than the setting."""
        slow = site.running()
        site.pass_time(500)
        site.beat(slow)
        site.pass_time(1400)
        assert site.kind(slow) == "RUNNING"
        site.pass_time(120)
        assert site.kind(slow) == "CRASHED"

    def test_the_clock_of_a_client_does_not_matter(self, site: Site) -> None:
        """Also not when it is set back."""
        run_id = site.running()
        for hours in (5, -5, 0, -1):
            site.pass_time(INTERVAL)
            site.beat(run_id, occurred=site.now + timedelta(hours=hours))
        site.pass_time(530)
        assert site.kind(run_id) == "RUNNING"

    def test_a_heartbeat_sent_again_is_none(self, site: Site) -> None:
        """A client sends once more what nobody confirmed to it."""
        run_id = site.running(beats=False)
        sent = Event(
            event="prefect.flow-run.heartbeat", occurred=site.now, resource=resource("flow-run", run_id), id=new_id()
        )
        site.units.write(store_client_events, [sent])
        site.pass_time(500)
        site.units.write(store_client_events, [sent])
        site.pass_time(60)
        assert site.kind(run_id) == "CRASHED"

    @pytest.mark.parametrize("sign", ["event", "task", "log"])
    def test_any_other_sign_of_life_counts(self, site: Site, sign: str) -> None:
        """Events about the run and its tasks, and lines of its log."""
        run_id = site.running()
        site.pass_time(300)
        if sign == "event":
            site.beat(run_id, "something.happened")
        elif sign == "task":
            task = Event(
                event="prefect.task-run.Running",
                occurred=site.now,
                resource=resource("task-run", new_id()),
                related=[resource("flow-run", run_id, "flow-run")],
            )
            site.units.write(store_client_events, [task])
        else:
            site.units.write(add_logs, [(new_id(), "log", 20, "alive", site.now, run_id, None)])
        site.pass_time(530)
        assert site.kind(run_id) == "RUNNING"
        site.pass_time(30)
        assert site.kind(run_id) == "CRASHED"

    def test_one_that_runs_again_begins_anew(self, site: Site) -> None:
        """The heartbeats of an earlier attempt do not count against the present one."""
        run_id = site.running()
        site.set(run_id, "SCHEDULED", "AwaitingRetry")
        site.pass_time(500)
        site.set(run_id, "RUNNING")
        site.pass_time(500)
        assert site.kind(run_id) == "RUNNING"
        site.pass_time(60)
        assert site.kind(run_id) == "CRASHED"

    def test_one_that_comes_back_may_still_complete(self, site: Site) -> None:
        """Who was taken for dead and is not ends as it ends."""
        run_id = site.running()
        site.pass_time(600)
        assert site.kind(run_id) == "CRASHED"
        assert site.set(run_id, "COMPLETED").status == "ACCEPT"

    def test_heartbeats_of_runs_that_are_over_are_forgotten(self, site: Site) -> None:
        """And those of runs that never were; those of a paused run are kept."""
        done, paused, unknown = site.running(), site.running(), new_id()
        site.set(done, "COMPLETED")
        site.set(paused, "PAUSED", pause_reschedule=False)
        site.beat(unknown)
        site.beat("no-id")
        site.pass_time(600)
        kept = [row["flow_run_id"] for row in site.units.all(select(flow_run_heartbeats))]
        assert kept == [paused]
        assert site.kind(paused) == "PAUSED"


class TestOutages:
    def test_silence_of_the_server_is_not_that_of_its_clients(self, site: Site) -> None:
        """After an outage, clients have the whole time again to be heard."""
        run_id = site.running()
        site.pass_time(300)
        site.pass_time(600, present=False)
        site.sweep()
        site.pass_time(530)
        assert site.kind(run_id) == "RUNNING"
        site.pass_time(30)
        assert site.kind(run_id) == "CRASHED"

    def test_nobody_is_judged_while_no_process_answers(self, site: Site) -> None:
        """A process that only runs services hears nobody."""
        run_id, waiting = site.running(), site.pending()
        site.pass_time(3000, present=False)
        site.sweep()
        assert (site.kind(run_id), site.kind(waiting)) == ("RUNNING", "PENDING")

    def test_a_restart_is_no_outage(self, site: Site) -> None:
        """Of less than half a minute."""
        run_id = site.running()
        site.pass_time(400)
        site.pass_time(10, present=False)
        site.pass_time(150)
        assert site.kind(run_id) == "CRASHED"


class TestWithoutHeartbeats:
    @pytest.mark.parametrize(
        ("status", "kind", "ends"),
        [
            ("OFFLINE", "process", "CRASHED"),
            ("ONLINE", "process", "RUNNING"),
            ("OFFLINE", "docker", "RUNNING"),
            (None, "process", "RUNNING"),
        ],
    )
    def test_its_worker_tells(self, site: Site, status: str | None, kind: str, ends: str) -> None:
        """A process on the worker's machine ends with it; what runs elsewhere, or who is unknown, is left alone."""
        site.units.write(lambda tx: tx.run(work_pools.update().where(work_pools.c.id == site.pool).values(type=kind)))
        site.worker("other", "OFFLINE")
        if status:
            site.worker("one", status)
        run_id = site.running(beats=False, worker="one")
        site.pass_time(3590, sweep=False)
        site.sweep()
        assert site.kind(run_id) == "RUNNING"
        site.pass_time(60)
        assert site.kind(run_id) == ends
        if ends == "CRASHED":
            assert "'one'" in site.message(run_id)

    def test_a_run_of_nobody_is_left_alone(self, site: Site) -> None:
        """A script that an old client runs by hand tells nothing of itself."""
        run_id = site.make("RUNNING")
        site.pass_time(8000, sweep=False)
        site.sweep()
        assert site.kind(run_id) == "RUNNING"


class TestPending:
    def test_a_run_that_was_taken_and_never_starts_is_crashed(self, site: Site) -> None:
        """After ten minutes, with the reason; its slot is free, and it is handed out to nobody."""
        run_id = site.pending()
        limit = site.limit_of(site.deployment_id)
        site.pass_time(590)
        assert (site.kind(run_id), site.slots(limit)) == ("PENDING", 1)
        site.pass_time(30)
        assert (site.kind(run_id), site.slots(limit)) == ("CRASHED", 0)
        assert "did not start" in site.message(run_id)
        assert [each["name"] for each in site.states(run_id)] == ["Scheduled", "Pending", "Crashed"]

    def test_while_its_worker_is_online_there_is_more_time(self, site: Site) -> None:
        """Infrastructure may take long, and the worker tells when it fails."""
        site.worker("one", "ONLINE")
        run_id = site.pending(worker="one")
        site.pass_time(3590, sweep=False)
        site.sweep()
        assert site.kind(run_id) == "PENDING"
        site.pass_time(20)
        assert site.kind(run_id) == "CRASHED"
        assert "'one', which is online" in site.message(run_id)

    def test_one_that_was_taken_ahead_of_its_time_waits(self, site: Site) -> None:
        """The patience begins when it is due."""
        due = site.now + timedelta(hours=1)
        run_id = site.make(state("SCHEDULED", scheduled_time=due), deployment_id=site.deployment_id)
        site.set(run_id, "PENDING")
        site.pass_time(4190, sweep=False)
        site.sweep()
        assert site.kind(run_id) == "PENDING"
        site.pass_time(30)
        assert site.kind(run_id) == "CRASHED"

    def test_a_run_that_nobody_took_is_left_alone(self, site: Site) -> None:
        """It may be started by hand tomorrow."""
        run_id = site.make("PENDING")
        site.pass_time(900)
        assert site.kind(run_id) == "PENDING"

    def test_a_retry_that_its_process_does_not_begin(self, site: Site) -> None:
        """The run waits in its process, so that nobody else may take it; it holds its slot until then."""
        run_id = site.running(empirical_policy={"retries": 1, "retry_delay": 60})
        assert site.set(run_id, "FAILED").status == "REJECT"
        limit = site.limit_of(site.deployment_id)
        site.pass_time(640)
        assert (site.read(run_id)["state_name"], site.slots(limit)) == ("AwaitingRetry", 1)
        site.pass_time(60)
        assert (site.kind(run_id), site.slots(limit)) == ("CRASHED", 0)

    def test_one_that_waits_for_a_worker_to_retry_it_is_late_and_no_zombie(self, site: Site) -> None:
        """It is handed out as soon as there is a worker."""
        run_id = site.running()
        site.set(run_id, "SCHEDULED", "AwaitingRetry")
        site.pass_time(900)
        assert site.kind(run_id) == "SCHEDULED"


class TestWhatIsLeft:
    def test_children_of_a_crashed_run_end_with_it(self, site: Site) -> None:
        """Tasks, and subflows in the same process; one with a process of its own goes on, and shows its end."""
        parent = site.running()
        task = site.make_task("RUNNING", flow_run_id=parent)
        trackers = [site.make_task("RUNNING", flow_run_id=parent) for _ in range(2)]
        inside = site.make("RUNNING", parent_task_run_id=trackers[0])
        deployed = site.make("RUNNING", parent_task_run_id=trackers[1], deployment_id=site.deployment_id)
        deep = site.make_task("RUNNING", flow_run_id=inside)
        site.set(parent, "CRASHED")
        site.pass_time(50)
        assert site.read_task(task)["state_type"] == "RUNNING"
        site.pass_time(130)
        assert site.kind(inside) == "CRASHED"
        found = [site.read_task(each)["state_type"] for each in (task, deep, *trackers)]
        assert found == ["CRASHED", "CRASHED", "CRASHED", "RUNNING"]
        assert site.kind(deployed) == "RUNNING"
        site.set(deployed, "COMPLETED")
        assert site.read_task(trackers[1])["state_type"] == "COMPLETED"

    def test_a_cancellation_that_nobody_confirms_frees_the_slot(self, site: Site) -> None:
        """With the reason; it is no matter of heartbeats."""
        run_id = site.running()
        limit = site.limit_of(site.deployment_id)
        site.set(run_id, "CANCELLING")
        site.pass_time(299)
        site.units.run(end_cancelling(site.units.runtime))
        assert (site.kind(run_id), site.slots(limit)) == ("CANCELLING", 1)
        site.pass_time(2)
        site.units.run(end_cancelling(site.units.runtime))
        assert (site.kind(run_id), site.slots(limit)) == ("CANCELLED", 0)
        assert "did not confirm" in site.message(run_id)


def test_several_services_at_once_end_a_run_once(site: Site) -> None:
    """Each looks again before it changes anything."""
    run_id = site.running()
    site.pass_time(600, sweep=False)

    async def together() -> None:
        await asyncio.gather(*(end_zombies(site.units.runtime) for _ in range(4)))

    site.units.run(together())
    assert [each["name"] for each in site.states(run_id)] == ["Scheduled", "Pending", "Running", "Crashed"]
