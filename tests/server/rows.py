"""Rows put straight into the database, where a test wants runs in states that take long to reach through the API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert

from podium.db.ids import new_id
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.task_runs import task_run_states, task_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import Tx
from podium.server.queries.generic import new_row

Write = Callable[..., Any]

START = datetime(2024, 5, 6, 12, tzinfo=UTC)
"""A moment in the past to date runs from."""


def at(seconds: float) -> datetime:
    """So many seconds after ``START``."""
    return START + timedelta(seconds=seconds)


class Rows:
    """Inserts rows, each in a unit of its own, and returns their ids."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def add(self, table: Table, **values: Any) -> str:
        """A row of any table; columns that are not given take their defaults."""

        def unit(tx: Tx) -> str:
            row = new_row(tx, table, values)
            tx.run(insert(table).values(row))
            row_id: str = row["id"]
            return row_id

        added: str = self._write(unit)
        return added

    def flow(self, name: str | None = None, **values: Any) -> str:
        return self.add(flows, name=name or f"flow-{new_id()}", **values)

    def deployment(self, flow_id: str, name: str | None = None, **values: Any) -> str:
        return self.add(deployments, flow_id=flow_id, name=name or f"deployment-{new_id()}", **values)

    def pool(self, name: str | None = None, **values: Any) -> str:
        return self.add(work_pools, name=name or f"pool-{new_id()}", type=values.pop("type", "process"), **values)

    def queue(self, pool_id: str, name: str = "default", **values: Any) -> str:
        return self.add(work_queues, work_pool_id=pool_id, name=name, **values)

    def flow_run(self, flow_id: str, name: str = "run", state: str | None = "PENDING", **values: Any) -> str:
        """A flow run in a state of this type (``state_name`` gives it another name), entered at ``state_timestamp``."""
        return self._run(flow_runs, flow_run_states, "flow_run_id", state, {"flow_id": flow_id, "name": name, **values})

    def task_run(
        self, flow_run_id: str | None, name: str = "task", state: str | None = "PENDING", **values: Any
    ) -> str:
        """A task run in a state of this type."""
        given = {"flow_run_id": flow_run_id, "name": name, "task_key": name, "dynamic_key": new_id(), **values}
        return self._run(task_runs, task_run_states, "task_run_id", state, given)

    def _run(self, runs: Table, states: Table, key: str, state: str | None, values: dict[str, Any]) -> str:
        data = values.pop("data", None)
        if state is None:
            return self.add(runs, **values)
        values = {"state_timestamp": START, "state_name": state.title(), "expected_start_time": START, **values}
        state_id = new_id()
        run_id = self.add(runs, state_id=state_id, state_type=state, **values)
        self.add(
            states,
            id=state_id,
            **{key: run_id},
            type=state,
            name=values["state_name"],
            timestamp=values["state_timestamp"],
            message=f"it is {state}",
            data=data,
        )
        return run_id
