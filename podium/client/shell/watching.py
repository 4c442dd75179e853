"""Notices that somebody cancels runs that are under way here."""

import threading
from collections.abc import Callable

from podium.client.api import Client
from podium.client.errors import ClientError
from podium.wire import flow_runs

LOOK_EVERY = 2.0
PAGE = 100


class Watch:
    """Asks for the runs that somebody cancelled, all in one question."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._runs: dict[str, Callable[[str], None]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._over.set()

    def add(self, run_id: str, cancelled: Callable[[str], None]) -> None:
        """Calls ``cancelled`` with the type of the state, once, when this run is cancelled."""
        with self._lock:
            self._runs[run_id] = cancelled

    def remove(self, run_id: str) -> None:
        """This run is over."""
        with self._lock:
            self._runs.pop(run_id, None)

    def _look_again_and_again(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            with self._lock:
                ids = list(self._runs)
            for start in range(0, len(ids), PAGE):
                self._look(ids[start : start + PAGE])

    def _look(self, ids: list[str]) -> None:
        wanted = {"id": {"any_": ids}, "state": {"type": {"any_": ["CANCELLING", "CANCELLED"]}}}
        try:
            found = self._client.call(flow_runs.FILTER, {"flow_runs": wanted, "limit": PAGE})
        except ClientError:
            return  # the next look will do
        for run in found:
            with self._lock:
                cancelled = self._runs.pop(run.id, None)
            if cancelled is not None:
                cancelled(run.state_type or "")
