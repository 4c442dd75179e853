"""The metrics: what they tell, of what, to whom, and that they stay few."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from podium.db.ids import new_id
from podium.db.tables.concurrency import concurrency_lease_slots, concurrency_leases, concurrency_limits_v2
from podium.db.tables.deployments import deployment_schedules, deployments
from podium.db.tables.events import event_deliveries
from podium.db.tables.services import service_heartbeats
from podium.db.tables.work_pools import workers
from podium.db.unit import Tx
from podium.server.events.consumers import TASK_RUN_RECORDER
from podium.server.metrics.board import BUCKETS, CLASSES, OTHER, Board
from podium.server.metrics.exposition import Snapshot, expose
from podium.server.metrics.families import FAMILIES, PREFIX
from podium.server.queries.generic import new_row
from podium.server.queries.metrics import count_states, read_state
from tests.architecture.sources import ROOT
from tests.server.conftest import LiveServer, Units, settings_for
from tests.server.rows import Rows

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

MOST_SERIES = 5000


def samples_of(text: str) -> Samples:
    """The value of each series by its name and labels."""
    return {
        (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The value of one series; None without it."""
    return samples.get((name, frozenset(labels.items())))


def scrape(url: str, **options: Any) -> Samples:
    """What a Prometheus would store."""
    answer = httpx.get(url, timeout=20, **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return samples_of(answer.text)


def root_of(server: LiveServer) -> str:
    return server.url.removesuffix("/api")


@pytest.fixture
def told(units: Units) -> Samples:
    """What is told of a database with a bit of everything."""
    rows, now = Rows(units.write), units.database.clock()
    flow = rows.flow()
    for seconds, name in ((90, "Late"), (10, "Scheduled"), (-60, "Scheduled")):
        at = now - timedelta(seconds=seconds)
        rows.flow_run(flow, state="SCHEDULED", state_name=name, next_scheduled_start_time=at)
    rows.flow_run(flow, state="FAILED", end_time=now)
    began = {"expected_start_time": now - timedelta(seconds=50), "start_time": now - timedelta(seconds=8)}
    rows.flow_run(flow, state="RUNNING", auto_scheduled=True, **began)
    limit = rows.add(concurrency_limits_v2, name=new_id(), limit=5, anonymous_slots=1, slots_updated=now)
    lease = rows.add(concurrency_leases, expiration=now + timedelta(hours=1))
    held = {"lease_id": lease, "concurrency_limit_id": limit, "workspace_id": new_id(), "slots": 2}
    units.write(lambda tx: tx.run(concurrency_lease_slots.insert().values(held)))
    rows.add(workers, work_pool_id=rows.pool(), name="w", status="ONLINE", last_heartbeat_time=now)
    waiting = {"consumer": TASK_RUN_RECORDER.name, "event_id": new_id(), "workspace_id": new_id()}
    units.write(lambda tx: tx.run(event_deliveries.insert().values(waiting)))
    beat = {"name": "foreman", "process": "here:1", "interval": 15.0, "last_started": now, "duration": 0.5}
    stopped = {**beat, "name": "late-runs", "interval": 5.0, "last_finished": now - timedelta(minutes=1)}
    for row in ({**beat, "last_finished": now}, stopped):
        units.write(lambda tx, row=row: tx.run(service_heartbeats.insert().values(row)))
    snapshot = Snapshot(
        board=Board(("server",)),
        database=units.database.dialect,
        connections=3,
        messages=True,
        answers=True,
        state=units.read(read_state),
        counts=units.read(count_states),
        now=now,
    )
    return samples_of(expose(snapshot, "")[0].decode())


def test_they_tell_how_the_work_stands(told: Samples) -> None:
    """Runs by state, what is due and late, the lag of schedules and events, slots, workers and the loops."""
    assert value(told, "database_up") == 1
    by_state = {state: value(told, "flow_runs", state_type=state) for state in ("SCHEDULED", "RUNNING", "COMPLETED")}
    assert by_state == {"SCHEDULED": 3, "RUNNING": 1, "COMPLETED": 0}
    assert (value(told, "flow_runs_due"), value(told, "flow_runs_late")) == (2, 1)
    assert 90 <= (value(told, "oldest_late_flow_run_seconds") or 0) < 120
    assert value(told, "schedule_lag_seconds") == pytest.approx(42, abs=0.01)
    assert value(told, "event_deliveries", consumer="task-run-recorder") == 1
    assert (value(told, "concurrency_slots"), value(told, "concurrency_slots_used")) == (5, 3)
    assert (value(told, "concurrency_limits"), value(told, "concurrency_leases")) == (1, 1)
    assert (value(told, "workers", status="ONLINE"), value(told, "workers", status="OFFLINE")) == (1, 0)
    assert value(told, "service_interval_seconds", service="foreman") == 15
    assert value(told, "service_duration_seconds", service="foreman") == 0.5
    assert (value(told, "service_late", service="foreman"), value(told, "service_late", service="late-runs")) == (0, 1)


def test_they_tell_what_the_process_did(server: LiveServer, api: httpx.Client) -> None:
    """Requests by the path of their operation, states of runs, units of the database, memory and files."""
    before = scrape(f"{root_of(server)}/metrics")
    flow = api.post("/flows/", json={"name": "counted"}).json()["id"]
    run = api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "PENDING"}}).json()["id"]
    for name in ("RUNNING", "COMPLETED"):
        api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": name}, "later": 1})
    api.get(f"/flow_runs/{new_id()}")
    api.head(f"/flow_runs/{run}")
    api.get("/nothing/there")
    after = scrape(f"{root_of(server)}/metrics")

    def more(name: str, **labels: str) -> float:
        return (value(after, name, **labels) or 0.0) - (value(before, name, **labels) or 0.0)

    set_state = {"method": "POST", "path": "/flow_runs/{id}/set_state"}
    assert more("http_requests_total", **set_state, status="2xx") == 2
    assert more("http_request_duration_seconds_count", **set_state) == 2
    assert more("http_request_duration_seconds_bucket", **set_state, le="+Inf") == 2
    assert 0 < more("http_request_duration_seconds_sum", **set_state) < 20
    read = {"method": "GET", "path": "/flow_runs/{id}"}
    assert [more("http_requests_total", **read, status=status) for status in ("2xx", "4xx")] == [1, 1]
    assert more("http_requests_total", method="other", path="other", status="4xx") == 1
    assert more("flow_run_transitions_total", state_type="RUNNING") == 1
    assert more("flow_run_transitions_total", state_type="COMPLETED") == 1
    assert more("ignored_fields_total") == 2
    assert more("database_units_total", kind="writes") >= 4
    assert value(after, "database_units_in_progress") == 0
    assert (value(after, "database_connections") or 0) >= 2
    assert (value(after, "process_resident_memory_bytes", process="server") or 0) > 2**24
    assert (value(after, "process_open_fds", process="server") or 0) > 3


def test_a_scraper_may_ask_for_the_newer_format(server: LiveServer) -> None:
    """OpenMetrics, as Prometheus does by itself."""
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    answer = httpx.get(f"{root_of(server)}/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_below_the_api_they_are_where_the_setting_says_so(module_database_url: str, server: LiveServer) -> None:
    """As with the incumbent; beside the API they are unless switched off."""
    off = httpx.get(f"{server.url}/metrics")
    assert (off.status_code, off.json()) == (404, {"detail": "Not Found"})
    given = {"PODIUM_SERVER_METRICS_ENABLED": True, "PODIUM_SERVER_METRICS_AT_ROOT": False}
    with LiveServer(settings_for(module_database_url, **given), with_services=False) as live:
        assert value(scrape(f"{live.url}/metrics"), "database_up") == 1
        assert httpx.get(f"{root_of(live)}/metrics").status_code == 404


def test_they_ask_for_credentials_where_the_api_does(module_database_url: str) -> None:
    """Also with the API's CSRF protection on; and they show no secret."""
    given = {"PODIUM_SERVER_API_AUTH_STRING": "me:canary", "PODIUM_SERVER_API_CSRF_PROTECTION_ENABLED": True}
    settings = settings_for(module_database_url, PODIUM_SERVER_METRICS_ENABLED=True, **given)
    with LiveServer(settings, with_services=False) as live:
        for url in (f"{root_of(live)}/metrics", f"{live.url}/metrics"):
            assert httpx.get(url).status_code == 401
            assert httpx.get(url, auth=("me", "wrong")).status_code == 401
            answer = httpx.get(url, auth=("me", "canary"))
            assert (answer.status_code, "canary" in answer.text) == (200, False)


def test_a_path_before_all_moves_them_too(module_database_url: str) -> None:
    """The base path of the server."""
    with LiveServer(settings_for(module_database_url, PODIUM_SERVER_BASE_PATH="/podium"), with_services=False) as live:
        assert value(scrape(f"http://127.0.0.1:{live.port}/podium/metrics"), "database_up") == 1


def test_without_the_database_the_rest_is_told(tmp_path: Path) -> None:
    """And that the database is away; no error."""
    url = "postgresql://nobody@127.0.0.1:1/none"
    settings = settings_for(url, PODIUM_SERVER_REGISTER_BLOCKS_ON_START=False)
    with LiveServer(settings, with_services=False) as live:
        found = scrape(f"{root_of(live)}/metrics")
        assert httpx.get(f"{live.url}/ready").status_code == 503
        again = scrape(f"{root_of(live)}/metrics")
    assert (value(found, "database_up"), value(found, "flow_runs_due")) == (0, None)
    assert (value(again, "database_unavailable_total") or 0) > 0
    assert value(again, "http_requests_total", method="GET", path="/ready", status="5xx") == 1


@pytest.fixture
def crowded(units: Units) -> Iterator[Units]:
    """10,000 deployments, each with a schedule of its own."""

    def fill(tx: Tx) -> None:
        flow = Rows(lambda unit: unit(tx)).flow()
        made = [new_row(tx, deployments, {"flow_id": flow, "name": f"d{number}"}) for number in range(10_000)]
        plan = {"schedule": {"interval": 60}, "active": True}
        plans = [new_row(tx, deployment_schedules, {**plan, "deployment_id": row["id"]}) for row in made]
        tx.many(deployments.insert(), made)
        tx.many(deployment_schedules.insert(), plans)

    units.write(fill)
    yield units
    units.write(lambda tx: tx.run(deployments.delete()))


def test_their_number_is_bounded_whatever_there_is(crowded: Units) -> None:
    """Fewer than 5,000 with 10,000 deployments, every operation answered and refused by each of four processes."""
    board = Board(("api-1", "api-2", "api-3", "services"))
    for member in board.members:
        member.begin()
        for operation in range(OTHER + 1):
            for status in (200, 404, 503):
                member.count_request(operation, 0.1, status)
    state, counts = crowded.read(read_state), crowded.read(count_states)
    now = crowded.database.clock()
    snapshot = Snapshot(
        board=board, database="sqlite", connections=3, messages=True, answers=True, state=state, counts=counts, now=now
    )
    series = samples_of(expose(snapshot, "")[0].decode())
    assert len(series) <= MOST_SERIES
    assert sum(value for (name, _), value in series.items() if name == "http_requests_total") == 12 * (OTHER + 1)


def test_processes_count_together_and_one_that_was_replaced_is_not_lost() -> None:
    """Whichever is asked tells the sum; a new process goes on where the one before it was killed."""
    board = Board(("api-1", "api-2"))
    first, second = board.members
    first.begin()
    first.load[0] = 4.0
    first.count_request(0, 0.004, 200)
    first.count_request(0, 7.0, 500)
    first.begin()
    second.begin()
    second.count_request(0, 0.2, 200)
    buckets, seconds, statuses = board.requests(0)
    assert buckets == [1.0, *([0.0] * 4), 1.0, 0.0, 0.0, 1.0]
    assert len(buckets) == len(BUCKETS) + 1
    assert seconds == pytest.approx(7.204)
    assert statuses == dict.fromkeys(CLASSES, 0.0) | {"2xx": 2.0, "5xx": 1.0}
    assert board.load("units_in_progress") == 0


def test_each_is_in_the_documentation() -> None:
    """By name, labels and sentence, and nothing else is."""
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `podium_(\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    told = {
        (name, kind, tuple(labels.replace("`", "").split(", ")) if labels.strip() else (), says.strip())
        for name, kind, labels, says in rows
    }
    assert told == {(each.name, each.kind, each.labels, each.says) for each in FAMILIES}
    assert len({each.name for each in FAMILIES}) == len(FAMILIES)
