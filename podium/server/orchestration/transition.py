"""One attempt to take a run from the state it is in to another."""

from datetime import timedelta
from typing import Any

import msgspec

from podium.db.unit import Row, Tx
from podium.server.http.client_version import API_VERSION, ClientVersion
from podium.server.orchestration.states import State
from podium.wire.flow_runs import FlowRunPolicy
from podium.wire.states import SetStateStatus, StateType
from podium.wire.task_runs import TaskRunPolicy

StateTypes = tuple[StateType | None, StateType | None]

ApiVersion = tuple[int, int, int]


class Transition:
    """What the rules see and may change.

    ``run`` is the run's row, changed in place and stored at the end; it also holds the names that the join with its
    flow, deployment, queue, pool and parent task run found. ``initial`` is the current state, None for a run without
    one. ``proposed`` is the state to store, None once it is clear that none will be. ``client_version`` is None for
    anything that is not a `prefect` client, also for the server itself.
    """

    def __init__(
        self,
        tx: Tx,
        run: Row,
        initial: State | None,
        proposed: State,
        client_version: ClientVersion | None = None,
        api_version: ApiVersion = API_VERSION,
    ) -> None:
        self.tx = tx
        self.run = run
        self.initial = initial
        self.proposed: State | None = proposed
        self.client_version = client_version
        self.api_version = api_version
        self.status: SetStateStatus = "ACCEPT"
        self.reason: str | None = None
        self.delay_seconds = 0
        self.now = tx.now

    @property
    def types(self) -> StateTypes:
        """The types of the current and of the proposed state."""
        initial, proposed = self.initial, self.proposed
        return (initial.type if initial else None, proposed.type if proposed else None)

    def reject(self, reason: str, instead: State | None = None) -> None:
        """Refuses the proposal; ``instead`` is stored in its place, without one nothing is."""
        self.status, self.reason, self.proposed = "REJECT", reason, instead

    def abort(self, reason: str) -> None:
        """Stores nothing and tells the client to stop."""
        self.status, self.reason, self.proposed = "ABORT", reason, None

    def wait(self, delay_seconds: int, reason: str) -> None:
        """Stores nothing and tells the client when to propose again."""
        self.status, self.reason, self.proposed = "WAIT", reason, None
        self.delay_seconds = delay_seconds

    def later(self, seconds: float) -> Any:
        """The moment so many seconds from now."""
        return self.now + timedelta(seconds=seconds)


class FlowRunTransition(Transition):
    """A transition of a flow run."""

    @property
    def policy(self) -> FlowRunPolicy:
        """The run's own policy; what is set on it is stored with the run."""
        policy = self.run["empirical_policy"]
        if not isinstance(policy, FlowRunPolicy):
            policy = self.run["empirical_policy"] = _flow_run_policy(policy)
        return policy

    @property
    def keeps_retry_type(self) -> bool:
        """Whether the client knows of ``resuming``, ``pause_keys`` and ``retry_type``."""
        return self.api_version >= (0, 8, 4)


class TaskRunTransition(Transition):
    """A transition of a task run."""

    @property
    def policy(self) -> TaskRunPolicy:
        """The run's own policy."""
        policy = self.run["empirical_policy"]
        if not isinstance(policy, TaskRunPolicy):
            policy = self.run["empirical_policy"] = _task_run_policy(policy)
        return policy


_flow_run_policy = msgspec.json.Decoder(FlowRunPolicy).decode
_task_run_policy = msgspec.json.Decoder(TaskRunPolicy).decode
