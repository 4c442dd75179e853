"""Work pools."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.choosing import Missing, by_name
from podium.client.nouns.noun import (
    Action,
    Column,
    Creates,
    Edits,
    Filter,
    Names,
    Noun,
    Option,
    Section,
    endpoint,
    nested,
)
from podium.client.nouns.values import is_id

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The pool of this id or name. Raises NotFound."""
    if is_id(given) and (same := client.call(endpoint("work_pools.FILTER"), nested("work_pools.id.any_", [given]))):
        return same[0]
    try:
        return client.call(endpoint("work_pools.READ"), name=given)
    except NotFound:
        raise Missing("work pool", given, "work-pool") from None


def _set_paused(client: "Client", pool: Any, paused: bool) -> None:
    client.call(endpoint("work_pools.UPDATE"), {"is_paused": paused}, name=pool.name)


def _pause(client: "Client", pool: Any) -> None:
    _set_paused(client, pool, True)


def _resume(client: "Client", pool: Any) -> None:
    _set_paused(client, pool, False)


def _delete(client: "Client", pool: Any) -> None:
    client.call(endpoint("work_pools.DELETE"), name=pool.name)


def status_of(pool: Any, names: Names) -> str:
    """Whether a pool or a queue is ready, paused, or without workers."""
    return "paused" if pool.is_paused else (pool.status or "").lower().replace("_", " ")


def slots(row: Any, names: Names) -> str:
    """Used slots of how many: ``2/10``; only the used where there is no limit."""
    limit = row.concurrency_limit
    used = row.active_slots
    if limit is None:
        return "" if used is None else str(used)
    return f"{'?' if used is None else used}/{limit}"


def default_template(client: "Client", kind: str) -> dict[str, Any]:
    """The job template that a type of worker brings along. Raises NotFound."""
    # Loaded on use: lists need no templates.
    from podium.client.shell.pools import TEMPLATE, TYPE

    if kind == TYPE:
        return TEMPLATE
    view = client.call(endpoint("collections.READ_VIEW"), view="aggregate-worker-metadata")
    known = {name: worker for collection in view.values() for name, worker in collection.items()}
    if kind not in known:
        kinds = ", ".join(sorted({*known, TYPE}))
        raise NotFound(404, f"There is no type of work pool {kind!r}; these are {kinds}.")
    template: dict[str, Any] = known[kind].get("default_base_job_configuration") or {}
    return template


def with_template(client: "Client", body: dict[str, Any]) -> dict[str, Any]:
    """The body of a new pool with the template of its type, if it has none. Raises NotFound for an unknown type."""
    if "base_job_template" in body:
        return body
    return {**body, "base_job_template": default_template(client, body.get("type") or "process")}


def _queues(client: "Client", pool: Any) -> Sequence[Any]:
    return list(client.pages(endpoint("work_queues.FILTER_IN_POOL"), {}, work_pool_name=pool.name))


def _workers(client: "Client", pool: Any) -> Sequence[Any]:
    return list(client.pages(endpoint("workers.FILTER"), {}, work_pool_name=pool.name))


QUEUE_COLUMNS = (
    Column("queue", "name"),
    Column("priority", kind="number"),
    Column("status", status_of, kind="state"),
    Column("slots", slots),
    Column("polled", "last_polled", kind="moment", rank=1),
)
WORKER_COLUMNS = (
    Column("worker", "name", cut=True),
    Column("status", lambda worker, names: worker.status.lower(), kind="state"),
    Column("heartbeat", "last_heartbeat_time", kind="moment"),
)

WORK_POOL = Noun(
    name="work-pool",
    plural="work pools",
    list="work_pools.FILTER",
    columns=(
        Column("name"),
        Column("type"),
        Column("status", status_of, kind="state"),
        Column("slots", slots),
        Column("description", rank=1, cut=True),
        Column("created", kind="moment", rank=2),
        Column("id", kind="id", rank=3),
    ),
    detail=(Column("updated", kind="moment"),),
    find=find,
    key="name",
    metavar="NAME",
    filters=(
        by_name(),
        Filter(("--type",), "Only pools of this type.", "work_pools.type.any_", metavar="TYPE"),
        Filter(
            ("--paused/--active",),
            "Only those that are paused, or that are not.",
            keep=lambda pool, wanted: pool.is_paused == wanted,
            kind="flag",
        ),
    ),
    actions=(
        Action("pause", "Paused", "Pause work pools: their workers get no runs.", _pause),
        Action("resume", "Resumed", "Resume paused work pools.", _resume),
        Action("delete", "Deleted", "Delete work pools with their queues.", _delete, asks=True),
    ),
    sections=(
        Section("queues", _queues, QUEUE_COLUMNS, "work-queue"),
        Section("workers", _workers, WORKER_COLUMNS, "worker"),
    ),
    edits=Edits(
        "work_pools.UPDATE",
        ("description", "is_paused", "concurrency_limit", "base_job_template"),
        path={"name": "name"},
        options=(Option("description", "--description"), Option("concurrency_limit", "--concurrency-limit", "number")),
    ),
    creates=Creates(
        "work_pools.CREATE",
        {"name": "", "type": "process", "description": None, "concurrency_limit": None, "is_paused": False},
        finished=with_template,
        options=(
            Option("name"),
            Option("type", "--type"),
            Option("description", "--description"),
            Option("concurrency_limit", "--concurrency-limit", "number"),
            Option("is_paused", "--paused", "switch"),
        ),
    ),
)
