"""What the vacuum deletes, and what it leaves: each rule on both databases, on a clock of the test's own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from podium.db.ids import new_id
from podium.db.retention import refusals as excess
from podium.db.retention.ages import Ages
from podium.db.retention.rules import RULES
from podium.db.retention.sweeping import carry_out
from podium.db.tables.artifacts import artifact_collections, artifacts
from podium.db.tables.automations import (
    automation_actions,
    automation_buckets,
    automation_firings,
    automation_refusals,
    automations,
)
from podium.db.tables.csrf import csrf_tokens
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.tables.flow_run_heartbeats import flow_run_heartbeats
from podium.db.tables.flow_runs import flow_run_inputs, flow_run_states, flow_runs
from podium.db.tables.logs import logs
from podium.db.tables.notifications import notification_deliveries
from podium.db.tables.services import service_heartbeats
from podium.db.tables.tallies import tally_notes
from podium.db.tables.task_queue import task_run_deliveries, task_workers
from podium.db.tables.task_runs import task_run_state_cache, task_run_states, task_runs
from podium.db.tables.work_pools import worker_cleanup_messages, workers
from podium.server.services import retention
from tests.server.conftest import Units
from tests.server.rows import Rows

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PART: dict[str, Any] = {"resource_role": "", "resource_id": "r", "resource": {}}
AGES = Ages(events=7 * DAY, flow_runs=90 * DAY, leftovers=30 * DAY, overrides={"heartbeat": DAY})


@pytest.fixture
def units(units: Units) -> Iterator[Units]:
    """At noon of a day in June, with nothing in the tables that grow."""
    real = units.database.clock
    units.database.clock = lambda: NOW

    def empty(tx: Any) -> None:
        for table in (flow_runs, task_runs, logs, events, event_resources, event_deliveries, artifacts):
            tx.run(table.delete())
        tx.run(artifact_collections.delete())

    units.write(empty)
    yield units
    units.database.clock = real


@pytest.fixture
def rows(units: Units) -> Rows:
    return Rows(units.write)


def vacuum(units: Units, word: str, ages: Ages = AGES, most: int = 200) -> int:
    """All rules of a word."""
    rules = [rule for rule in RULES if rule.word == word]
    deleted: int = units.run(carry_out(units.database, rules, ages, most))
    return deleted


def count(units: Units, table: Table) -> int:
    found: int = units.all(select(func.count().label("n")).select_from(table))[0]["n"]
    return found


def ids(units: Units, table: Table) -> set[str]:
    return {row["id"] for row in units.all(select(table.c.id))}


class TestEvents:
    def event(self, rows: Rows, occurred: datetime, name: str = "event", waits: bool = False, **values: Any) -> str:
        event_id = new_id()
        own = {"occurred": occurred, "resource_id": "r", "resource": {"prefect.resource.id": "r"}}
        given = {"event": name, "related": [], "payload": {}, "received": occurred, "recorded": occurred, **values}
        rows.add(events, id=event_id, **own, **given)
        self._insert(rows, event_resources, event_id, occurred, [{"position": 0} | PART, {"position": 1} | PART])
        if waits:
            self._insert(rows, event_deliveries, event_id, occurred, [{"consumer": "c", "attempts": 0}])
        return event_id

    def _insert(
        self, rows: Rows, table: Table, event_id: str, occurred: datetime, values: list[dict[str, Any]]
    ) -> None:
        """Rows that have no id of their own."""

        def unit(tx: Any) -> None:
            key = {"event_id": event_id, "occurred": occurred, "workspace_id": tx.workspace_id}
            tx.many(table.insert(), [key | each for each in values])

        rows._write(unit)

    def test_old_ones_go_with_their_resources(self, units: Units, rows: Rows) -> None:
        """However many they are, a few at a time; the newer ones stay."""
        for number in range(25):
            self.event(rows, NOW - 7 * DAY - number * HOUR - MINUTE)
        kept = {self.event(rows, NOW - 7 * DAY + MINUTE), self.event(rows, NOW)}
        assert vacuum(units, "events", most=4) >= 25
        assert ids(units, events) == kept
        assert {row["event_id"] for row in units.all(select(event_resources.c.event_id))} == kept

    def test_a_name_may_have_a_shorter_age(self, units: Units, rows: Rows) -> None:
        """And only a shorter one."""
        self.event(rows, NOW - DAY - MINUTE, "heartbeat")
        kept = {self.event(rows, NOW - DAY - MINUTE), self.event(rows, NOW - HOUR, "heartbeat")}
        vacuum(units, "events")
        assert ids(units, events) == kept

    def test_one_that_a_consumer_has_still_to_handle_stays(self, units: Units, rows: Rows) -> None:
        """Also one that was sent late; until nobody came for it for the whole time."""
        waiting = self.event(rows, NOW - 30 * DAY, waits=True, recorded=NOW - HOUR)
        abandoned = self.event(rows, NOW - 9 * DAY, waits=True)
        vacuum(units, "events")
        assert ids(units, events) == {waiting}
        assert [row["event_id"] for row in units.all(select(event_deliveries))] == [waiting]
        assert abandoned != waiting

    def test_one_of_the_future_goes_by_when_it_came(self, units: Units, rows: Rows) -> None:
        """A client whose clock is years ahead fills nothing for ever."""
        self.event(rows, NOW + 3000 * DAY, recorded=NOW - 8 * DAY)
        kept = {self.event(rows, NOW + 3000 * DAY, recorded=NOW - 6 * DAY), self.event(rows, NOW + HOUR)}
        vacuum(units, "events")
        assert ids(units, events) == kept


class TestRuns:
    def ended(self, rows: Rows, days: float, state: str = "COMPLETED", **values: Any) -> str:
        return rows.flow_run(self.flow, state=state, end_time=NOW - days * DAY, **values)

    @pytest.fixture(autouse=True)
    def a_flow(self, rows: Rows) -> None:
        self.flow = rows.flow()

    def test_a_run_goes_with_all_that_belongs_to_it(self, units: Units, rows: Rows) -> None:
        """States, inputs, task runs with theirs, log lines and artifacts; a younger run keeps all of that."""

        def with_parts(days: float) -> str:
            run = self.ended(rows, days)
            task = rows.task_run(run, state="COMPLETED")
            rows.add(flow_run_inputs, flow_run_id=run, key="k", value="v")
            for number in range(30):
                line = {"timestamp": NOW - days * DAY, "level": 20, "name": "l", "message": f"{number}"}
                rows.add(logs, flow_run_id=run, task_run_id=task if number % 2 else None, **line)
            rows.add(artifacts, flow_run_id=run, key="report", data=days)
            rows.add(artifacts, task_run_id=task, type="result", data=days)
            return run

        with_parts(91)
        kept = with_parts(89)
        vacuum(units, "flow_runs", most=2)
        assert ids(units, flow_runs) == {kept}
        assert [count(units, table) for table in (flow_run_states, flow_run_inputs, task_runs, task_run_states)] == [
            1
        ] * 4
        assert (count(units, logs), count(units, artifacts)) == (30, 2)

    @pytest.mark.parametrize("state", ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", None])
    def test_a_run_that_is_not_over_stays(self, units: Units, rows: Rows, state: str | None) -> None:
        """However old, and whatever end it once had."""
        self.ended(rows, 400, state=state)  # type: ignore[arg-type]
        vacuum(units, "flow_runs")
        assert count(units, flow_runs) == 1

    def test_a_run_above_a_live_one_stays(self, units: Units, rows: Rows) -> None:
        """Two floors up; when the last is over all go, the subflows after the run above them."""
        top = self.ended(rows, 400)
        middle = self.ended(rows, 400, parent_task_run_id=rows.task_run(top, state="COMPLETED"))
        below = rows.task_run(middle, state="COMPLETED")
        rows.flow_run(self.flow, state="RUNNING", parent_task_run_id=below)
        vacuum(units, "flow_runs")
        assert count(units, flow_runs) == 3
        end = flow_runs.update().values(state_type="FAILED", end_time=NOW - 400 * DAY)
        units.write(lambda tx: tx.run(end.where(flow_runs.c.state_type == "RUNNING")))
        for _ in range(3):
            vacuum(units, "flow_runs")
        assert (count(units, flow_runs), count(units, task_runs)) == (0, 0)

    def test_a_run_with_very_many_task_runs_goes_in_parts(self, units: Units, rows: Rows) -> None:
        """No step is larger than the others."""
        run = self.ended(rows, 91)
        for _ in range(45):
            rows.task_run(run, state="COMPLETED")
        vacuum(units, "flow_runs", most=1)
        assert (count(units, flow_runs), count(units, task_runs), count(units, task_run_states)) == (0, 0, 0)

    def test_task_runs_outside_of_flows_go_as_well(self, units: Units, rows: Rows) -> None:
        """Those that are over, with their log lines; background runs that wait stay."""
        for state in ("COMPLETED", "SCHEDULED"):
            task = rows.task_run(None, state=state, end_time=NOW - 91 * DAY)
            rows.add(logs, task_run_id=task, timestamp=NOW - 91 * DAY, level=20, name="l", message="m")
        above = rows.task_run(None, state="COMPLETED", end_time=NOW - 91 * DAY)
        rows.flow_run(self.flow, state="RUNNING", parent_task_run_id=above)
        vacuum(units, "flow_runs")
        assert {row["state_type"] for row in units.all(select(task_runs))} == {"SCHEDULED", "COMPLETED"}
        assert (count(units, task_runs), count(units, logs)) == (2, 1)

    def test_the_latest_artifact_of_a_key_is_the_newest_that_is_left(self, units: Units, rows: Rows) -> None:
        """A key without any goes."""
        old, young = self.ended(rows, 91), self.ended(rows, 1)
        left = rows.add(artifacts, flow_run_id=young, key="report")
        last = rows.add(artifacts, flow_run_id=old, key="report")
        rows.add(artifact_collections, key="report", latest_id=last)
        rows.add(artifact_collections, key="plot", latest_id=rows.add(artifacts, flow_run_id=old, key="plot"))
        vacuum(units, "flow_runs")
        found = units.all(select(artifact_collections.c.key, artifact_collections.c.latest_id))
        assert found == [{"key": "report", "latest_id": left}]


class TestLogs:
    def line(self, rows: Rows, days: float, **values: Any) -> str:
        when = NOW - days * DAY
        return rows.add(
            logs, **({"timestamp": when, "created": when, "level": 20, "name": "l", "message": "m"} | values)
        )

    def test_lines_go_with_their_run_unless_they_have_an_age(self, units: Units, rows: Rows) -> None:
        """Those of a run that is not over stay even then."""
        flow = rows.flow()
        over, live = rows.flow_run(flow, state="COMPLETED"), rows.flow_run(flow, state="RUNNING")
        task, waiting = rows.task_run(None, state="FAILED"), rows.task_run(None, state="SCHEDULED")
        old = [self.line(rows, 11 + number / 100, flow_run_id=over) for number in range(20)]
        old.append(self.line(rows, 11, task_run_id=task))
        kept = {self.line(rows, 9, flow_run_id=over), self.line(rows, 11, flow_run_id=live)}
        kept |= {self.line(rows, 12, task_run_id=waiting), self.line(rows, -400, flow_run_id=over, created=NOW)}
        old.append(self.line(rows, -400, flow_run_id=over, created=NOW - 11 * DAY))
        vacuum(units, "leftovers")
        assert ids(units, logs) == kept | set(old)
        limited = Ages(events=7 * DAY, flow_runs=90 * DAY, leftovers=30 * DAY, logs=10 * DAY)
        vacuum(units, "leftovers", limited, most=3)
        assert ids(units, logs) == kept

    def test_orphans_go_after_a_day(self, units: Units, rows: Rows) -> None:
        """A task run becomes known by its events, which may come later than its lines."""
        run = rows.flow_run(rows.flow(), state="COMPLETED")
        gone, task = new_id(), rows.task_run(None, state="COMPLETED")
        for number in range(7):
            self.line(rows, 2, flow_run_id=gone if number % 2 else new_id())
            self.line(rows, 2, task_run_id=new_id())
            rows.add(artifacts, flow_run_id=gone, created=NOW - 2 * DAY)
            rows.add(artifacts, task_run_id=new_id(), created=NOW - 2 * DAY)
        kept = {self.line(rows, 2, flow_run_id=run), self.line(rows, 2, task_run_id=task)}
        kept |= {self.line(rows, 0.5, task_run_id=new_id()), self.line(rows, 2, flow_run_id=run, task_run_id=new_id())}
        whole = {rows.add(artifacts, created=NOW - 2 * DAY), rows.add(artifacts, flow_run_id=run)}
        rows.add(artifact_collections, key="lost", latest_id=new_id())
        vacuum(units, "orphans", most=3)
        assert (ids(units, logs), ids(units, artifacts)) == (kept, whole)
        assert count(units, artifact_collections) == 0


Pair = Callable[[Rows], tuple[Table, Any, Any]]


def tokens(rows: Rows) -> tuple[Table, Any, Any]:
    def make(days: float) -> str:
        return rows.add(csrf_tokens, client=new_id(), token="t", expiration=NOW - days * DAY)

    return csrf_tokens, make(0.01), make(-0.01)


def task_connections(rows: Rows) -> tuple[Table, Any, Any]:
    def make(days: float) -> str:
        return rows.add(task_workers, identifier="w", task_keys=[], timestamp=NOW, alive_until=NOW - days * DAY)

    return task_workers, make(1.1), make(0.5)


def gone_workers(rows: Rows) -> tuple[Table, Any, Any]:
    pool = rows.pool()

    def make(days: float, status: str = "OFFLINE") -> str:
        return rows.add(workers, work_pool_id=pool, name=new_id(), status=status, last_heartbeat_time=NOW - days * DAY)

    make(31, "ONLINE")
    return workers, make(31), make(29)


def cleanup(**values: Any) -> Pair:
    def both(rows: Rows) -> tuple[Table, Any, Any]:
        pool = rows.pool()

        def make(days: float) -> str:
            when = NOW - days * DAY
            given = dict.fromkeys(values, when) | {"created": when}
            return rows.add(
                worker_cleanup_messages,
                work_pool_id=pool,
                kind="k",
                target={},
                data={},
                idempotency_key=new_id(),
                **given,
            )

        return worker_cleanup_messages, make(31), make(29)

    return both


def automation(rows: Rows) -> str:
    return rows.add(automations, name="a", trigger={}, actions=[])


def firings(rows: Rows) -> tuple[Table, Any, Any]:
    owner = automation(rows)

    def make(days: float) -> str:
        return rows.add(
            automation_firings, automation_id=owner, trigger_id=new_id(), triggered=NOW - days * DAY, firing={}
        )

    return automation_firings, make(31), make(29)


def buckets(rows: Rows) -> tuple[Table, Any, Any]:
    owner = automation(rows)

    def make(days: float) -> str:
        when = NOW - days * DAY
        given = {"trigger_id": new_id(), "bucketing_key": [], "bucketing_digest": "d"}
        return rows.add(automation_buckets, automation_id=owner, window_start=when, window_end=when, **given)

    return automation_buckets, make(31), make(29)


def refusal(rows: Rows, owner: str, last: datetime) -> str:
    given = {"bucketing_key": [], "bucketing_digest": new_id(), "first": last, "last": last}
    return rows.add(automation_refusals, automation_id=owner, trigger_id=new_id(), reason="r", **given)


def refusals(rows: Rows) -> tuple[Table, Any, Any]:
    owner = automation(rows)
    return automation_refusals, *(refusal(rows, owner, NOW - days * DAY) for days in (31, 29))


def ended(table: Table, **values: Any) -> Pair:
    def both(rows: Rows) -> tuple[Table, Any, Any]:
        def make(days: float | None) -> str:
            ended = None if days is None else NOW - days * DAY
            row: dict[str, Any] = {"id": new_id(), "created": NOW - 99 * DAY, "ended": ended, **values}
            if "idempotency_key" in table.c:
                row["idempotency_key"] = row["id"]
            rows._write(lambda tx: tx.run(table.insert().values(workspace_id=tx.workspace_id, **row)))
            return str(row["id"])

        return table, make(31), make(None)

    return both


ACTION: dict[str, Any] = {"automation_id": new_id(), "firing_id": new_id(), "action_index": 0, "action": {}}
DELIVERY: dict[str, Any] = {"channel": "c", "kind": "email", "request": {}, "state": "waiting"}


def cached(rows: Rows) -> tuple[Table, Any, Any]:
    task = rows.task_run(None, state="COMPLETED")
    [state] = rows._write(lambda tx: tx.column(select(task_runs.c.state_id).where(task_runs.c.id == task)))

    def make(**values: Any) -> str:
        given = {"cache_key": "k", "task_run_state_id": state, "created": NOW - 2 * DAY, **values}
        return rows.add(task_run_state_cache, **given)

    make(task_run_state_id=new_id())
    make(cache_expiration=NOW + HOUR)
    return task_run_state_cache, make(cache_expiration=NOW - HOUR), make()


LEFT: dict[str, Pair] = {
    "tokens": tokens,
    "connections of task workers": task_connections,
    "workers": gone_workers,
    "cleanup that is done": cleanup(finished=None),
    "cleanup that nobody took": cleanup(),
    "firings": firings,
    "refusals": refusals,
    "actions": ended(automation_actions, context={}, triggered=NOW, state="pending", **ACTION),
    "deliveries": ended(notification_deliveries, **DELIVERY),
    "buckets": buckets,
    "cached states": cached,
}


@pytest.mark.parametrize("what", LEFT)
def test_leftovers_go_when_they_are_old(units: Units, rows: Rows, what: str) -> None:
    """What expired, was finished or is of somebody who is gone; what is younger stays."""
    table, old, young = LEFT[what](rows)
    vacuum(units, "leftovers")
    left = ids(units, table)
    assert old not in left
    assert young in left


def test_of_the_refusals_of_an_automation_the_newest_stay(
    units: Units, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many values its triggers tell apart; another's are not counted with them."""
    monkeypatch.setattr(excess, "_OLDEST_KEPT", excess._OLDEST_KEPT.offset(2))
    busy, other = automation(rows), automation(rows)
    made = [refusal(rows, busy, NOW - minutes * MINUTE) for minutes in range(6)]
    kept = [refusal(rows, other, NOW - DAY), *made[:3]]
    vacuum(units, "leftovers", most=2)
    left = ids(units, automation_refusals)
    assert left.issuperset(kept)
    assert left.isdisjoint(made[3:])


def test_offers_of_background_runs_that_are_over_go(units: Units, rows: Rows) -> None:
    """One that waits is offered for as long as it takes."""
    for state in ("COMPLETED", "SCHEDULED"):
        task = rows.task_run(None, state=state)
        offer = {"task_run_id": task, "task_key": "k", "urgent": False}
        units.write(
            lambda tx, offer=offer: tx.run(task_run_deliveries.insert().values(workspace_id=tx.workspace_id, **offer))
        )
    vacuum(units, "leftovers")
    assert [row["task_run_id"] for row in units.all(select(task_run_deliveries))] == [task]


def test_of_the_notes_of_a_slice_the_newest_stays(units: Units) -> None:
    """However many changes there were while nobody rolled it up."""

    def note(tx: Any) -> None:
        for change, days in ((1, 3), (2, 2), (3, 0.5), (4, 0.1)):
            values = {"runs": "flow_runs", "slice": NOW - 9 * DAY, "change": change, "changed": NOW - days * DAY}
            tx.run(tally_notes.insert().values(**values))

    units.write(note)
    vacuum(units, "leftovers")
    of_runs = (tally_notes.c.runs == "flow_runs", tally_notes.c.slice == NOW - 9 * DAY)
    left = units.all(select(tally_notes.c.change).where(*of_runs))
    assert {row["change"] for row in left} == {3, 4}


def test_the_heartbeats_of_a_lost_process_go(units: Units) -> None:
    """Those of one that lives stay, also of services that run once a day."""
    beats = [("dead:1", "late-runs", 2), ("alive:1", "late-runs", 0.01), ("alive:1", "daily", 1.5)]

    def beat(tx: Any) -> None:
        for process, name, days in beats:
            values = {"process": process, "name": name, "interval": 5.0, "last_started": NOW - days * DAY}
            tx.run(service_heartbeats.insert().values(**values))

    units.write(beat)
    vacuum(units, "leftovers")
    assert {row["process"] for row in units.all(select(service_heartbeats))} == {"alive:1"}


def test_heartbeats_of_runs_that_are_over_go(units: Units, rows: Rows) -> None:
    """After a day; those of a run that is under way stay, however old."""
    flow = rows.flow()
    live, over, recent = (rows.flow_run(flow, state=state) for state in ("RUNNING", "COMPLETED", "COMPLETED"))
    beats = {live: 2, over: 2, recent: 0.5, new_id(): 2}

    def beat(tx: Any) -> None:
        for run_id, days in beats.items():
            moment = NOW - days * DAY
            values = {"flow_run_id": run_id, "received": moment, "occurred": moment}
            tx.run(flow_run_heartbeats.insert().values(workspace_id=tx.workspace_id, **values))

    units.write(beat)
    vacuum(units, "leftovers")
    assert {row["flow_run_id"] for row in units.all(select(flow_run_heartbeats))} == {live, recent}


def test_the_services_do_it_by_the_settings(units: Units, rows: Rows) -> None:
    """One round of each, with the ages that are set."""
    TestEvents().event(rows, NOW - 8 * DAY)
    old = rows.flow_run(rows.flow(), state="COMPLETED", end_time=NOW - 91 * DAY)
    for service in (retention.delete_old_events, retention.delete_orphans, retention.delete_leftovers):
        units.run(service(units.runtime))
    assert ids(units, flow_runs) == {old}
    units.run(retention.delete_old_runs(units.runtime))
    assert (count(units, events), count(units, flow_runs)) == (0, 0)
