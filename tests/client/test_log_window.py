"""The part of a log that a screen holds: no line twice, none missing, and never too many."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from podium.client import log_window
from podium.client.api import Client
from podium.client.errors import Unreachable
from podium.client.log_window import FIRST, MORE, MOST, LogWindow, every_line
from tests.server.conftest import LiveServer

START = datetime(2026, 5, 6, 12, tzinfo=UTC)


class Log:
    """The log of a run, which a test writes."""

    def __init__(self, api: httpx.Client) -> None:
        flow = api.post("/flows/", json={"name": "logged"}).json()["id"]
        self.run = api.post("/flow_runs/", json={"flow_id": flow}).json()["id"]
        self.wanted: dict[str, Any] = {"flow_run_id": {"any_": [self.run]}}
        self.said = 0
        self._api = api

    def say(self, count: int, at: float | None = None, level: int = 20) -> None:
        """Writes numbered lines a second apart, or all at a moment."""
        lines = []
        for _ in range(count):
            moment = START + timedelta(seconds=self.said if at is None else at)
            line = {"name": "x", "level": level, "message": f"line {self.said}", "timestamp": moment.isoformat()}
            lines.append({**line, "flow_run_id": self.run})
            self.said += 1
        for first in range(0, len(lines), 500):
            assert self._api.post("/logs/", json=lines[first : first + 500]).status_code == 201


@pytest.fixture(scope="module")
def client(server: LiveServer) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def log(api: httpx.Client) -> Log:
    return Log(api)


def numbers(window: LogWindow) -> list[int]:
    """The numbers of the lines that are held."""
    return [int(line.message.removeprefix("line ")) for line in window.lines]


def test_a_log_is_followed_from_its_first_line(client: Client, log: Log) -> None:
    window = LogWindow(log.wanted)
    window.poll(client)
    assert window.lines == []
    log.say(3)
    window.poll(client)
    log.say(2)
    window.poll(client)
    window.poll(client)
    assert numbers(window) == [0, 1, 2, 3, 4]
    assert not window.has_older


def test_late_lines_stand_in_their_place(client: Client, log: Log) -> None:
    window = LogWindow(log.wanted)
    log.say(10)
    window.poll(client)
    log.say(2, at=4.5)
    window.poll(client)
    assert numbers(window) == [0, 1, 2, 3, 4, 10, 11, 5, 6, 7, 8, 9]


def test_a_long_log_is_read_from_its_end_to_its_start_and_back(client: Client, log: Log) -> None:
    log.say(7_000)
    window = LogWindow(log.wanted)
    window.poll(client)
    assert numbers(window) == list(range(7_000 - FIRST, 7_000))
    while window.has_older:
        first = numbers(window)[0]
        window.older(client)
        held = numbers(window)
        assert held[0] == max(0, first - MORE)
        assert held == list(range(held[0], held[0] + len(held)))
        assert len(held) <= MOST
    assert window.has_newer
    while window.has_newer:
        last = numbers(window)[-1]
        window.newer(client)
        held = numbers(window)
        assert last in held
        assert held[-1] == min(6_999, last + MORE)
        assert held == list(range(held[0], held[-1] + 1))
        assert len(held) <= MOST
    log.say(3)
    window.poll(client)  # it follows again
    assert numbers(window)[-4:] == [6_999, 7_000, 7_001, 7_002]
    window.to_start(client)
    assert numbers(window)[0] == 0
    assert window.has_newer
    assert not window.has_older
    window.to_end(client)
    assert numbers(window)[-1] == 7_002


def test_lines_at_the_start_go_while_it_follows_and_stay_while_somebody_reads(
    client: Client, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_window, "MOST", 50)
    window = LogWindow(log.wanted)
    log.say(40)
    window.poll(client)
    log.say(40)
    window.poll(client)
    assert numbers(window) == list(range(30, 80))
    assert window.has_older
    log.say(10)
    window.poll(client, following=False)
    assert numbers(window) == list(range(30, 80))
    assert window.has_newer
    window.poll(client)
    assert numbers(window) == list(range(30, 80))  # what is not at the end does not grow
    window.newer(client)
    assert numbers(window) == list(range(40, 90))


def test_many_lines_of_one_moment(client: Client, log: Log) -> None:
    log.say(1_500, at=7)
    window = LogWindow(log.wanted)
    window.poll(client)
    while window.has_older:
        window.older(client)
    log.say(300, at=7)
    window.poll(client)
    assert numbers(window) == list(range(1_800))


def test_a_text_is_found_beyond_what_is_held(client: Client, log: Log) -> None:
    log.say(3_000)
    window = LogWindow(log.wanted)
    window.poll(client)
    found = window.search(client, "LINE 1234", newer=False)
    held = numbers(window)
    assert next(line.message for line in window.lines if line.id == found) == "line 1234"
    assert held == list(range(held[0], held[-1] + 1))
    assert (held[0], held[-1]) == (1234 - MORE, 1234 + MORE)
    assert window.search(client, "line 2999", newer=True) is not None
    assert not window.has_newer
    assert window.search(client, "line 2999", newer=True) is None
    assert window.search(client, 'no "such\\ line', newer=False) is None
    assert 2_999 in numbers(window)


def test_only_levels_that_are_wanted(client: Client, log: Log) -> None:
    log.say(3)
    log.say(1, level=40)
    log.say(3)
    window = LogWindow({**log.wanted, "level": {"ge_": 30}})
    window.poll(client)
    assert numbers(window) == [3]


def test_a_server_that_goes_away_half_way_loses_nothing_and_repeats_nothing(
    client: Client, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = LogWindow(log.wanted)
    window.poll(client)
    log.say(1_000)
    usual, calls = client.call, 0

    def flaky(*args: Any, **given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise Unreachable("gone")
        return usual(*args, **given)

    monkeypatch.setattr(client, "call", flaky)
    failures = 0
    while len(window.lines) < 1_000:
        try:
            window.poll(client)
        except Unreachable:
            failures += 1
    assert failures
    assert numbers(window) == list(range(1_000))


def test_every_line_is_read_once_while_others_come(client: Client, log: Log) -> None:
    log.say(450)
    read = []
    for number, line in enumerate(every_line(client, log.wanted)):
        if number in (10, 300):
            log.say(50)
        read.append(line.message)
    assert read == [f"line {number}" for number in range(550)]
