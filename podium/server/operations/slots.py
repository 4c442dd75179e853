"""Telling who holds the slots of concurrency limits of every kind, and who waits."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import Row, Tx
from podium.server.operations import concurrency
from podium.server.operations.concurrency import TAG_PREFIX
from podium.server.operations.deployment_limits import own_limit_name
from podium.server.operations.explaining.subject import lease_holder, run_holders, task_holders
from podium.server.queries import slots as facts
from podium.server.queries.work_pools import list_work_pools
from podium.server.queries.work_queues import list_work_queues
from podium.wire.explain import Holder
from podium.wire.slots import LimitKind, LimitSlots, SlotQuery

OWN = own_limit_name("")
"""How the names of deployments' own limits begin."""

_IN_POOLS = ("work_pool", "work_queue")


def list_slots(tx: Tx, query: SlotQuery, limit: int) -> list[LimitSlots]:
    """The limits that are asked for, the fullest first, with holders and with who waits where one is full."""
    ids = None if query.ids is None else [str(each) for each in query.ids]
    wanted = [
        each
        for each in (*_global(tx, ids, query.in_use), *_of_pools(tx, ids))
        if (query.kinds is None or each.kind in query.kinds) and (not query.in_use or each.used or not each.limit)
    ]
    wanted.sort(key=_fullest_first)
    shown = wanted[query.offset : query.offset + limit]
    _name_deployments(tx, shown)
    _add_holders(tx, shown, query.holders)
    for each in shown:
        if each.active and each.used >= each.limit:
            each.waiting, each.waiters = _waiting(tx, each, query.holders)
    return shown


def _fullest_first(each: LimitSlots) -> tuple[Any, ...]:
    free = each.limit - each.used
    share = each.used / each.limit if each.limit else 1.0
    return not each.active, free > 0, -share, each.kind, each.name, each.id


def _global(tx: Tx, ids: Sequence[str] | None, in_use: bool) -> Iterator[LimitSlots]:
    for row in facts.limits_with_slots(tx, ids, in_use):
        concurrency.decay(tx, row)
        kind, name, owner = _kind_of(row["name"])
        yield LimitSlots(
            kind=kind,
            id=row["id"],
            name=name,
            limit=row["limit"],
            used=row["anonymous_slots"] + row["leased_slots"],
            active=row["active"],
            slot_decay_per_second=row["slot_decay_per_second"],
            deployment_id=owner,
            anonymous=row["anonymous_slots"],
            denied=row["denied_slots"],
        )


def _kind_of(name: str) -> tuple[LimitKind, str, str | None]:
    """Kind, name and deployment of a limit by its whole name."""
    if name.startswith(TAG_PREFIX):
        return "tag", name.removeprefix(TAG_PREFIX), None
    if name.startswith(OWN):
        return "deployment", name, name.removeprefix(OWN)
    return "global", name, None


def _of_pools(tx: Tx, ids: Sequence[str] | None) -> Iterator[LimitSlots]:
    pools = [] if ids is None else [work_pools.c.id.in_(ids)]
    for row in list_work_pools(tx, [work_pools.c.concurrency_limit.is_not(None), *pools]):
        yield _of_pool(row, "work_pool", row["name"])
    queues = [] if ids is None else [work_queues.c.id.in_(ids)]
    for row in list_work_queues(tx, [work_queues.c.concurrency_limit.is_not(None), *queues], [work_queues.c.name]):
        yield _of_pool(row, "work_queue", f"{row['work_pool_name']}/{row['name']}")


def _of_pool(row: Row, kind: LimitKind, name: str) -> LimitSlots:
    limit, used = row["concurrency_limit"], row["active_slots"]
    return LimitSlots(kind=kind, id=row["id"], name=name, limit=limit, used=used, active=True)


def _name_deployments(tx: Tx, shown: Sequence[LimitSlots]) -> None:
    """Puts the name of its deployment in place of a limit's own; a limit that only looks like one is a global one."""
    names = facts.deployments_named(tx, [each.deployment_id for each in shown if each.deployment_id])
    for each in shown:
        if each.deployment_id in names:
            each.name = names[each.deployment_id]
        elif each.kind == "deployment":
            each.kind, each.deployment_id = "global", None


def _add_holders(tx: Tx, shown: Sequence[LimitSlots], most: int) -> None:
    def ids(kind: str) -> list[str]:
        return [each.id for each in shown if each.kind == kind]

    leased = facts.lease_holders_of(tx, [each.id for each in shown if each.kind not in _IN_POOLS], most)
    runs = facts.runs_in_pools(tx, ids("work_pool"), most) | facts.runs_in_queues(tx, ids("work_queue"), most)
    for each in shown:
        each.holders = [lease_holder(row) for row in leased.get(each.id, ())] + run_holders(runs.get(each.id, ()))


def _waiting(tx: Tx, limit: LimitSlots, most: int) -> tuple[int, list[Holder]]:
    if limit.kind == "tag":
        number, tasks = facts.tasks_waiting_for_tag(tx, limit.name, most)
        return number, task_holders(tasks)
    number, runs = _WAITING_FOR.get(limit.kind, facts.runs_waiting_for_limit)(tx, limit.id, most)
    return number, run_holders(runs)


_WAITING_FOR: dict[str, Callable[[Tx, str, int], tuple[int, list[Row]]]] = {
    "work_pool": facts.runs_waiting_for_pool,
    "work_queue": facts.runs_waiting_for_queue,
}
