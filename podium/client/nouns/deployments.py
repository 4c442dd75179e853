"""Deployments."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from podium.client.errors import Conflict, NotFound
from podium.client.nouns.choosing import BY_POOL, Missing, by_flow, by_name, by_tag
from podium.client.nouns.noun import Action, Column, Edits, Filter, Join, Names, Noun, Option, endpoint, nested
from podium.client.nouns.schedules import described
from podium.client.nouns.values import is_id
from podium.client.nouns.work_pools import find as find_pool

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The deployment of this id, `flow/name`, or a name that is nobody else's. Raises NotFound."""
    try:
        if is_id(given):
            return client.call(endpoint("deployments.READ"), id=given)
        if "/" in given:
            flow, name = given.rsplit("/", 1)
            return client.call(endpoint("deployments.READ_BY_NAME"), flow_name=flow, deployment_name=name)
    except NotFound:
        raise Missing("deployment", given, "deployment") from None
    same = client.call(endpoint("deployments.FILTER"), {**nested("deployments.name.any_", [given]), "limit": 2})
    if len(same) > 1:
        raise NotFound(404, f"There are several deployments named {given!r}; write FLOW/{given}.")
    if not same:
        raise Missing("deployment", given, "deployment")
    return same[0]


def make(client: "Client", flow: str, name: str, fields: Mapping[str, Any], *, overwrite: bool) -> Any:
    """A deployment with these fields of the API, and its flow where there is none.

    With ``overwrite`` the one of this name is changed in these fields. Raises Conflict for one that is there else,
    NotFound for a pool that is not.
    """
    try:
        found = find(client, f"{flow}/{name}")
    except NotFound:
        found = None
    if found and not overwrite:
        raise Conflict(409, f"There is a deployment '{flow}/{name}' already; --overwrite changes it.")
    if found and any(found.labels.get(key) != value for key, value in fields.get("labels", {}).items()):
        raise Conflict(409, f"Labels of '{flow}/{name}' cannot be changed so; `podium apply` makes it anew with them.")
    if pool := fields.get("work_pool_name"):
        find_pool(client, pool)
    if found:
        client.call(endpoint("deployments.UPDATE"), fields, id=found.id)
        return client.call(endpoint("deployments.READ"), id=found.id)
    return client.call(
        endpoint("deployments.CREATE"), {**fields, "name": name, "flow_id": _flow_for(client, flow, name, fields)}
    )


def _flow_for(client: "Client", flow: str, name: str, fields: Mapping[str, Any]) -> str:
    """The id of a flow, which is made where it is missing, but not for a deployment that the server would refuse."""
    try:
        found = client.call(endpoint("flows.READ_BY_NAME"), name=flow)
    except NotFound:
        body = {**fields, "name": name, "flow_id": str(uuid4())}
        with suppress(Conflict):  # it is refused for its flow at least, and for that only where all else is right
            client.call(endpoint("deployments.CREATE"), body)
        found = client.call(endpoint("flows.CREATE"), {"name": flow})
    flow_id: str = found.id
    return flow_id


def _pause(client: "Client", deployment: Any) -> None:
    client.call(endpoint("deployments.PAUSE"), id=deployment.id)


def _resume(client: "Client", deployment: Any) -> None:
    client.call(endpoint("deployments.RESUME"), id=deployment.id)


def _delete(client: "Client", deployment: Any) -> None:
    client.call(endpoint("deployments.DELETE"), id=deployment.id)


def run_body(
    parameters: Mapping[str, Any],
    *,
    at: datetime | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    job_variables: Mapping[str, Any] | None = None,
    queue: str | None = None,
) -> dict[str, Any]:
    """The body that makes a run of a deployment, now or at a moment; what is left out is the deployment's."""
    state: dict[str, Any] = {"type": "SCHEDULED"}
    if at is not None:
        state["state_details"] = {"scheduled_time": at}
    return {
        "state": state,
        "parameters": dict(parameters),
        "job_variables": dict(job_variables or {}),
        "tags": list(tags),
        "name": name,
        "work_queue_name": queue,
    }


def full_name(deployment: Any, names: Names) -> str:
    """`flow/name`, which commands take."""
    flow = names["flow"].get(deployment.flow_id)
    return f"{flow}/{deployment.name}" if flow else str(deployment.id)


def _status(deployment: Any, names: Names) -> str:
    return "paused" if deployment.paused else (deployment.status or "").lower().replace("_", " ")


def _schedules(deployment: Any, names: Names) -> list[str]:
    return [described(each) for each in deployment.schedules]


def _text(client: "Client", value: str) -> dict[str, Any]:
    return nested("deployments.flow_or_deployment_name.like_", value)


def _paused(client: "Client", value: bool) -> dict[str, Any]:
    return nested("deployments.paused.eq_", value)


EDITS = Edits(
    "deployments.UPDATE",
    (
        "description",
        "version",
        "entrypoint",
        "path",
        "pull_steps",
        "paused",
        "parameters",
        "tags",
        "work_pool_name",
        "work_queue_name",
        "job_variables",
        "parameter_openapi_schema",
        "enforce_parameter_schema",
        "concurrency_options",
    ),
    options=(
        Option("description", "--description"),
        Option("version", "--version"),
        Option("entrypoint", "--entrypoint"),
        Option("path", "--path"),
        Option("pull_steps", "--pull-steps", "json"),
        Option("parameters", "--param", "pairs"),
        Option("tags", "--tag", "list"),
        Option("work_pool_name", "--pool"),
        Option("work_queue_name", "--queue"),
        Option("job_variables", "--job-variable", "pairs"),
    ),
)

DEPLOYMENT = Noun(
    name="deployment",
    plural="deployments",
    list="deployments.FILTER",
    columns=(
        Column("name", full_name),
        Column("status", _status, kind="state"),
        Column("pool", "work_pool_name", rank=1, cut=True),
        Column("schedules", _schedules, kind="list", rank=2, cut=True),
        Column("tags", kind="list", rank=3, cut=True),
        Column("id", kind="id", rank=4),
    ),
    detail=(
        Column("description"),
        Column("queue", "work_queue_name"),
        Column("limit", "global_concurrency_limit.limit", kind="number"),
        Column("when full", "concurrency_options.collision_strategy"),
        Column("entrypoint"),
        Column("path"),
        Column("version"),
        Column("parameters", kind="json"),
        Column("variables", "job_variables", kind="json"),
        Column("labels", kind="json"),
        Column("polled", "last_polled", kind="moment"),
        Column("created", kind="moment"),
        Column("updated", kind="moment"),
        Column("updated by", "updated_by.display_value"),
    ),
    find=find,
    key=full_name,
    metavar="FLOW/NAME|ID",
    filters=(
        by_name("deployments.name.like_"),
        Filter(("--text",), "Only with this in their name or that of their flow.", _text, kind="one"),
        by_tag("deployments.tags.all_"),
        by_flow(),
        BY_POOL,
        Filter(
            ("--queue", "-q"), "Only those of this work queue.", "deployments.work_queue_name.any_", metavar="QUEUE"
        ),
        Filter(("--paused/--active",), "Only those that are paused, or that are not.", _paused, kind="flag"),
    ),
    sorts={"name": "NAME_ASC", "-name": "NAME_DESC", "created": "CREATED_DESC", "updated": "UPDATED_DESC"},
    joins=(Join("flow", "flow_id", "flows.FILTER", "flows.id.any_"),),
    counting="deployments.COUNT",
    actions=(
        Action("pause", "Paused", "Pause deployments: their schedules make no runs.", _pause),
        Action("resume", "Resumed", "Resume paused deployments.", _resume),
        Action("delete", "Deleted", "Delete deployments; their runs stay.", _delete, asks=True),
    ),
    edits=EDITS,
)
