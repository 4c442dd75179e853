"""`podium flow-run`: what people see of the runs of a server."""

import json
from typing import Any

import httpx
import pytest

from podium.cli.output import Output
from podium.db.ids import new_id
from tests.cli.conftest import Podium
from tests.server.conftest import LiveServer

STARTED = "2026-05-06T07:08:09.123456Z"


@pytest.fixture(scope="module")
def runs(server: LiveServer) -> dict[str, Any]:
    """The runs by name: of `etl` one failed and one is late, of `report` one runs."""
    with httpx.Client(base_url=server.url) as api:

        def add(flow: str, name: str, **values: Any) -> Any:
            flow_id = api.post("/flows/", json={"name": flow}).json()["id"]
            return api.post("/flow_runs/", json={"flow_id": flow_id, "name": name, **values}).json()

        failed = add("etl", "failed-run", parameters={"day": "2026-05-05"}, tags=["nightly", "eu"])
        for state in (
            {"type": "RUNNING"},
            {"type": "FAILED", "message": "it broke\n\x1b[31mbadly"},
        ):
            assert api.post(f"/flow_runs/{failed['id']}/set_state", json={"state": state}).status_code == 201
        late = add("etl", "late-run", state={"type": "SCHEDULED", "name": "Late"})
        retried = add("etl", "retried-run", state={"type": "SCHEDULED", "name": "AwaitingRetry"})
        running = add("report", "running-run", state={"type": "RUNNING"})
        lines = [
            {
                "name": "prefect.flow_runs",
                "level": level,
                "message": text,
                "timestamp": STARTED,
                "flow_run_id": failed["id"],
            }
            for level, text in ((20, "begin"), (40, "two\nlines"), (25, "custom level"))
        ]
        assert api.post("/logs/", json=lines).status_code == 201
        many = [
            {"name": "x", "level": 20, "message": f"line {number}", "timestamp": STARTED, "flow_run_id": running["id"]}
            for number in range(450)
        ]
        assert api.post("/logs/", json=many).status_code == 201
    return {run["name"]: run for run in (failed, late, retried, running)}


@pytest.fixture
def flow_run(podium: Podium, server: LiveServer, runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Podium:
    """`podium flow-run …` against that server."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)

    def flow_run(*arguments: str) -> Any:
        return podium("flow-run", *arguments)

    return flow_run


def names(result: Any) -> set[str]:
    return {run["name"] for run in json.loads(result.out)}


def test_ls(flow_run: Podium, runs: dict[str, Any]) -> None:
    """A line for each run: id, flow, name, state, times."""
    result = flow_run("ls")
    assert result.code == 0
    heading, *lines = result.out.splitlines()
    assert heading.split() == ["ID", "FLOW", "NAME", "STATE", "STARTED", "DURATION"]
    shown = {line.split()[2]: line.split()[:4] for line in lines}
    assert shown["failed-run"] == [runs["failed-run"]["id"], "etl", "failed-run", "Failed"]
    assert shown["running-run"] == [runs["running-run"]["id"], "report", "running-run", "Running"]
    assert len(lines) == 4


def test_ls_at_80_columns(
    flow_run: Podium, server: LiveServer, runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are whole, and stand in place of the ids unless two are the same."""
    monkeypatch.setattr(Output, "is_terminal", True)
    monkeypatch.setattr(Output, "width", 80)
    heading, *lines = flow_run("ls").out.replace("\x1b[1m", "").splitlines()
    assert heading.split()[:3] == ["FLOW", "NAME", "STATE"]
    assert {line.split()[1] for line in lines} == runs.keys()
    with httpx.Client(base_url=server.url) as api:
        body = {"flow_id": runs["failed-run"]["flow_id"], "name": "failed-run"}
        twin = api.post("/flow_runs/", json=body).json()["id"]
        found = flow_run("ls").out
        assert api.delete(f"/flow_runs/{twin}").status_code == 204
    assert twin in found
    assert runs["failed-run"]["id"] in found


def test_ls_selects(flow_run: Podium) -> None:
    """By flow, by the name of a state however it is typed, and no more than wanted."""
    assert names(flow_run("ls", "--flow", "report", "-o", "json")) == {"running-run"}
    assert names(flow_run("ls", "--state", "failed", "-o", "json")) == {"failed-run"}
    assert names(flow_run("ls", "--state", "RUNNING", "--state", "Late", "-o", "json")) == {"running-run", "late-run"}
    assert names(flow_run("ls", "--state", "awaitingretry", "-o", "json")) == {"retried-run"}
    assert len(names(flow_run("ls", "--limit", "2", "-o", "json"))) == 2
    assert json.loads(flow_run("ls", "--flow", "nobody", "-o", "json").out) == []


@pytest.mark.parametrize("by", ["id", "name"])
def test_inspect(flow_run: Podium, runs: dict[str, Any], by: str) -> None:
    """A run by its id or name, with what it was called with and the history of its states."""
    result = flow_run("inspect", runs["failed-run"][by])
    assert result.code == 0
    shown = dict(line.split(maxsplit=1) for line in result.out.split("\n\n")[0].splitlines() if ":" in line)
    assert shown["flow:"] == "etl"
    assert shown["state:"] == "Failed"
    assert shown["tags:"] == "nightly, eu"
    assert json.loads(shown["parameters:"]) == {"day": "2026-05-05"}
    assert "\x1b" not in result.out
    history = [line.split()[2] for line in result.out.rpartition("TIME")[2].splitlines()[1:] if line.startswith("20")]
    assert history[-2:] == ["Running", "Failed"]


def test_inspect_as_json(flow_run: Podium, runs: dict[str, Any]) -> None:
    """Everything the server tells of it; several are a list."""
    shown = json.loads(flow_run("inspect", "failed-run", "-o", "json").out)
    assert shown["id"] == runs["failed-run"]["id"]
    two = json.loads(flow_run("inspect", "failed-run", "late-run", "-o", "json").out)
    assert [each["name"] for each in two] == ["failed-run", "late-run"]
    assert [state["type"] for state in shown["states"]][-2:] == ["RUNNING", "FAILED"]


def test_logs(flow_run: Podium, runs: dict[str, Any]) -> None:
    """Line by line in their order: time, level, logger, message."""
    result = flow_run("logs", "failed-run")
    assert result.code == 0
    assert result.out == (
        "2026-05-06 07:08:09 INFO     prefect.flow_runs: begin\n"
        "2026-05-06 07:08:09 ERROR    prefect.flow_runs: two\nlines\n"
        "2026-05-06 07:08:09 25       prefect.flow_runs: custom level\n"
    )


def test_logs_beyond_a_page(flow_run: Podium) -> None:
    """All of them, or as many as wanted, in order."""
    lines = flow_run("logs", "running-run").out.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [f"line {number}" for number in range(450)]
    assert len(flow_run("logs", "running-run", "--limit", "3").out.splitlines()) == 3
    assert len(json.loads(flow_run("logs", "running-run", "-o", "json").out)) == 450


@pytest.mark.parametrize("command", ["inspect", "logs"])
def test_a_run_that_is_not_there(flow_run: Podium, command: str) -> None:
    """One line and the exit code for it, by name and by id."""
    for wanted in ("nobody", new_id()):
        result = flow_run(command, wanted)
        assert (result.code, result.out) == (3, "")
        assert result.err.startswith("Error: ")
        assert result.err.count("\n") == 1


def test_no_server(podium: Podium, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names the URL and the fix."""
    monkeypatch.setenv("PODIUM_API_URL", f"http://127.0.0.1:{free_port}/api")
    result = podium("flow-run", "ls")
    assert (result.code, result.out) == (1, "")
    assert f"no server answers at http://127.0.0.1:{free_port}/api" in result.err
    assert result.err.count("\n") == 1
