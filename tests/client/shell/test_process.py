"""A command's process and its children are started, heard and ended as one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from podium.client.shell.command import Command
from podium.client.shell.guard import Guard
from podium.client.shell.process import Ending, Stop, run_process

SHORT = 0.3


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()


class Ear:
    """Hears what a command writes."""

    def __init__(self) -> None:
        self.heard: dict[str, bytes] = {"stdout": b"", "stderr": b""}

    def __call__(self, stream: str, chunk: bytes) -> None:
        self.heard[stream] += chunk

    def until(self, text: bytes) -> None:
        deadline = time.monotonic() + 10
        while text not in self.heard["stdout"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def sh(script: str, **more: Any) -> Command:
    return Command(argv=("/bin/sh", "-c", script), **more)


def run(command: Command, guard: Guard, ear: Ear | None = None, stop: Stop | None = None) -> Ending:
    return run_process(command, os.environ, ear or Ear(), stop or Stop(), guard)


def gone(group: int) -> bool:
    """Whether no process of a group is left that runs."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return not [line for line in found.splitlines() if line.split()[0] == str(group) and "Z" not in line.split()[1]]


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137)])
def test_the_exit_code_is_that_of_a_shell(guard: Guard, script: str, code: int) -> None:
    """Killed by a signal is 128 and its number."""
    ending = run(sh(script), guard)
    assert (ending.exit_code, ending.stopped, ending.out_of_time) == (code, False, False)


def test_all_it_writes_is_heard(guard: Guard) -> None:
    """To both streams, to the last byte."""
    ear = Ear()
    run(sh("seq 100000; echo oh >&2; printf end"), guard, ear)
    assert ear.heard["stdout"].split() == [str(number).encode() for number in range(1, 100001)] + [b"end"]
    assert ear.heard["stderr"] == b"oh\n"


def test_out_of_time_the_whole_group_ends(guard: Guard) -> None:
    """Children that ignore the signal are killed after the grace."""
    ear = Ear()
    began = time.monotonic()
    ending = run(sh("echo $$; trap '' TERM; sleep 60 & sleep 60", timeout=SHORT, grace=SHORT), guard, ear)
    assert (ending.out_of_time, ending.code) == (True, -signal.SIGKILL)
    assert time.monotonic() - began < 5
    assert gone(int(ear.heard["stdout"]))


def test_who_is_asked_to_end_may_clean_up(guard: Guard) -> None:
    """Within its grace, with the signal that was sent."""
    ear, stop = Ear(), Stop()
    command = sh("trap 'echo clean; exit 3' INT; echo ready; sleep 60 & wait")
    threading.Thread(target=lambda: (ear.until(b"ready"), stop.ask("enough", signal.SIGINT))).start()
    ending = run(command, guard, ear, stop)
    assert (ending.stopped, ending.code, ear.heard["stdout"]) == (True, 3, b"ready\nclean\n")


def test_asked_again_it_is_killed_at_once(guard: Guard) -> None:
    """Without the rest of its grace."""
    ear, stop = Ear(), Stop()

    def ask() -> None:
        ear.until(b"ready")
        stop.ask("enough")
        stop.ask("now")

    threading.Thread(target=ask).start()
    ending = run(sh("trap '' TERM; echo ready; sleep 60", grace=60), guard, ear, stop)
    assert (ending.stopped, ending.code) == (True, -signal.SIGKILL)


def test_what_it_leaves_behind_does_not_hold_it_up(guard: Guard) -> None:
    """A daemon that keeps its output open is waited for a moment only."""
    ear = Ear()
    began = time.monotonic()
    assert run(sh("echo $$; sleep 60 &"), guard, ear).code == 0
    assert time.monotonic() - began < 10
    os.killpg(int(ear.heard["stdout"]), signal.SIGKILL)


def test_closed_streams_are_no_end(guard: Guard) -> None:
    """A command that closes its output goes on until it ends."""
    assert run(sh("exec >&- 2>&-; sleep 0.3; exit 5"), guard).code == 5


PROGRAM = """
import os, sys
from podium.client.shell.command import Command
from podium.client.shell.guard import Guard
from podium.client.shell.process import Stop, run_process
run_process(Command(argv=("/bin/sh", "-c", "echo $$; sleep 60 & sleep 60")), os.environ,
    lambda stream, chunk: print(chunk.decode(), end="", flush=True), Stop(), Guard())
"""


def test_a_killed_program_takes_its_commands_along() -> None:
    """Even where it had no time to end them."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        group = int(program.stdout.readline())
        program.kill()
    deadline = time.monotonic() + 15
    while not gone(group):
        assert time.monotonic() < deadline
        time.sleep(0.05)
