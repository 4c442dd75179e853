"""The service that does actions: each once and in order, whatever fails or dies, by any number of processes."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from podium.db.errors import DatabaseUnavailable
from podium.db.ids import new_id
from podium.db.tables.automations import automation_actions
from podium.db.tables.events import events
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.notifications import notification_deliveries
from podium.db.tables.workspaces import workspaces
from podium.db.unit import Tx
from podium.server.app import create_runtime
from podium.server.automations import actions as table
from podium.server.automations.firing import ACTIONS, Context, Firing, queue_action
from podium.server.automations.invocation import Effect, Invocation
from podium.server.notifications.queue import DELIVERIES
from podium.server.services import actions
from podium.server.services.actions import do_actions, do_waiting, perform, put_off_unless_done, waiting
from podium.wire.actions import DoNothing
from tests.server.automations.acting import Acting
from tests.server.conftest import Units, settings_for

NOTHING = {"type": "do-nothing"}


@pytest.fixture
def acting(units: Units) -> Iterator[Acting]:
    """Actions by hand; what a test leaves undone is taken away."""
    yield Acting(units)
    units.write(lambda tx: tx.run(update(automation_actions).values(state="executed")))


@pytest.fixture
def clock(units: Units) -> Iterator[Any]:
    """Lets time pass for the database."""
    real, ahead = units.database.clock, timedelta(0)

    def wait(seconds: float) -> None:
        nonlocal ahead
        ahead += timedelta(seconds=seconds)

    units.database.clock = lambda: real() + ahead
    yield wait
    units.database.clock = real


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors that the next actions that do nothing meet, in order; None: none."""
    errors: list[Any] = []

    def fail(tx: Tx, invocation: Invocation, effect: Effect) -> None:
        error = errors.pop(0) if errors else None
        if error is not None:
            raise error

    monkeypatch.setitem(table.PERFORM, DoNothing, fail)
    return errors


def position(acting: Acting, invocation: str) -> int:
    place: int = acting.row(invocation)["position"]
    return place


def run_of(deployment_id: str) -> dict[str, Any]:
    return {"type": "run-deployment", "source": "selected", "deployment_id": deployment_id}


class TestOnce:
    def test_an_action_is_done_once_however_often_it_is_tried(self, acting: Acting) -> None:
        """The second finds nothing to do."""
        deployment = acting.rows.deployment(acting.rows.flow())
        [invocation] = acting.fire(run_of(deployment))
        place = position(acting, invocation)
        assert acting.units.write(perform, place) is not None
        assert acting.units.write(perform, place) is None
        assert acting.act() == 0
        assert len(acting.units.all(select(flow_runs.c.id).where(flow_runs.c.deployment_id == deployment))) == 1
        assert len(acting.told(invocation)) == 2

    def test_a_unit_that_is_lost_leaves_nothing(self, acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither run nor event; the next try does it."""
        deployment = acting.rows.deployment(acting.rows.flow())
        [invocation] = acting.fire(run_of(deployment))
        outbox = acting.units.database.outbox
        assert outbox is not None

        def lost(tx: Tx) -> None:
            raise DatabaseUnavailable("gone")

        with monkeypatch.context() as patch:
            patch.setattr(outbox, "store", lost)
            with pytest.raises(DatabaseUnavailable):
                acting.act()
        made = select(flow_runs.c.id).where(flow_runs.c.deployment_id == deployment)
        assert (acting.units.all(made), acting.told(invocation)) == ([], [])
        assert acting.ended(invocation) == ("pending", None)
        acting.act()
        assert (len(acting.units.all(made)), acting.ended(invocation)) == (1, ("executed", None))

    def test_two_processes_share_the_work(self, acting: Acting, module_database_url: str) -> None:
        """Each action is one process's."""
        deployment = acting.rows.deployment(acting.rows.flow())
        automation = acting.automation(run_of(deployment), NOTHING)
        invocations = [acting.fire(automation=automation) for _ in range(12)]
        others = [create_runtime(settings_for(module_database_url)) for _ in range(2)]

        async def work() -> None:
            while sum(await asyncio.gather(*map(do_waiting, others))):
                pass
            await asyncio.gather(*(runtime.database.close() for runtime in others))

        asyncio.run(work())
        for run, nothing in invocations:
            assert (acting.ended(run), acting.ended(nothing)) == (("executed", None), ("executed", None))
            assert acting.row(run)["ended"] <= acting.row(nothing)["ended"]
        runs = acting.units.all(select(flow_runs.c.idempotency_key).where(flow_runs.c.deployment_id == deployment))
        assert len(runs) == len({run["idempotency_key"] for run in runs}) == len(invocations)
        told = Counter(each["payload"]["invocation"] for each in acting.events(_is_of_action))
        assert all(told[invocation] == 2 for pair in invocations for invocation in pair)


WORKER = """
import asyncio, signal, sys
from podium.profiles import load_settings
from podium.server.app import create_runtime
from podium.server.automations import actions
from podium.server.services.actions import do_waiting

async def work():
    flags = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": sys.argv[1]}
    runtime = create_runtime(load_settings(flags=flags, environ={}))
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]))
    while True:
        if not await do_waiting(runtime):
            await asyncio.sleep(0.02)

asyncio.run(work())
"""
"""Does actions until a signal ends it where it is, so many seconds after it began (0: never)."""


class _Workers:
    """Two processes that do actions; ``deaths`` of them die at work, and another takes the place of each."""

    def __init__(self, url: str, deaths: int) -> None:
        self._url = url
        self.deaths = deaths
        self._chosen = random.Random(5)
        self._processes = [self._start(), self._start()]

    def _start(self) -> subprocess.Popen[bytes]:
        seconds = self._chosen.uniform(0.05, 0.5) if self.deaths > 0 else 0
        return subprocess.Popen([sys.executable, "-c", WORKER, self._url, str(seconds)])

    def replace_the_dead(self) -> None:
        for place, process in enumerate(self._processes):
            if process.poll() is not None:
                assert process.returncode == -signal.SIGALRM
                self.deaths -= 1
                self._processes[place] = self._start()

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_processes_that_die_lose_and_double_nothing(acting: Acting, module_database_url: str) -> None:
    """Two of them, dying at any point of their work: each action has one effect and is told of once."""
    deployment = acting.rows.deployment(acting.rows.flow())
    email = {"type": "send-email-notification", "emails": ["a@garden.example"], "body": "dry"}
    automation = acting.automation(run_of(deployment), NOTHING, email)
    invocations = {each for _ in range(40) for each in acting.fire(automation=automation)}
    workers = _Workers(module_database_url, deaths=6)
    try:
        deadline = time.monotonic() + 150
        while workers.deaths > 0 and time.monotonic() < deadline:
            if len(acting.units.read(waiting)) < 60:
                invocations.update(each for _ in range(10) for each in acting.fire(automation=automation))
            workers.replace_the_dead()
            time.sleep(0.1)
    finally:
        workers.stop()
    acting.act()
    assert workers.deaths <= 0
    rows = {row["id"]: row for row in acting.units.all(select(automation_actions)) if row["id"] in invocations}
    firings = len(invocations) // 3
    assert Counter(row["state"] for row in rows.values()) == {"executed": 2 * firings, "sending": firings}
    runs = acting.units.all(select(flow_runs.c.idempotency_key).where(flow_runs.c.deployment_id == deployment))
    assert len(runs) == len({run["idempotency_key"] for run in runs}) == firings
    told = Counter((each["payload"]["invocation"], each["event"]) for each in acting.events(_is_of_action))
    assert all(told[invocation, "prefect.automation.action.triggered"] == 1 for invocation in invocations)
    ended = {each for each in invocations if rows[each]["state"] == "executed"}
    assert all(told[each, "prefect.automation.action.executed"] == (each in ended) for each in invocations)
    sent = Counter(row["action_id"] for row in acting.units.all(select(notification_deliveries.c.action_id)))
    assert all(sent[each] == (each not in ended) for each in invocations)


def _is_of_action(event: dict[str, Any]) -> bool:
    return bool(event["event"].startswith("prefect.automation.action."))


class TestWorkspaces:
    def test_an_action_is_done_in_its_workspace(self, acting: Acting) -> None:
        """It sees and changes nothing of another, and is told of where it belongs."""
        other = acting.rows.add(workspaces, handle=f"other-{new_id()}", name="other")
        deployment = acting.rows.deployment(acting.rows.flow())
        automation = acting.automation(run_of(deployment))
        firing = Firing(trigger_id=new_id(), trigger_type="event", triggered=acting.units.database.clock())
        context = Context(automation=automation, firing=firing)
        queue = acting.units.database.write(queue_action, automation["actions"][0], 0, context, workspace_id=other)
        invocation = acting.units.run(queue)
        acting.act()
        assert (
            acting.ended(invocation)[1] == "Unexpected status from 'run-deployment' action: 404 (Deployment not found)"
        )
        found = acting.units.all(select(events.c.workspace_id).where(events.c.id == invocation))
        assert [row["workspace_id"] for row in found] == [other]
        assert acting.units.all(select(flow_runs.c.id).where(flow_runs.c.deployment_id == deployment)) == []


class TestOrder:
    def test_actions_are_done_in_the_order_of_their_firing(self, acting: Acting) -> None:
        """Those of one firing, and those on one target."""
        deployment = acting.rows.deployment(acting.rows.flow())
        switch = {"source": "selected", "deployment_id": deployment}
        pause, resume = {"type": "pause-deployment", **switch}, {"type": "resume-deployment", **switch}
        invocations = [*acting.fire(NOTHING, pause), *acting.fire(resume), *acting.fire(NOTHING), *acting.fire(pause)]
        acting.act()
        ended = [acting.row(invocation)["ended"] for invocation in invocations]
        assert ended[0] <= ended[1] <= ended[2] <= ended[4]
        about = f"prefect.deployment.{deployment}"
        changes = acting.events(lambda each: each["resource_id"] == about)
        assert [each["payload"]["updates"]["paused"]["to"] for each in changes] == [True, False, True]

    def test_one_that_is_put_off_holds_back_those_behind_it(self, acting: Acting, breaks: Any, clock: Any) -> None:
        """In its firing, and no others."""
        breaks.append(ValueError("odd"))
        first, second = acting.fire(NOTHING, run_of(acting.rows.deployment(acting.rows.flow())))
        [other] = acting.fire(NOTHING)
        acting.act()
        assert [acting.ended(each)[0] for each in (first, second, other)] == ["pending", "pending", "executed"]
        assert acting.units.write(perform, position(acting, second)) is None
        clock(2.5)
        acting.act()
        assert [acting.ended(each)[0] for each in (first, second)] == ["executed", "executed"]
        assert acting.row(first)["ended"] <= acting.row(second)["ended"]


class TestErrors:
    def test_an_unexpected_error_is_tried_again_and_given_up(self, acting: Acting, breaks: Any, clock: Any) -> None:
        """Five times, each after a longer pause; then it failed, with the reason."""
        breaks.extend([ValueError("odd")] * 5)
        [invocation] = acting.fire(NOTHING)
        for pause in (2, 4, 8, 16):
            acting.act()
            row = acting.row(invocation)
            assert row["state"] == "pending"
            assert abs((row["not_before"] - acting.units.database.clock()).total_seconds() - pause) < 1.5
            assert acting.act() == 0
            clock(pause + 0.1)
        acting.act()
        assert acting.ended(invocation) == ("failed", "Gave up after 5 attempts: ValueError: odd")
        assert acting.told(invocation)[1]["event"] == "prefect.automation.action.failed"
        acting.units.write(put_off_unless_done, position(acting, invocation), "too late")
        assert acting.ended(invocation)[0] == "failed"

    def test_an_action_that_cannot_be_read_fails(self, acting: Acting, clock: Any) -> None:
        """It keeps no other from its turn."""
        [odd], [good] = acting.fire(NOTHING), acting.fire(NOTHING)
        change = update(automation_actions).where(automation_actions.c.id == odd)
        acting.units.write(lambda tx: tx.run(change.values(action={"type": "fly"})))
        for _ in range(5):
            acting.act()
            clock(40)
        assert acting.ended(good)[0] == "executed"
        state, reason = acting.ended(odd)
        assert state == "failed"
        assert reason is not None
        assert "fly" in reason

    def test_a_database_that_is_away_is_no_error_of_the_action(self, acting: Acting, breaks: Any) -> None:
        """It costs no attempt."""
        breaks.append(DatabaseUnavailable("away"))
        [invocation] = acting.fire(NOTHING)
        with pytest.raises(DatabaseUnavailable):
            acting.act()
        assert acting.row(invocation)["attempts"] == 0
        acting.act()
        assert acting.ended(invocation)[0] == "executed"


class TestRounds:
    def test_a_wake_up_call_makes_it_immediate(self, acting: Acting) -> None:
        """The round waits for it, long before it would look by itself; what is to be sent wakes who sends."""
        runtime = acting.units.runtime

        email = {"type": "send-email-notification", "emails": ["a@garden.example"], "body": "dry"}
        automation = acting.automation(email)
        firing = Firing(trigger_id=new_id(), trigger_type="event", triggered=acting.units.database.clock())
        context = Context(automation=automation, firing=firing)

        async def work() -> bool:
            task = asyncio.create_task(do_actions(runtime))
            await asyncio.sleep(0.2)
            await runtime.database.write(queue_action, automation["actions"][0], 0, context)
            runtime.bus.wake(ACTIONS)
            sent = await runtime.bus.wait(DELIVERIES, 3)
            task.cancel()
            await asyncio.wait((task,))
            return sent

        assert acting.units.run(work())

    def test_a_round_without_work_ends(self, acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
        """After a look, and a while of waiting."""
        monkeypatch.setattr(actions, "LONGEST_WAIT", 0.05)
        acting.units.run(do_actions(acting.units.runtime))
        assert acting.units.read(waiting) == []
