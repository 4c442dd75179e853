"""The way of a request through Podium's own files is short, and stays so."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from podium.profiles import load_settings
from podium.server.app import create_app, create_runtime
from tests.architecture.sources import ROOT
from tests.migrated import migrate

OWN = f"{ROOT / 'podium'}/"

DEEPEST = 12
"""Files one inside the other from the socket to the statement, on the event loop and the thread of the database."""

MOST = 33
"""Files in all, those of values, rules and events too."""


class Way:
    """The files of Podium that are passed while it watches, and the longest way in on each thread."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.deepest: dict[int, list[str]] = {}
        self._watching = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watches what the block does."""
        self._watching = True
        sys.setprofile(self.note)
        try:
            yield
        finally:
            sys.setprofile(None)
            self._watching = False

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        """What the interpreter tells of every call."""
        if not self._watching or event != "call" or not frame.f_code.co_filename.startswith(OWN):
            return
        stack = list(_own_files(frame))
        self.files.add(stack[0])
        thread = threading.get_ident()
        if len(stack) > len(self.deepest.get(thread, ())):
            self.deepest[thread] = stack

    @property
    def way_in(self) -> set[str]:
        """The files on the longest way in."""
        return {file for stack in self.deepest.values() for file in stack}


def _own_files(frame: FrameType | None) -> Iterator[str]:
    """The files of Podium that are open on the stack, the innermost first, each once."""
    seen = set()
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(OWN) and file not in seen:
            seen.add(file)
            yield file.removeprefix(OWN)
        frame = frame.f_back


async def test_a_run_and_its_state_take_the_straight_way(tmp_path: Path) -> None:
    """From HTTP by resource, operation, rules and query into the database, with no layer that only forwards."""
    url = f"sqlite:///{tmp_path}/podium.db"
    migrate(url)
    made, moved = Way(), Way()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        for way in (made, moved):
            way.note(frame, event, argument)

    threading.setprofile(note)
    runtime = create_runtime(load_settings({"PODIUM_SERVER_DATABASE_CONNECTION_URL": url}, environ={}))
    transport = httpx.ASGITransport(create_app(runtime))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://podium/api") as api:
            flow = (await api.post("/flows/", json={"name": "watched"})).json()
            new = {"flow_id": flow["id"], "state": {"type": "PENDING"}}
            running = {"state": {"type": "RUNNING"}}
            first = (await api.post("/flow_runs/", json=new)).json()
            await api.post(f"/flow_runs/{first['id']}/set_state", json=running)  # what is loaded once is loaded
            with made.watched():
                run = (await api.post("/flow_runs/", json=new)).json()
            with moved.watched():
                answer = (await api.post(f"/flow_runs/{run['id']}/set_state", json=running)).json()
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]  # as sys.setprofile
        await runtime.database.close()
    assert (run["state"]["type"], answer["status"]) == ("PENDING", "ACCEPT")
    for way in (made, moved):
        assert len(way.deepest) == 2
        assert len(way.way_in) <= DEEPEST, sorted(way.way_in)
        assert len(way.files) <= MOST, sorted(way.files)
