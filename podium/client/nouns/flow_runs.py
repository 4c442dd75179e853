"""Runs of flows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.client.nouns import proposing
from podium.client.nouns.choosing import (
    BY_DEPLOYMENT,
    BY_POOL,
    BY_QUEUE,
    by_flow,
    by_name,
    by_state,
    by_tag,
    by_time,
    found,
)
from podium.client.nouns.noun import Action, Column, Edits, Filter, Join, Names, Noun, Option, Section, endpoint, nested

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The run of this id, or the newest of this name. Raises NotFound."""
    return found(client, given, "flow run", "flow-run", "flow_runs.READ", "flow_runs.FILTER", "flow_runs.name.any_")


def _delete(client: "Client", run: Any) -> None:
    client.call(endpoint("flow_runs.DELETE"), id=run.id)


def _states(client: "Client", run: Any) -> Sequence[Any]:
    states: list[Any] = client.call(endpoint("states.LIST_FLOW_RUN_STATES"), query={"flow_run_id": run.id})
    return states


def _started(run: Any, names: Names) -> Any:
    return run.start_time or run.expected_start_time


def _duration(run: Any, names: Names) -> float:
    return float(run.estimated_run_time)


def _deployment(run: Any, names: Names) -> str:
    name = names["deployment"].get(run.deployment_id)
    return f"{names['flow'].get(run.flow_id)}/{name}" if name else run.deployment_id or ""


def _parent(client: "Client", values: list[str]) -> dict[str, Any]:
    return nested("flow_runs.parent_flow_run_id.any_", [find(client, value).id for value in values])


STATE_COLUMNS = (
    Column("time", "timestamp", kind="stamp"),
    Column("state", lambda state, names: state.name or state.type, kind="state"),
    Column("message", cut=True),
)

FLOW_RUN = Noun(
    name="flow-run",
    plural="flow runs",
    list="flow_runs.FILTER",
    columns=(
        Column("id", kind="id", rank=2),
        Column("flow", lambda run, names: names["flow"].get(run.flow_id, ""), cut=True),
        Column("name", cut=True),
        Column("state", "state_name", kind="state"),
        Column("started", _started, kind="moment", rank=1),
        Column("duration", _duration, kind="duration", rank=2),
    ),
    detail=(
        Column("message", "state.message"),
        Column("parameters", kind="json"),
        Column("tags", kind="list"),
        Column("deployment", _deployment),
        Column("pool", "work_pool_name"),
        Column("queue", "work_queue_name"),
        Column("parent", "parent_task_run_id", kind="id"),
        Column("runs", "run_count", kind="number"),
        Column("expected", "expected_start_time", kind="moment"),
        Column("ended", "end_time", kind="moment"),
        Column("infrastructure", "infrastructure_pid"),
        Column("variables", "job_variables", kind="json"),
        Column("labels", kind="json"),
        Column("created by", "created_by.display_value"),
    ),
    find=find,
    key="id",
    label="name",
    metavar="ID|NAME",
    filters=(
        *by_state("flow_runs.state"),
        by_name("flow_runs.name.like_"),
        by_tag("flow_runs.tags.all_"),
        by_flow(),
        BY_DEPLOYMENT,
        BY_POOL,
        BY_QUEUE,
        Filter(("--parent",), "Only subflows of this run.", _parent, metavar="ID|NAME"),
        *by_time("flow_runs.start_time", "started, or are to start,"),
    ),
    sorts={
        "newest": "EXPECTED_START_TIME_DESC",
        "oldest": "EXPECTED_START_TIME_ASC",
        "started": "START_TIME_DESC",
        "-started": "START_TIME_ASC",
        "ended": "END_TIME_DESC",
        "next": "NEXT_SCHEDULED_START_TIME_ASC",
        "name": "NAME_ASC",
        "-name": "NAME_DESC",
        "created": "ID_DESC",
    },
    joins=(
        Join("flow", "flow_id", "flows.FILTER", "flows.id.any_"),
        Join("deployment", "deployment_id", "deployments.FILTER", "deployments.id.any_", in_lists=False),
    ),
    actions=(
        Action("cancel", "Cancelled", "Cancel flow runs.", proposing.cancel, refused=proposing.cannot_cancel),
        Action(
            "retry",
            "Scheduled",
            "Have flow runs that ended run once more.",
            proposing.retry,
            refused=proposing.cannot_retry,
        ),
        Action(
            "pause",
            "Suspended",
            "Have flow runs of deployments stop and wait to be resumed.",
            proposing.suspend,
            refused=proposing.cannot_suspend,
        ),
        Action("resume", "Resumed", "Have paused flow runs go on.", proposing.resume, refused=proposing.cannot_resume),
        Action("delete", "Deleted", "Delete flow runs with their task runs and logs.", _delete, asks=True),
    ),
    sections=(Section("states", _states, STATE_COLUMNS),),
    edits=Edits(
        "flow_runs.UPDATE", ("name", "tags"), options=(Option("name", "--name"), Option("tags", "--tag", "list"))
    ),
    limit=15,
    counting="flow_runs.COUNT",
    faults={"state": ["Failed", "Crashed", "TimedOut", "Late"]},
)
