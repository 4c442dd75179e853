"""Work queues, written POOL/QUEUE."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.choosing import Missing, by_name
from podium.client.nouns.noun import Action, Column, Creates, Edits, Filter, Names, Noun, Option, endpoint, nested
from podium.client.nouns.values import is_id
from podium.client.nouns.work_pools import slots, status_of

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The queue of this id, `pool/queue`, or a name that is nobody else's. Raises NotFound."""
    try:
        if is_id(given):
            return client.call(endpoint("work_queues.READ"), id=given)
        if "/" in given:
            pool, name = given.split("/", 1)
            return client.call(endpoint("work_queues.READ_IN_POOL"), work_pool_name=pool, name=name)
    except NotFound:
        raise Missing("work queue", given, "work-queue") from None
    same = client.call(endpoint("work_queues.FILTER"), {**nested("work_queues.name.any_", [given]), "limit": 2})
    if len(same) > 1:
        raise NotFound(404, f"There are several work queues named {given!r}; write POOL/{given}.")
    if not same:
        raise Missing("work queue", given, "work-queue")
    return same[0]


def path_of(queue: Any, names: Names) -> str:
    """`pool/queue`, which commands take."""
    return f"{queue.work_pool_name}/{queue.name}" if queue.work_pool_name else str(queue.id)


def _rows(client: "Client", body: dict[str, Any], most: int | None) -> Iterator[Any]:
    pools = body.pop("pools", None)
    if pools is None:
        yield from client.pages(endpoint("work_queues.FILTER"), body)
    for pool in pools or ():
        yield from client.pages(endpoint("work_queues.FILTER_IN_POOL"), body, work_pool_name=pool)


def _pools(client: "Client", pools: list[str]) -> dict[str, Any]:
    return {"pools": pools}


def _pause(client: "Client", queue: Any) -> None:
    client.call(endpoint("work_queues.UPDATE"), {"is_paused": True}, id=queue.id)


def _resume(client: "Client", queue: Any) -> None:
    client.call(endpoint("work_queues.UPDATE"), {"is_paused": False}, id=queue.id)


def _delete(client: "Client", queue: Any) -> None:
    client.call(endpoint("work_queues.DELETE"), id=queue.id)


_OPTIONS = (
    Option("description", "--description"),
    Option("concurrency_limit", "--concurrency-limit", "number"),
    Option("priority", "--priority", "number"),
)

WORK_QUEUE = Noun(
    name="work-queue",
    plural="work queues",
    list="work_queues.FILTER",
    columns=(
        Column("queue", path_of),
        Column("priority", kind="number"),
        Column("status", status_of, kind="state"),
        Column("slots", slots),
        Column("polled", "last_polled", kind="moment", rank=1),
        Column("description", rank=2, cut=True),
        Column("id", kind="id", rank=3),
    ),
    detail=(Column("created", kind="moment"), Column("updated", kind="moment")),
    find=find,
    key=path_of,
    metavar="POOL/QUEUE|ID",
    filters=(
        Filter(("--pool", "-p"), "Only those of this work pool.", _pools, metavar="POOL", noun="work-pool"),
        by_name(flags=("--name", "--match", "-m")),
        Filter(
            ("--paused/--active",),
            "Only those that are paused, or that are not.",
            keep=lambda queue, wanted: queue.is_paused == wanted,
            kind="flag",
        ),
    ),
    actions=(
        Action("pause", "Paused", "Pause work queues: no worker gets their runs.", _pause),
        Action("resume", "Resumed", "Resume paused work queues.", _resume),
        Action("delete", "Deleted", "Delete work queues.", _delete, asks=True),
    ),
    edits=Edits(
        "work_queues.UPDATE",
        ("name", "description", "is_paused", "concurrency_limit", "priority"),
        options=(Option("name", "--name"), *_OPTIONS),
    ),
    creates=Creates(
        "work_queues.CREATE_IN_POOL",
        {
            "name": "",
            "pool": "",
            "priority": None,
            "concurrency_limit": None,
            "description": "",
            "is_paused": False,
        },
        path={"work_pool_name": "pool"},
        options=(
            Option("name"),
            Option("pool", "--pool"),
            *_OPTIONS,
            Option("is_paused", "--paused", "switch"),
        ),
    ),
    rows=_rows,
    within="pool",
)
