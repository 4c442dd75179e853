"""`python -m bench.dashboard [paint keys idle feed]`: what the dashboard costs, against the targets.

Its server is that of `--url`, or one of its own with 100,000 flow runs, which takes a minute or two to fill. It is
started in a pseudo-terminal as a person would start it. `paint`: from the start of the process to the first frame, at
a server that never answers (target 400 ms, best of the rounds: what else the machine does only adds). `keys`: from a
key to the first byte of what it changes on the screen, in the list of flow runs (target 50 ms at p95). `idle`:
processor time while nothing happens (target 1 %). `feed`: the same as keys in the event feed while 1,000 events a
second arrive. Exit code 1 for a miss.
"""

import argparse
import asyncio
import fcntl
import os
import pty
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen
from uuid import uuid4

from bench.large import LargeServer, prepare

PODIUM = Path(sys.executable).with_name("podium")
COLUMNS, ROWS = 120, 40
QUIET = 0.12
"""Seconds without output after which the screen is taken as painted."""


class Terminal:
    """A dashboard in a pseudo-terminal."""

    def __init__(self, url: str, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ.update(PODIUM_API_URL=url, TERM="xterm-256color", COLORTERM="truecolor", **(environ or {}))
            os.execv(PODIUM, ["podium", "dashboard", *arguments])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def read(self, seconds: float) -> bytes:
        """What is written within so many seconds; as soon as there is some."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        try:
            return os.read(self.fd, 1 << 20) if ready else b""
        except OSError:
            return b""

    def until(self, text: bytes, seconds: float = 20.0) -> float:
        """Seconds from the start until a text is written."""
        seen, deadline = b"", time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            seen = (seen + self.read(0.2))[-200_000:]
            if text in seen:
                return time.perf_counter() - self.started
        raise TimeoutError(f"{text!r} was not painted in {seconds:g} s; the end is {seen[-300:]!r}")

    def settle(self, quiet: float = QUIET, most: float = 10.0) -> None:
        """Reads until nothing is written for a while."""
        deadline = time.perf_counter() + most
        while self.read(quiet) and time.perf_counter() < deadline:
            pass

    def key(self, text: str, seconds: float = 2.0) -> float | None:
        """Seconds from a key to what it changes; None if nothing is written."""
        before = time.perf_counter()
        os.write(self.fd, text.encode())
        return time.perf_counter() - before if self.read(seconds) else None

    def processor_time(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"


def paint(rounds: int) -> list[tuple[float, float]]:
    """Seconds to the first frame and of processor time until then, each round; from bytecode, as it is installed."""
    times = []
    with silent_server() as url, TemporaryDirectory() as bytecode:
        # An empty value is as good as none.
        environ = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        for _ in range(rounds + 1):
            terminal = Terminal(url, environ=environ)
            try:
                times.append((terminal.until(b"Home"), terminal.processor_time()))
            finally:
                terminal.close()
    return times[1:]  # the first one writes the bytecode and warms the file cache


def interpreter(rounds: int) -> float:
    """Seconds that `python -c pass` takes, the best of some."""
    times = []
    for _ in range(rounds):
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append(time.perf_counter() - before)
    return min(times)


def keys(terminal: Terminal, presses: Sequence[str]) -> list[float]:
    """Seconds from each key to the paint, for those that paint."""
    times = []
    for press in presses:
        took = terminal.key(press)
        if took is not None:
            times.append(took)
        terminal.settle(0.03, 0.5)
    return times


def flood(url: str, rate: int, stop: threading.Event) -> None:
    """Posts so many events a second until it is told to stop."""
    import httpx

    with httpx.Client() as client:
        due = time.monotonic()
        while not stop.is_set():
            now = datetime.now(UTC).isoformat()
            resource = {"prefect.resource.id": "bench.dashboard", "prefect.resource.name": "bench"}
            batch = [
                {"id": str(uuid4()), "occurred": now, "event": f"bench.event.{number % 7}", "resource": resource}
                for number in range(rate // 10)
            ]
            client.post(f"{url}/events", json=batch)
            due += 0.1
            time.sleep(max(0.0, due - time.monotonic()))


@contextmanager
def server_of(url: str | None, runs: int) -> Iterator[str]:
    """The API of the server there, or of one that is filled and started for as long as it is needed."""
    if url is not None:
        with urlopen(f"{url}/health", timeout=5):
            yield url
        return
    with TemporaryDirectory(prefix="bench-dashboard-") as folder:
        database = f"sqlite+aiosqlite:///{folder}/podium.db"
        asyncio.run(prepare(database, runs, fresh=True))
        server = LargeServer(database)
        try:
            asyncio.run(server.start())
            yield f"http://{server.target.host}:{server.target.port}/api"
        finally:
            asyncio.run(server.stop())
            server.remove()


def percentile(times: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def line(name: str, value: float, unit: str, target: float, more: str = "") -> bool:
    """Prints a figure beside its target; whether it holds."""
    holds = value <= target
    print(f"  {name:<34} {value:8.1f} {unit:<3} target {target:g}{'' if holds else '  MISSED'}  {more}")
    return holds


def measure_paint(rounds: int) -> bool:
    times, used = zip(*paint(rounds), strict=True)
    bare = interpreter(rounds)
    told = (
        f"median {statistics.median(times) * 1000:.0f} ms, processor {min(used) * 1000:.0f} ms;"
        f" {min(times) / bare:.0f} x `python -c pass`"
    )
    return line("first paint (best)", min(times) * 1000, "ms", 400, told)


def measure_keys(url: str, name: str, view: str, turns: int) -> bool:
    terminal = Terminal(url, "--view", view)
    presses = (["j"] * 8 + ["k"] * 3 + ["\x1b[6~"]) * turns
    try:
        terminal.settle(1.0, 10)
        times = keys(terminal, presses)
    finally:
        terminal.close()
    if len(times) < len(presses) / 2:
        raise SystemExit(f"key to paint, {name}: only {len(times)} of {len(presses)} keys changed anything")
    told = f"p50 {percentile(times, 0.5) * 1000:.1f} ms, {len(times)} keys"
    return line(f"key to paint, {name} (p95)", percentile(times, 0.95) * 1000, "ms", 50, told)


def measure_idle(url: str, view: str, seconds: float) -> bool:
    terminal = Terminal(url, "--view", view)
    try:
        terminal.settle(2.0, 10)
        before, started = terminal.processor_time(), time.monotonic()
        while time.monotonic() - started < seconds:
            terminal.read(1.0)
        used = (terminal.processor_time() - before) / (time.monotonic() - started)
    finally:
        terminal.close()
    return line(f"idle, {view}", used * 100, "%", 1.0)


def measure_feed(url: str, rate: int, turns: int) -> bool:
    stop = threading.Event()
    poster = threading.Thread(target=flood, args=(url, rate, stop), daemon=True)
    poster.start()
    try:
        return measure_keys(url, f"feed at {rate}/s", "feed", turns)
    finally:
        stop.set()
        poster.join()


def measure_at(url: str, what: Sequence[str], asked: argparse.Namespace) -> list[bool]:
    """Measures what needs a server with runs."""
    held = []
    if "keys" in what:
        held.append(measure_keys(url, "flow runs", "flow-run", asked.turns))
    if "idle" in what:
        held += [measure_idle(url, view, asked.seconds) for view in ("home", "flow-run")]
    if "feed" in what:
        held.append(measure_feed(url, 1000, asked.turns))
    return held


def main() -> int:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="paint keys idle feed; all when left out")
    parser.add_argument("--url", help="API of a server that is there, with many runs")
    parser.add_argument("--runs", type=int, default=100_000, help="flow runs of a server of its own")
    parser.add_argument("--rounds", type=int, default=7, help="starts")
    parser.add_argument("--turns", type=int, default=15, help="dozens of keys")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to stay idle")
    asked = parser.parse_args()
    what = asked.what or ["paint", "keys", "idle", "feed"]
    held = []
    if "paint" in what:
        held.append(measure_paint(asked.rounds))
    if {*what} - {"paint"}:
        with server_of(asked.url, asked.runs) as url:
            held += measure_at(url, what, asked)
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
