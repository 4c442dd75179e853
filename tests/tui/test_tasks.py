"""What an operator does at the dashboard, in a terminal, each in so many keys at the most from its first view on."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import backing
from tests.cli.night import TROUBLE, Night, spend
from tests.cli.processes import ServerProcess
from tests.cli.shell import until
from tests.cli.terminal import Absent, Terminal
from tests.tui.operating import operating

pytestmark = pytest.mark.slow  # a person types; `make tour` runs it

SCHEMA = {"type": "object", "properties": {"day": {"type": "string", "position": 0, "description": "The day to load."}}}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A server on which there is something to do."""
    home = tmp_path_factory.mktemp("server")
    with ServerProcess(home, backing.free_port()) as process:
        process.until_ready()
        spent = spend(f"{process.url}/api", home / ".podium" / "podium.db")
        orders = spent.api.get("/deployments/name/load-orders/nightly").json()["id"]
        spent.api.patch(f"/deployments/{orders}", json={"parameter_openapi_schema": SCHEMA}).raise_for_status()
        spent.say(
            spent.runs["training-0"], 500, *((20, f"Epoch {number} of 90: loss 0.{number}") for number in range(40))
        )
        spent.post("/variables/", {"name": "threshold", "value": 3})
        yield spent
        spent.close()


@pytest.fixture(scope="module")
def fired(night: Night) -> str:
    """The id of an automation that fired for what happened."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["shop.closed"], "threshold": 1, "within": 0}
    body = {"name": "shop is closed", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    made: str = night.post("/automations/", body)["id"]
    shop = {"prefect.resource.id": "shop.7", "prefect.resource.name": "the shop in Zürich"}
    event = {"id": str(uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": "shop.closed", "resource": shop}
    night.post("/events", [event])
    until(lambda: [each for each in _firings(night, made) if each["actions"][0]["state"] == "executed"])
    return made


def _firings(night: Night, automation: str) -> Any:
    return night.api.get(f"/automations/{automation}/firings").json()


def _terminal(folder: Path, night: Night, columns: int, rows: int) -> Terminal:
    try:
        made = Terminal(folder, columns, rows, EDITOR="sed -i s/eu-west-1/us-east-1/")
    except Absent as absent:
        pytest.skip(str(absent))
    made.run(f"podium config set PODIUM_API_URL={shlex.quote(night.url)}")
    return made


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, night: Night) -> Iterator[Terminal]:
    """A terminal of 80 columns whose profile names the server."""
    with _terminal(tmp_path_factory.mktemp("narrow"), night, 80, 24) as made:
        yield made


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, night: Night) -> Iterator[Terminal]:
    """One of 200 columns."""
    with _terminal(tmp_path_factory.mktemp("wide"), night, 200, 50) as made:
        yield made


def test_only_what_failed_or_is_late(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=1) as operator:
        operator.press("f")
        screen = operator.see("only faults", "nimble-otter", "slow-heron")
        wanted = {"state": {"name": {"any_": ["Failed", "Crashed", "Late"]}}}
        names = {run["name"] for run in night.post("/flow_runs/filter", {"flow_runs": wanted})}
        assert len(names) >= 5
        assert all(name in screen for name in names)
        assert not any(name in screen for name in night.runs.keys() - names)


def test_why_a_run_is_late(terminal: Terminal, night: Night) -> None:
    """It is under the cursor of the first view; the cause comes with the command that does away with it."""
    with operating(terminal, most=1) as operator:
        operator.see("slow-heron")
        operator.press("Enter")
        operator.see("Flow run slow-heron", "No worker of the work pool 'gpu' is online", "worker start --pool gpu")
        reasons = night.api.get(f"/flow_runs/{night.runs['slow-heron']}/explain").json()["reasons"]
        assert reasons[0]["code"] == "no_worker"


def test_last_nights_failure_and_its_log(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=10) as operator:
        operator.press("f").see("only faults", "nimble-otter")
        operator.find("nimble").see("1  only faults  /nimble")
        operator.press("l")
        operator.see("Log of nimble-otter  Failed", "OperationalError", "Finished in state Failed()")
        of_it = {"flow_run_id": {"any_": [night.runs["nimble-otter"]]}, "level": {"ge_": 40}}
        logged = night.post("/logs/filter", {"logs": of_it})
        assert TROUBLE in logged[0]["message"]


def test_everything_of_a_pool_is_paused(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=6) as operator:
        operator.go("wp").see("Work pools", "etl", "gpu")
        operator.press("p").see("Pause work pool 'etl'?", "$ podium work-pool pause etl")
        operator.press("y")
        operator.see("Paused work pool 'etl'", "paused")
        until(lambda: night.api.get("/work_pools/etl").json()["is_paused"])
    night.api.patch("/work_pools/etl", json={"is_paused": False}).raise_for_status()


def test_all_running_runs_of_a_flow_are_cancelled(wide: Terminal, night: Night) -> None:
    with operating(wide, most=27) as operator:
        operator.go("fl").see("Flows  4", "resize-images")
        operator.find("resi").see("1  /resi")
        operator.press("l").see("Flow runs of resize-images", "resizing-0")
        operator.type("/s").see("\n /state=")  # it is suggested
        operator.press("Tab").type("running").press("Enter").see("3  /state=running")
        operator.press("Space", "Space", "Space").see("3 marked")
        operator.press("c").see("Cancel 3 flow runs?", "resizing-1")
        operator.press("y")
        operator.see("Cancelled 3 flow runs")
        names = [f"resizing-{number}" for number in range(3)]

        assert {night.state(name) for name in names} == {"Cancelling"}
        operator.see("none  /state=running")
        assert night.state("training-0") == "Running"


def test_a_deployment_is_run_with_a_parameter(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=22) as operator:
        operator.go("d").see("load-orders/nightly", "Deployments")
        operator.find("load").see("1  /load")
        operator.press("R").see("day", "The day to load.")
        operator.type("2026-05-06").press("Enter").see(
            "Run load-orders/nightly", "2026-05-06", "$ podium deployment run"
        )
        operator.press("y")
        operator.see("load-orders")
        ran = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "sort": "ID_DESC"}
        found: list[Any] = []
        until(
            lambda: (
                found.extend(
                    r for r in night.post("/flow_runs/filter", ran) if r["parameters"] == {"day": "2026-05-06"}
                )
                or found
            )
        )
        assert found[0]["deployment_id"] == night.api.get("/deployments/name/load-orders/nightly").json()["id"]
        operator.see(found[0]["name"])


def test_a_schedule_is_paused(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=12) as operator:
        operator.go("d").see("load-orders/nightly")
        operator.find("load").see("1  /load")
        operator.press("s").see("Schedules of load-orders/nightly", "0 3 * * *")
        operator.press("p").see("Pause")
        operator.press("y")
        operator.see("Paused")
        schedules = night.api.get("/deployments/name/load-orders/nightly").json()["schedules"]
        assert [each["active"] for each in schedules] == [False]


def test_who_holds_the_slots_of_a_limit(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=4) as operator:
        operator.go("sl")
        screen = operator.see("warehouse", "holds training-0", "holds training-1", "2/2")
        limits = night.post("/podium/slots", {"in_use": True, "holders": 20})
        told = {each["name"]: [who["name"] for who in each["holders"]] for each in limits}
        assert told["warehouse"] == ["training-0", "training-1"]
        below = screen[screen.index("warehouse") :].split("\n")[1:3]
        assert [line.split()[:2] for line in below] == [["holds", name] for name in told["warehouse"]]


def test_a_variable_is_edited_and_the_difference_seen(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=5) as operator:
        operator.go("v").see("region", "eu-west-1")
        operator.press("e").see("Change variable region?", "-value: eu-west-1", "+value: us-east-1")
        assert night.api.get("/variables/name/region").json()["value"] == "eu-west-1"
        operator.press("y")
        operator.see("Changed value of variable 'region'")
        operator.miss("eu-west-1")
        assert night.api.get("/variables/name/region").json()["value"] == "us-east-1"


def test_the_staging_profile_is_used(terminal: Terminal, night: Night, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, backing.free_port(), "--no-services") as other:
        other.until_ready()
        httpx.post(f"{other.url}/api/flows/", json={"name": "only-in-staging"}).raise_for_status()
        terminal.run("podium profile create staging")
        terminal.run(f"podium --profile staging config set PODIUM_API_URL={other.url}/api")
        with operating(terminal, most=17) as operator:
            operator.go("ctx staging").see("staging", other.url.partition("://")[2], "● online")
            operator.go("fl")
            screen = operator.see("only-in-staging")
            assert "load-orders" not in screen


def test_the_last_firings_of_an_automation(wide: Terminal, night: Night, fired: str) -> None:
    with operating(wide, most=6) as operator:
        operator.go("au").see("shop is closed")
        operator.press("f").see("Firings of shop is closed", "shop.closed of the shop in Zürich", "do-nothing executed")
        operator.press("Enter")
        operator.see("Fired because of shop.closed of the shop in Zürich", "Actions  1")
        assert [each["actions"][0]["state"] for each in _firings(night, fired)] == ["executed"]


def test_the_log_of_a_running_flow_is_searched(terminal: Terminal, night: Night) -> None:
    with operating(terminal, most=27) as operator:
        operator.go("fr").see("Flow runs")
        operator.find("training-0").see("1  /training-0")
        operator.press("l").see("Log of training-0  Running", "Epoch 39 of 90")
        operator.find("epoch 7 ")
        operator.see("Epoch 7 of 90: loss 0.7", "reading")
        text = {"flow_run_id": {"any_": [night.runs["training-0"]]}, "text": {"query": '"epoch 7 "'}}
        assert [line["message"] for line in night.post("/logs/filter", {"logs": text})] == ["Epoch 7 of 90: loss 0.7"]
