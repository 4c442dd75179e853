"""A run of a Prefect deployment under way: the process is watched, what it does is told by itself."""

import os
import threading
from collections import deque
from typing import Any

from podium.client.shell.execution import Means, Outcome
from podium.client.shell.lines import Lines, readable
from podium.client.shell.prefect_runs import command_for
from podium.client.shell.process import Ending, Stop, run_process
from podium.client.shell.record import Record
from podium.client.shell.recording import place
from podium.profiles import Settings
from podium.wire import flow_runs, logs
from podium.wire.states import TERMINAL

CANCELS_ITSELF = 45.0
"""Seconds after which a process that was cancelled and did not end by itself is stopped."""
KEPT = 40
"""Last lines of what the process wrote, which go to the log of a run that crashed."""


class PrefectExecution:
    """A run that is PENDING and ours, about to be run by `prefect`."""

    def __init__(
        self,
        means: Means,
        run: Any,
        record: Record,
        prefect: tuple[str, ...],
        variables: dict[str, Any],
        settings: Settings,
    ) -> None:
        self.run, self.record, self.stop = run, record, Stop()
        self.is_waiting = True
        self._means = means
        self._command = command_for(prefect, run.id, variables, settings, means.client.url)
        self._last: deque[bytes] = deque(maxlen=KEPT)
        self._timer: threading.Timer | None = None

    def to_its_end(self) -> Outcome:
        """Runs the process; a run it left unfinished is crashed, or cancelled if somebody wanted that."""
        self.record.update(infrastructure_pid=place())
        self._means.watch.add(self.run.id, self._cancelled_there)
        self.is_waiting = False
        try:
            environ = {**os.environ, **self._command.env}
            ending = run_process(self._command, environ, self._heard, self.stop, self._means.guard)
        except OSError as error:
            return self._end(None, f"`prefect` cannot be started: {error.strerror or error}.")
        finally:
            self._means.watch.remove(self.run.id)
            if self._timer is not None:
                self._timer.cancel()
        return self._end(ending, f"The process of the run ended with exit code {ending.exit_code}.")

    def _cancelled_there(self, state: str) -> None:
        self._timer = threading.Timer(CANCELS_ITSELF, self.stop.ask, ("somebody cancelled the run",))
        self._timer.daemon = True
        self._timer.start()

    def _heard(self, stream: str, chunk: bytes) -> None:
        self._last.extend(chunk.splitlines()[-KEPT:])

    def _end(self, ending: Ending | None, text: str) -> Outcome:
        run = self.record.patiently(lambda: self._means.client.call(flow_runs.READ, id=self.run.id))
        code = ending.exit_code if ending else None
        if run.state_type in TERMINAL or run.state_type in ("SCHEDULED", "PAUSED"):
            return Outcome(run.state_type, run.state.message or "", code, name=run.state_name)
        if run.state_type == "CANCELLING":
            self.record.propose("CANCELLED", text)
            return Outcome("CANCELLED", text, code)
        message = f"The worker was stopped. {text}" if self.stop.is_asked else text
        self._tell_last_lines()
        self.record.propose("CRASHED", message)
        return Outcome("CRASHED", message, code)

    def _tell_last_lines(self) -> None:
        if not self._last:
            return
        said = Lines().note("\n".join(["The last lines of its process:", *map(readable, self._last)]), 40)
        line = {"name": said.stream, "level": said.level, "message": said.text, "timestamp": said.at}
        self.record.patiently(lambda: self._means.client.call(logs.CREATE, [{**line, "flow_run_id": self.run.id}]))
