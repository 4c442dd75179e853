"""Runs of tasks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.client.nouns import flow_runs
from podium.client.nouns.choosing import BY_DEPLOYMENT, by_flow, by_name, by_state, by_tag, by_time, found
from podium.client.nouns.noun import Action, Column, Filter, Join, Names, Noun, Section, endpoint, nested

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The run of this id, or the newest of this name. Raises NotFound."""
    return found(client, given, "task run", "task-run", "task_runs.READ", "task_runs.FILTER", "task_runs.name.any_")


def _delete(client: "Client", run: Any) -> None:
    client.call(endpoint("task_runs.DELETE"), id=run.id)


def _states(client: "Client", run: Any) -> Sequence[Any]:
    states: list[Any] = client.call(endpoint("states.LIST_TASK_RUN_STATES"), query={"task_run_id": run.id})
    return states


def _started(run: Any, names: Names) -> Any:
    return run.start_time or run.expected_start_time


def _duration(run: Any, names: Names) -> float:
    return float(run.estimated_run_time)


def _of_run(client: "Client", values: list[str]) -> dict[str, Any]:
    return nested("task_runs.flow_run_id.any_", [flow_runs.find(client, value).id for value in values])


TASK_RUN = Noun(
    name="task-run",
    plural="task runs",
    list="task_runs.FILTER",
    columns=(
        Column("id", kind="id"),
        Column("name", cut=True),
        Column("flow run", lambda run, names: names["flow run"].get(run.flow_run_id, ""), cut=True),
        Column("state", "state_name", kind="state"),
        Column("started", _started, kind="moment", rank=1),
        Column("duration", _duration, kind="duration", rank=2),
    ),
    detail=(
        Column("message", "state.message"),
        Column("task", "task_key"),
        Column("tags", kind="list"),
        Column("inputs", "task_inputs", kind="json"),
        Column("cache key", "cache_key"),
        Column("runs", "run_count", kind="number"),
        Column("ended", "end_time", kind="moment"),
    ),
    find=find,
    key="id",
    label="name",
    metavar="ID|NAME",
    filters=(
        *by_state("task_runs.state"),
        by_name("task_runs.name.like_", flags=("--name", "--task-run-name")),
        by_tag("task_runs.tags.all_"),
        Filter(("--flow-run", "-r"), "Only those of this flow run.", _of_run, metavar="ID|NAME", noun="flow-run"),
        by_flow(),
        BY_DEPLOYMENT,
        *by_time("task_runs.expected_start_time", "started, or are to start,"),
    ),
    sorts={
        "newest": "EXPECTED_START_TIME_DESC",
        "oldest": "EXPECTED_START_TIME_ASC",
        "ended": "END_TIME_DESC",
        "next": "NEXT_SCHEDULED_START_TIME_ASC",
        "name": "NAME_ASC",
        "-name": "NAME_DESC",
        "created": "ID_DESC",
    },
    joins=(Join("flow run", "flow_run_id", "flow_runs.FILTER", "flow_runs.id.any_"),),
    actions=(Action("delete", "Deleted", "Delete task runs.", _delete, asks=True),),
    sections=(Section("states", _states, flow_runs.STATE_COLUMNS),),
    limit=15,
    counting="task_runs.COUNT",
    faults={"state": ["Failed", "Crashed", "TimedOut"]},
)
