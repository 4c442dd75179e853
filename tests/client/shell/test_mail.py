"""Lines reach the server each once and in order, whatever it does in between."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from podium.client.errors import ClientError, Invalid, Unreachable
from podium.client.shell import mail
from podium.client.shell.lines import Line, Lines
from podium.client.shell.mail import Mail
from podium.wire import events, logs

RUN = "01a22061-abf3-7f25-af32-21080b3a9955"


class Server:
    """Keeps lines, or is away in the ways it is told; ``answers`` are errors for the next calls, None for none."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.beats = 0
        self.away: ClientError | None = None
        self.stores_and_fails = 0
        self.refuses = ""
        self.back = threading.Event()

    def call(self, endpoint: Any, body: Any, **path: Any) -> Any:
        if self.away is not None:
            raise self.away
        if endpoint is events.CREATE:
            self.beats += 1
        elif endpoint is logs.FILTER:
            moment = body["logs"]["timestamp"]["after_"]
            return [line for line in self.kept if line["timestamp"] == moment]
        elif endpoint is logs.CREATE:
            if self.refuses and any(self.refuses in line["message"] for line in body):
                raise Invalid(422, "no such line")
            self.kept += body
            if self.stores_and_fails:
                self.stores_and_fails -= 1
                raise Unreachable("cut off")
        return None

    @property
    def texts(self) -> list[str]:
        return [line["message"] for line in self.kept]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def letters(server: Server) -> Iterator[Mail]:
    heartbeat = {"event": "prefect.flow-run.heartbeat", "resource": {"prefect.resource.id": f"prefect.flow-run.{RUN}"}}
    made = Mail(server, RUN, heartbeat, lambda text: None, 0.05)  # type: ignore[arg-type]
    yield made
    made.close()


def numbered(count: int) -> list[Line]:
    return Lines().feed("stdout", b"".join(b"%d\n" % number for number in range(count)))


def test_all_lines_arrive_in_order(server: Server, letters: Mail) -> None:
    """Also those of more than one batch."""
    letters.put(numbered(2000))
    assert letters.drain(10) == 0
    assert server.texts == [str(number) for number in range(2000)]


def test_an_answer_that_is_lost_repeats_no_line(server: Server, letters: Mail) -> None:
    """A server that stored a batch and could not say so is asked what it has."""
    server.stores_and_fails = 2
    letters.put(numbered(1200))
    assert letters.drain(10) == 0
    assert server.texts == [str(number) for number in range(1200)]


def test_lines_wait_for_a_server_that_is_away(server: Server, letters: Mail) -> None:
    """And who does not want to wait is told how many are left."""
    server.away = Unreachable("nobody")
    letters.put(numbered(10))
    assert letters.drain(0.4) == 10
    assert letters.drain(60, lambda: False) == 10
    server.away = None
    assert letters.drain(10) == 0
    assert len(server.texts) == 10


def test_a_line_that_is_refused_holds_up_no_other(server: Server, letters: Mail) -> None:
    """It alone is dropped, and counted."""
    server.refuses = "77"
    letters.put(numbered(100))
    assert letters.drain(10) == 0
    assert (letters.dropped, server.texts) == (1, [str(number) for number in range(100) if number != 77])


def test_there_is_an_end_to_what_is_kept(server: Server, letters: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command never waits for a server that is away; what is too much is dropped and counted."""
    server.away = Unreachable("nobody")
    letters.put(numbered(1))
    assert letters.drain(0.2) == 1
    monkeypatch.setattr(mail, "MOST", 1000)
    letters.put(numbered(100))
    server.away = None
    assert letters.drain(10) == 0
    assert len(server.texts) + letters.dropped == 101
    assert letters.dropped > 80


def test_signs_of_life_go_on(server: Server, letters: Mail) -> None:
    """From when they are wanted, without any lines."""
    assert server.beats == 0
    letters.beat()
    for _ in range(200):
        if server.beats >= 3:
            break
        threading.Event().wait(0.02)
    assert server.beats >= 3
