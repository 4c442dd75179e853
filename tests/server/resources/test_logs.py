"""Logs over HTTP."""

import csv
import io
import time
from typing import Any

import httpx
import pytest

from podium.db.ids import new_id
from podium.db.unit import Row, Tx
from podium.server.resources import logs
from podium.server.resources.logs import PIECE
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


def _run(api: httpx.Client) -> str:
    flow = api.post("/flows/", json={"name": "logged"}).json()["id"]
    run_id: str = api.post("/flow_runs/", json={"flow_id": flow}).json()["id"]
    return run_id


def _download(api: httpx.Client, run: str, **headers: str) -> list[list[str]]:
    answer = api.get(f"/flow_runs/{run}/logs/download", headers=headers)
    assert answer.status_code == 200, answer.text
    assert "Content-Length" not in answer.headers, "it is sent while it is read"
    return list(csv.reader(io.StringIO(answer.text, newline="")))


def test_a_long_log_is_downloaded_in_pieces(api: httpx.Client) -> None:
    """Every line once and in order, also where many are of one moment; packed for who asks for that."""
    run = _run(api)
    sent = [f"line {number}\nof two" for number in range(2 * PIECE + 1)]
    early = PIECE - 1  # the first piece ends amid the lines of one moment
    lines = [_line(each, 1 if number < early else 2, flow_run_id=run) for number, each in enumerate(sent)]
    assert api.post("/logs/", json=lines).status_code == 201
    assert api.post("/logs/", json=[_line("of another", flow_run_id=new_id())]).status_code == 201
    plain = _download(api, run, **{"Accept-Encoding": "identity"})
    assert [line[4] for line in plain[1:]] == sent
    packed = api.get(f"/flow_runs/{run}/logs/download", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert list(csv.reader(io.StringIO(packed.text, newline=""))) == plain
    assert api.head(f"/flow_runs/{run}/logs/download").status_code == 200


def test_a_log_that_ends_with_a_piece(api: httpx.Client) -> None:
    """No line is missing or twice, and an empty log has its header."""
    full, empty = _run(api), _run(api)
    api.post("/logs/", json=[_line(str(number), flow_run_id=full) for number in range(PIECE)])
    assert [line[4] for line in _download(api, full)[1:]] == [str(number) for number in range(PIECE)]
    assert _download(api, empty) == [["timestamp", "level", "flow_run_id", "task_run_id", "message"]]


def test_a_download_that_nobody_waits_for_ends(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hangs up in the middle costs no more than the pieces on the way."""
    run, read = _run(api), []

    def noted(tx: Tx, run_id: str, after: Row | None) -> tuple[bytes, Row | None]:
        read.append(after)
        return bytes(1 << 20), {"id": run_id, "timestamp": tx.now}

    monkeypatch.setattr(logs, "_piece", noted)
    with api.stream("GET", f"/flow_runs/{run}/logs/download", headers={"Accept-Encoding": "identity"}) as answer:
        next(answer.iter_raw())
    time.sleep(1)
    before = len(read)
    time.sleep(0.5)
    assert len(read) == before
