"""Workers, written POOL/WORKER."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.choosing import Missing, by_name
from podium.client.nouns.noun import Action, Column, Filter, Join, Names, Noun, endpoint, nested

if TYPE_CHECKING:
    from podium.client.api import Client


def _rows(client: "Client", body: dict[str, Any], most: int | None) -> Iterator[Any]:
    names = body.pop("pools", None) or [pool.name for pool in client.pages(endpoint("work_pools.FILTER"), {})]
    for name in names:
        yield from client.pages(endpoint("workers.FILTER"), body, work_pool_name=name)


def find(client: "Client", given: str) -> Any:
    """The worker `pool/worker`, of this id, or of a name that is nobody else's. Raises NotFound."""
    pool, _, name = given.rpartition("/")
    try:
        found = list(_rows(client, {"pools": [pool]} if pool else {}, None))
        same = [each for each in found if each.id == given] or [each for each in found if each.name == name]
    except NotFound:
        raise Missing("work pool", pool, "work-pool") from None
    if len(same) > 1:
        raise NotFound(404, f"There are several workers named {given!r}; write POOL/{given}.")
    if not same:
        raise Missing("worker", given, "worker")
    return same[0]


def _pools(client: "Client", pools: list[str]) -> dict[str, Any]:
    return {"pools": pools}


def _status(client: "Client", values: list[str]) -> dict[str, Any]:
    return nested("workers.status.any_", [value.upper() for value in values])


def _path(worker: Any, names: Names) -> str:
    pool = names["pool"].get(worker.work_pool_id)
    return f"{pool}/{worker.name}" if pool else str(worker.name)


def _delete(client: "Client", worker: Any) -> None:
    pools = client.call(endpoint("work_pools.FILTER"), nested("work_pools.id.any_", [worker.work_pool_id]))
    client.call(endpoint("workers.DELETE"), work_pool_name=pools[0].name, name=worker.name)


WORKER = Noun(
    name="worker",
    plural="workers",
    list="workers.FILTER",
    columns=(
        Column("worker", _path, cut=True),
        Column("status", lambda worker, names: worker.status.lower(), kind="state"),
        Column("heartbeat", "last_heartbeat_time", kind="moment"),
        Column("created", kind="moment", rank=1),
        Column("id", kind="id", rank=2),
    ),
    detail=(Column("every", "heartbeat_interval_seconds", kind="number"),),
    find=find,
    key=_path,
    metavar="POOL/WORKER",
    filters=(
        Filter(("--pool", "-p"), "Only those of this work pool.", _pools, metavar="POOL", noun="work-pool"),
        Filter(("--status",), "Only those that are online or offline.", _status, metavar="STATUS"),
        by_name(),
    ),
    joins=(Join("pool", "work_pool_id", "work_pools.FILTER", "work_pools.id.any_"),),
    actions=(Action("delete", "Forgot", "Forget workers; one that lives comes back.", _delete, asks=True),),
    rows=_rows,
    within="pool",
)
