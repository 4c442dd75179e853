"""Runs taken through their states by the server's own operations, at a time the test sets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from podium.db.tables.concurrency import concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.task_runs import task_runs
from podium.db.unit import Row, Tx
from podium.server.http.client_version import ClientVersion
from podium.server.operations.concurrency_limits import create_limit, read_limit
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.flow_runs import create_flow_run
from podium.server.operations.states import Outcome
from podium.server.operations.task_run_states import set_task_run_state
from podium.server.operations.task_runs import create_task_run
from podium.server.queries.flow_runs import read_flow_run
from podium.server.queries.states import FLOW_RUN_STATES, TASK_RUN_STATES, states_of
from podium.server.queries.task_runs import read_task_run
from podium.wire.states import StateCreate, StateDetails
from tests.server.conftest import Units
from tests.server.rows import Rows

NEW_CLIENT = ClientVersion(3, 8, 8)


def state(kind: str, name: str | None = None, **parts: Any) -> StateCreate:
    """A proposal; ``message`` and ``data`` are its own, everything else is one of its details."""
    own = {part: parts.pop(part) for part in ("message", "data") if part in parts}
    return StateCreate(type=kind, name=name, state_details=StateDetails(**parts), **own)  # type: ignore[arg-type]


class Runs:
    """Makes runs and proposes states for them; ``now`` moves only by ``wait``, and a microsecond with every call."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.rows = Rows(units.write)
        self.now = datetime.now(UTC)
        self.client: ClientVersion | None = NEW_CLIENT
        self.api_version = (0, 8, 4)
        units.database.clock = self._tick
        self.flow_id = self.rows.flow()

    def _tick(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += timedelta(seconds=seconds)

    def deployment(self, limit: int | None = None, strategy: str = "ENQUEUE", grace: int | None = None) -> str:
        """A deployment of the flow, with a concurrency limit or without."""
        values: Row = {}
        if limit is not None:
            values["concurrency_limit_id"] = self.limit(limit)
            values["concurrency_options"] = {"collision_strategy": strategy, "grace_period_seconds": grace}
        return self.rows.deployment(self.flow_id, **values)

    def limit(self, slots: int, name: str | None = None, **values: Any) -> str:
        """A concurrency limit; its id."""
        name = name or f"limit-{self._tick().timestamp()}"
        row: Row = self.units.write(create_limit, {"name": name, "limit": slots, **values})
        limit_id: str = row["id"]
        return limit_id

    def slots(self, id_or_name: str) -> int:
        """The slots of a limit that are in use."""
        used: int = self.units.read(read_limit, id_or_name)["active_slots"]
        return used

    def limit_of(self, deployment_id: str) -> str:
        """The id of a deployment's limit."""
        found = deployments.select().where(deployments.c.id == deployment_id)
        limit_id: str = self.units.all(found)[0]["concurrency_limit_id"]
        return limit_id

    def set_limit(self, limit_id: str, **values: Any) -> None:
        """Changes columns of a limit past its operations."""
        table = concurrency_limits_v2
        self.units.write(lambda tx: tx.run(table.update().where(table.c.id == limit_id).values(values)))

    def make(self, proposal: StateCreate | str | None = None, **values: Any) -> str:
        """A flow run in a state; its id."""
        proposal = state(proposal) if isinstance(proposal, str) else proposal
        row, _ = self.units.write(create_flow_run, {"flow_id": self.flow_id, **values}, proposal)
        run_id: str = row["id"]
        return run_id

    def make_task(self, proposal: StateCreate | str | None = None, **values: Any) -> str:
        """A task run in a state, of no flow run unless given one; its id."""
        proposal = state(proposal) if isinstance(proposal, str) else proposal
        key = str(self._tick().timestamp())
        given = {"flow_run_id": None, "task_key": "task", "dynamic_key": key, **values}
        row, _ = self.units.write(create_task_run, given, proposal)
        run_id: str = row["id"]
        return run_id

    def set(self, run_id: str, kind: str, name: str | None = None, force: bool = False, **parts: Any) -> Outcome:
        """Proposes a state for a flow run."""

        def unit(tx: Tx) -> Outcome:
            return set_flow_run_state(
                tx,
                run_id,
                state(kind, name, **parts),
                force,
                client_version=self.client,
                api_version=self.api_version,
            )

        outcome: Outcome = self.units.write(unit)
        return outcome

    def set_task(self, run_id: str, kind: str, name: str | None = None, force: bool = False, **parts: Any) -> Outcome:
        """Proposes a state for a task run."""
        outcome: Outcome = self.units.write(set_task_run_state, run_id, state(kind, name, **parts), force)
        return outcome

    def change(self, run_id: str, **values: Any) -> None:
        """Sets columns of a flow run, as its process does."""
        self.units.write(lambda tx: tx.run(flow_runs.update().where(flow_runs.c.id == run_id).values(values)))

    def change_task(self, run_id: str, **values: Any) -> None:
        """Sets columns of a task run."""
        self.units.write(lambda tx: tx.run(task_runs.update().where(task_runs.c.id == run_id).values(values)))

    def read(self, run_id: str) -> Any:
        """A flow run as the wire shows it, JSON decoded."""
        return plain(self.units.read(read_flow_run, run_id))

    def read_task(self, run_id: str) -> Any:
        """A task run as the wire shows it, JSON decoded."""
        return plain(self.units.read(read_task_run, run_id))

    def states(self, run_id: str) -> list[Any]:
        """The states of a flow run, oldest first."""
        return [plain(row) for row in self.units.read(states_of, FLOW_RUN_STATES, run_id)]

    def task_states(self, run_id: str) -> list[Any]:
        """The states of a task run, oldest first."""
        return [plain(row) for row in self.units.read(states_of, TASK_RUN_STATES, run_id)]


def plain(value: Any) -> Any:
    """A row as its JSON says it, moments as datetimes."""
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.json.decode(msgspec.json.encode(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
