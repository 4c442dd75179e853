"""Logs over HTTP."""

from typing import Any

import httpx

from podium.db.ids import new_id
from podium.wire.logs import Log
from tests.server.conftest import decode
from tests.server.rows import at


def _line(message: str, seconds: float = 0, **values: Any) -> dict[str, Any]:
    return {
        "name": "prefect.flow_runs",
        "level": 20,
        "message": message,
        "timestamp": at(seconds).isoformat(),
        **values,
    }


def _messages(api: httpx.Client, **body: Any) -> list[str]:
    answer = api.post("/logs/filter", json=body)
    assert answer.status_code == 200, answer.text
    return [line["message"] for line in answer.json()]


def test_lines_are_kept_as_they_were_sent(api: httpx.Client) -> None:
    """The answer is null; what is kept has an id, and runs need not be known."""
    run, task = new_id(), new_id()
    answer = api.post(
        "/logs/", json=[_line('tab\t, quote " and \\N ü', 1, level=35, flow_run_id=run, task_run_id=task)]
    )
    assert (answer.status_code, answer.json()) == (201, None)
    [line] = decode(api.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [run]}}}), list[Log])
    assert (line.message, line.level, line.timestamp) == ('tab\t, quote " and \\N ü', 35, at(1))
    assert (line.flow_run_id, line.task_run_id, line.created) == (run, task, line.updated)


def test_lines_of_one_moment_keep_their_order(api: httpx.Client) -> None:
    """A batch is read back as it was written, and backwards in the other order."""
    run = new_id()
    sent = [f"line {number}" for number in range(150)]
    assert api.post("/logs/", json=[_line(message, flow_run_id=run) for message in sent]).status_code == 201
    mine = {"logs": {"flow_run_id": {"any_": [run]}}}
    assert _messages(api, **mine) == sent
    assert _messages(api, **mine, sort="TIMESTAMP_DESC", limit=2) == ["line 149", "line 148"]
    assert _messages(api, **mine, offset=148) == ["line 148", "line 149"]


def test_lines_are_filtered(api: httpx.Client) -> None:
    """By level, time, run, task run and words."""
    run, task = new_id(), new_id()
    lines = [
        _line("started", 1, level=10, flow_run_id=run),
        _line("Connection timeout", 2, level=40, flow_run_id=run, name="client"),
        _line("done", 3, level=20, flow_run_id=run, task_run_id=task),
    ]
    api.post("/logs/", json=lines)

    def found(**more: Any) -> list[str]:
        return _messages(api, logs={"flow_run_id": {"any_": [run]}, **more})

    assert found(level={"ge_": 20}) == ["Connection timeout", "done"]
    assert found(level={"ge_": 20, "le_": 30}) == ["done"]
    assert found(timestamp={"after_": at(2).isoformat()}) == ["Connection timeout", "done"]
    assert found(timestamp={"before_": at(1).isoformat()}) == ["started"]
    assert found(task_run_id={"any_": [task]}) == ["done"]
    assert found(task_run_id={"is_null_": True}) == ["started", "Connection timeout"]
    assert found(text={"query": "TIMEOUT done -started"}) == ["Connection timeout", "done"]
    assert found(text={"query": "client"}) == ["Connection timeout"]
    assert found(text={"query": "  "}) == ["started", "Connection timeout", "done"]


def test_what_is_not_a_list_of_lines_is_refused(api: httpx.Client) -> None:
    """The place of the wrong line is in the answer, and none is kept."""
    run = new_id()
    answer = api.post("/logs/", json=[_line("good", flow_run_id=run), {"message": "no level"}])
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["loc"][:2] == ["body", 1]
    assert _messages(api, logs={"flow_run_id": {"any_": [run]}}) == []
    assert api.post("/logs/", json={}).status_code == 422
    assert api.post("/logs/", json=[]).status_code == 201
    assert api.post("/logs/filter", json={"limit": 201}).json()["detail"].startswith("Invalid limit")
    assert api.post("/logs/filter", json={"logs": {"text": {"query": "x" * 201}}}).status_code == 422


def test_a_character_the_database_cannot_store_is_left_out(api: httpx.Client) -> None:
    """The other lines of the batch are kept."""
    run = new_id()
    answer = api.post("/logs/", json=[_line("a\0b", flow_run_id=run), _line("next", flow_run_id=run)])
    assert answer.status_code == 201
    assert _messages(api, logs={"flow_run_id": {"any_": [run]}}) == ["ab", "next"]
