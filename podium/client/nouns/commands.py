"""Schedules of commands: deployments whose runs `podium worker` runs without the `prefect` client."""

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.choosing import BY_POOL, Missing, by_name, by_tag
from podium.client.nouns.deployments import DEPLOYMENT
from podium.client.nouns.deployments import find as find_deployment
from podium.client.nouns.noun import Action, Column, Filter, Names, Noun, endpoint
from podium.client.nouns.schedules import described

if TYPE_CHECKING:
    from podium.client.api import Client


def _is_command(deployment: Any) -> bool:
    return bool((deployment.job_variables or {}).get("command"))


def _rows(client: "Client", body: dict[str, Any], most: int | None) -> Iterator[Any]:
    return (row for row in client.pages(endpoint("deployments.FILTER"), body) if _is_command(row))


def find(client: "Client", given: str) -> Any:
    """The schedule of this id or name. Raises NotFound."""
    try:
        found = _by_own_name(client, given) or find_deployment(client, given)
    except Missing:
        raise Missing("schedule", given, "schedule") from None
    if not _is_command(found):
        raise NotFound(404, f"{given!r} is a deployment that runs no command; see `podium deployment inspect {given}`.")
    return found


def _by_own_name(client: "Client", name: str) -> Any:
    if "/" in name:
        return None
    try:
        return client.call(endpoint("deployments.READ_BY_NAME"), flow_name=name, deployment_name=name)
    except NotFound:
        return None


def reference(deployment: Any, names: Names) -> str:
    """Its name; with that of its flow before it, where that is another."""
    flow = names["flow"].get(deployment.flow_id)
    return deployment.name if flow in (deployment.name, None) else f"{flow}/{deployment.name}"


def command_line(deployment: Any, names: Names) -> str:
    """The command as it would be typed."""
    command = (deployment.job_variables or {}).get("command") or ""
    return command if isinstance(command, str) else shlex.join(map(str, command))


def _when(deployment: Any, names: Names) -> list[str]:
    return [described(each) for each in deployment.schedules]


def _status(deployment: Any, names: Names) -> str:
    return "paused" if deployment.paused else (deployment.status or "").lower().replace("_", " ")


def _detail(name: str) -> Column:
    return Column(name.replace("_", " "), lambda row, names: (row.job_variables or {}).get(name), kind="json")


def _action(name: str, text: str) -> Action:
    return DEPLOYMENT.action(name)._replace(help=text)


SCHEDULE = Noun(
    name="schedule",
    plural="schedules",
    list="deployments.FILTER",
    columns=(
        Column("name", reference),
        Column("when", _when, kind="list", rank=1, cut=True),
        Column("command", command_line, cut=True),
        Column("status", _status, kind="state"),
        Column("pool", "work_pool_name", rank=2, cut=True),
        Column("id", kind="id", rank=3),
    ),
    detail=(
        Column("description"),
        Column("queue", "work_queue_name"),
        Column("limit", "global_concurrency_limit.limit", kind="number"),
        Column("when full", "concurrency_options.collision_strategy"),
        Column("tags", kind="list"),
        Column("parameters", kind="json"),
        *map(_detail, ("cwd", "env", "timeout", "retries", "retry_delay", "grace")),
        Column("created", kind="moment"),
        Column("updated", kind="moment"),
    ),
    find=find,
    key=reference,
    metavar="NAME|ID",
    filters=(
        by_name("deployments.name.like_"),
        by_tag("deployments.tags.all_"),
        BY_POOL,
        Filter(
            ("--paused/--active",),
            "Only those that are paused, or that are not.",
            keep=lambda row, wanted: row.paused == wanted,
            kind="flag",
        ),
    ),
    sorts=DEPLOYMENT.sorts,
    joins=DEPLOYMENT.joins,
    actions=(
        _action("pause", "Pause schedules: they make no runs."),
        _action("resume", "Resume paused schedules."),
        _action("delete", "Delete schedules; their runs stay."),
    ),
    rows=_rows,
)
