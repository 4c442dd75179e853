"""/logs/out: new log lines for those who listen, unless it is switched off."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from podium.db.ids import new_id
from tests.server.conftest import LiveServer, settings_for
from tests.server.sockets.client import Peer


@pytest.fixture(scope="module")
def server(sqlite_copy: str) -> Iterator[LiveServer]:
    with LiveServer(settings_for(sqlite_copy), with_services=False) as live:
        yield live


def line(message: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "podium",
        "level": 20,
        "message": message,
        "timestamp": "2026-05-06T12:00:00Z",
        **fields,
    }


@pytest.fixture
def run(api: httpx.Client) -> str:
    flow = api.post("/flows/", json={"name": f"flow-{new_id()}"}).json()
    run_id: str = api.post("/flow_runs/", json={"flow_id": flow["id"]}).json()["id"]
    return run_id


def subscribe(server: LiveServer, wanted: dict[str, Any]) -> Peer:
    peer = Peer(server, "/logs/out").admitted()
    peer.send(type="filter", filter=wanted)
    peer.settle()
    return peer


def test_new_lines_of_a_run_are_streamed(server: LiveServer, api: httpx.Client, run: str) -> None:
    """Each with an id, none of another run."""
    with subscribe(server, {"flow_run_id": {"any_": [run]}}) as peer:
        lines = [line("one", flow_run_id=run), line("other"), line("two", flow_run_id=run)]
        assert api.post("/logs/", json=lines).status_code == 201
        first = peer.receive()
        assert first["type"] == "log"
        assert first["log"].pop("id")
        assert first["log"] == {**lines[0], "task_run_id": None, "created": None, "updated": None}
        assert peer.receive()["log"]["message"] == "two"
        assert peer.silence()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"level": {"ge_": 30}}, ["warning"]),
        ({"level": {"le_": 20}}, ["early", "info"]),
        ({"task_run_id": {"is_null_": False}}, ["early"]),
        ({"task_run_id": {"is_null_": True}}, ["info", "warning"]),
        ({"timestamp": {"before_": "2026-05-06T11:00:00Z"}}, ["early"]),
        ({"timestamp": {"after_": "2026-05-06T11:00:00Z"}, "level": {"ge_": 30}}, ["warning"]),
    ],
)
def test_a_filter_selects_lines(
    server: LiveServer, api: httpx.Client, run: str, wanted: dict[str, Any], expected: list[str]
) -> None:
    """All parts must hold."""
    early = line("early", timestamp="2026-05-06T10:00:00Z", task_run_id=new_id())
    with subscribe(server, wanted) as peer:
        api.post("/logs/", json=[early, line("info"), line("warning", level=30)]).raise_for_status()
        assert [peer.receive()["log"]["message"] for _ in expected] == expected
        assert peer.silence()


@pytest.mark.parametrize("switch", ["OUT", "PUBLISHING"])
def test_streaming_can_be_switched_off(sqlite_copy: str, switch: str) -> None:
    """The socket opens, takes its filter and stays silent; the lines are stored."""
    settings = settings_for(sqlite_copy, **{f"PODIUM_SERVER_LOGS_STREAM_{switch}_ENABLED": "false"})
    with LiveServer(settings, with_services=False) as live, subscribe(live, {}) as peer:
        assert httpx.post(f"{live.url}/logs/", json=[line("unheard")]).status_code == 201
        assert peer.silence()
        assert "unheard" in [each["message"] for each in httpx.post(f"{live.url}/logs/filter", json={}).json()]
