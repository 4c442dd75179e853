"""Who holds which slot: limits of all kinds, their holders, and who waits."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from podium.client.api import Client
from podium.client.errors import NotFound
from podium.tui.screens.slots import bar
from podium.wire.endpoint import Endpoint
from tests.server.conftest import LiveServer
from tests.tui.stage import staged

LONG = "a-limit-with-a-name-that-nobody-can-read-at-once-所有名字都很长-and-goes-on"


@pytest.fixture(scope="module")
def api(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, follow_redirects=True) as client:
        yield client


def post(api: httpx.Client, path: str, body: Any) -> Any:
    answer = api.post(path, json=body)
    assert answer.status_code < 300, (path, answer.text)
    return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def taken(server: LiveServer, api: httpx.Client) -> LiveServer:
    """A full global limit, a full tag with a task run that waits, a deployment and a pool."""
    flow = post(api, "/flows/", {"name": "etl"})["id"]
    run = post(api, "/flow_runs/", {"flow_id": flow, "name": "calm-otter", "state": {"type": "RUNNING"}})["id"]
    for name, limit in (("database", 2), (LONG, 9), ("unused", 1)):
        post(api, "/v2/concurrency_limits/", {"name": name, "limit": limit})
    lease = {"slots": 1, "lease_duration": 3600, "holder": {"type": "flow_run", "id": run}}
    post(api, "/v2/concurrency_limits/increment-with-lease", {"names": ["database", LONG], **lease})
    post(api, "/v2/concurrency_limits/increment", {"names": ["database"], "slots": 1})
    post(api, "/concurrency_limits/", {"tag": "gpu", "concurrency_limit": 1})
    for number in range(2):
        task = {"flow_run_id": run, "task_key": "train", "dynamic_key": str(number), "name": f"train-{number}"}
        made = post(api, "/task_runs/", {**task, "tags": ["gpu"], "state": {"type": "PENDING"}})
        post(api, f"/task_runs/{made['id']}/set_state", {"state": {"type": "RUNNING"}})
    post(api, "/work_pools/", {"name": "k8s", "type": "process", "concurrency_limit": 4})
    prod = {"name": "prod", "flow_id": flow, "work_pool_name": "k8s", "concurrency_limit": 1}
    deployment = post(api, "/deployments/", prod)["id"]
    for name in ("first", "second"):
        made = post(api, f"/deployments/{deployment}/create_flow_run", {"name": name})
        post(api, f"/flow_runs/{made['id']}/set_state", {"state": {"type": "PENDING"}})
    return server


async def test_limits_are_seen_with_holders_and_those_who_wait(taken: LiveServer) -> None:
    """The fullest first; names of runs, their state and age; nobody's slots say so."""
    async with staged(taken.url, "slots", (80, 24)) as stage:
        screen = await stage.see("5 in use", "3 full", "2 wait")
        lines = [line.split() for line in screen.split("\n")]
        assert [line[-1] for line in lines if "██████████" in line] == ["full", "full", "full"]
        for text in (
            "holds first",
            "waits second",
            "Awaiting slot",
            "holds train-0",
            "waits train-1",
            "holds calm-otter",
        ):
            assert text in screen
        assert "holds nobody knows who" in screen
        assert "unused" not in screen
        await stage.press("a")
        await stage.see("unused", "░░░░░░░░░░ 0/1", "limits")


async def test_wide_screens_tell_all(taken: LiveServer) -> None:
    async with staged(taken.url, "slots", (200, 60)) as stage:
        await stage.see(LONG, "█░░░░░░░░░ 1/9", "EXPIRES", "in 59m", "k8s", "taken without a lease")


async def test_a_filter_is_by_kind_and_by_any_name(taken: LiveServer) -> None:
    async with staged(taken.url, "slots") as stage:
        await stage.see("holds first")
        await stage.press("/", "kind=tag", "enter")
        await stage.see("gpu", "1 in use")
        await stage.miss("holds first")
        await stage.press("escape")
        await stage.see("holds first")
        await stage.press("/", "calm", "enter")
        await stage.see("database", "2 in use")
        await stage.miss("gpu")
        await stage.press("/", *["backspace"] * 4, "colour=red", "enter")
        await stage.see("have no filter 'colour'; there are kind, name")


@pytest.mark.parametrize(
    ("filter_text", "downs", "heading"),
    [
        ("name=database", 0, "Global concurrency limit database"),
        ("name=database", 1, "Flow run calm-otter"),
        ("kind=tag", 0, "Concurrency limit gpu"),
        ("kind=tag", 1, "Task run train-0"),
        ("kind=tag", 2, "Task run train-1"),
        ("kind=deployment", 0, "Deployment etl/prod"),
        ("kind=pool", 0, "Work pool k8s"),
        ("kind=pool", 1, "Flow run first"),
    ],
)
async def test_enter_opens_limits_holders_and_those_who_wait(
    taken: LiveServer, filter_text: str, downs: int, heading: str
) -> None:
    async with staged(taken.url, f"slots {filter_text}", (120, 30)) as stage:
        await stage.see("in use")
        await stage.press(*["down"] * downs, "d")
        await stage.see(heading)
        await stage.press("escape")
        await stage.see("Slots")


async def test_what_nobody_knows_is_not_opened(taken: LiveServer) -> None:
    async with staged(taken.url, "slots name=database", (120, 30)) as stage:
        await stage.see("holds nobody knows who")
        await stage.press("down", "down", "enter")
        await stage.see("Nobody knows who that is")


async def test_details_of_a_limit_name_its_holders(taken: LiveServer) -> None:
    async with staged(taken.url, "gcl name=database", (120, 30)) as stage:
        await stage.see("database")
        await stage.press("d")
        await stage.see("Holders", "calm-otter", "Running")


async def test_a_holder_is_cancelled_and_a_limit_switched_off(taken: LiveServer, api: httpx.Client) -> None:
    """Acts are those of the thing under the cursor; others say that there is nothing to do."""
    flow = post(api, "/flows/", {"name": "etl"})["id"]
    run = post(api, "/flow_runs/", {"flow_id": flow, "name": "doomed", "state": {"type": "SCHEDULED"}})["id"]
    post(api, "/v2/concurrency_limits/", {"name": "acts", "limit": 1})
    lease = {"names": ["acts"], "slots": 1, "holder": {"type": "flow_run", "id": run}}
    post(api, "/v2/concurrency_limits/increment-with-lease", lease)
    async with staged(taken.url, "slots name=acts", (120, 30)) as stage:
        await stage.see("holds doomed")
        await stage.press("c")
        await stage.see("'acts' has nothing to", "cancel")
        await stage.press("down", "c")
        await stage.see("Cancel flow run 'doomed'?", f"$ podium flow-run cancel {run}")
        await stage.press("y")
        await stage.see("Cancelled flow run 'doomed'")
        await stage.press("up", "p")
        await stage.see("Disable global concurrency limit 'acts'?", "$ podium global-concurrency-limit disable acts")
        await stage.press("y")
        await stage.see("off")


async def test_read_only_changes_nothing(taken: LiveServer) -> None:
    async with staged(taken.url, "slots name=database", read_only=True) as stage:
        await stage.see("database", "read-only")
        await stage.press("p")
        await stage.see("started read-only")
        assert not stage.app.screen.is_modal


async def test_slots_that_are_taken_are_seen_at_once(taken: LiveServer, api: httpx.Client) -> None:
    """By the events of runs and limits."""
    flow = post(api, "/flows/", {"name": "etl"})["id"]
    post(api, "/v2/concurrency_limits/", {"name": "live", "limit": 1})
    async with staged(taken.url, "slots name=live", (120, 30)) as stage:
        await stage.see("0 in use")
        run = post(api, "/flow_runs/", {"flow_id": flow, "name": "just-now", "state": {"type": "RUNNING"}})["id"]
        lease = {"names": ["live"], "slots": 1, "holder": {"type": "flow_run", "id": run}}
        post(api, "/v2/concurrency_limits/increment-with-lease", lease)
        for _ in range(300):
            if stage.app.view is not None and stage.app.view._listening and stage.app.view._listening.is_live:
                break
            await stage.pilot.pause(0.05)
        post(api, f"/flow_runs/{run}/set_state", {"state": {"type": "COMPLETED"}, "force": True})
        await stage.see("holds just-now", seconds=10)


async def test_a_server_that_does_not_tell_says_so(taken: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    call = Client.call

    def other(self: Client, endpoint: Endpoint, *args: Any, **values: Any) -> Any:
        if endpoint.path == "/podium/slots":
            raise NotFound(404, "Not Found")
        return call(self, endpoint, *args, **values)

    monkeypatch.setattr(Client, "call", other)
    async with staged(taken.url, "slots", (120, 30)) as stage:
        await stage.see("does not tell who holds slots")


@pytest.mark.parametrize(
    ("used", "limit", "blocks"),
    [(0, 10, 0), (1, 1000, 1), (5, 10, 5), (999, 1000, 9), (10, 10, 10), (12, 10, 10), (0, 0, 10)],
)
def test_bars(used: int, limit: int, blocks: int) -> None:
    """What is taken at all is seen, and what is free at all."""
    assert bar(used, limit) == "█" * blocks + "░" * (10 - blocks)
