"""A run on the server: the states that are proposed for it, each once, however often the server is away."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from podium.client.api import Client
from podium.client.errors import ClientError, Refused, Unreachable, Unreadable
from podium.client.following import PASSING
from podium.wire import flow_runs
from podium.wire.states import OrchestrationResult, State, StateWaitDetails

PATIENCE = 600.0
"""Seconds without an answer after which what is to be said is given up."""
LONGEST_PAUSE = 5.0


class Away(Exception):
    """The server did not answer for as long as anybody waited; the cause says why."""


class Record:
    """The states of a run. ``hurry`` tells whether nobody wants to wait for the server any longer."""

    def __init__(self, client: Client, run_id: str, told: Callable[[str], None], hurry: Callable[[], bool]) -> None:
        self.client, self.run_id, self._told, self._hurry = client, run_id, told, hurry

    def propose(
        self,
        kind: str,
        message: str | None = None,
        *,
        name: str | None = None,
        data: Any = None,
        scheduled_time: datetime | None = None,
    ) -> OrchestrationResult:
        """Proposes a state; what became of it. Raises Away, or Refused where the server wants none of it."""
        # The id tells the server, and us, a proposal that came before from a new one.
        details = {"transition_id": str(uuid4()), "scheduled_time": scheduled_time}
        state = {"type": kind, "name": name, "message": message, "data": data, "state_details": details}
        result: OrchestrationResult = self.patiently(
            lambda: self.client.call(flow_runs.SET_STATE, {"state": state}, id=self.run_id)
        )
        after = result.state
        if after is not None and after.state_details.transition_id == details["transition_id"]:
            return OrchestrationResult(status="ACCEPT", details=result.details, state=after)
        return result

    def update(self, **values: Any) -> None:
        """Changes fields of the run. Raises Away or Refused."""
        self.patiently(lambda: self.client.call(flow_runs.UPDATE, values, id=self.run_id))

    def label(self, labels: Mapping[str, str]) -> None:
        """Merges labels into those of the run. Raises Away or Refused."""
        self.patiently(lambda: self.client.call(flow_runs.UPDATE_LABELS, labels, id=self.run_id))

    def patiently(self, function: Callable[[], Any]) -> Any:
        """What the function returns, called again while the server is away. Raises Away or Refused."""
        began, pause, noted = time.monotonic(), 0.2, False
        while True:
            try:
                result = function()
            except ClientError as error:
                if not passes(error):
                    raise
                waited = time.monotonic() - began
                if waited > PATIENCE or self._hurry():
                    raise Away from error
                if waited > 2 and not noted:
                    noted = True
                    self._told("The server does not answer; trying again until it does.")
                self._sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if noted:
                    self._told("The server answers again.")
                return result

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._hurry():
            time.sleep(0.1)


def passes(error: ClientError) -> bool:
    """Whether an error may go by itself: a restart, a proxy without its server."""
    return error.status in PASSING if isinstance(error, Refused) else isinstance(error, Unreachable | Unreadable)


def wait_of(result: OrchestrationResult) -> float:
    """Seconds after which to propose again; 0 where the outcome is final."""
    return float(result.details.delay_seconds) if isinstance(result.details, StateWaitDetails) else 0.0


def seconds_until(state: State | None) -> float:
    """Seconds until a scheduled state is due."""
    due = state.state_details.scheduled_time if state is not None else None
    return 0.0 if due is None else max(0.0, (due - datetime.now(UTC)).total_seconds())


def reason_of(result: OrchestrationResult) -> str:
    """Why a proposal did not come true."""
    return getattr(result.details, "reason", None) or f"the server answered {result.status}"
