"""The memory of triggers in the database: read for a batch at once, written back at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import BindParameter, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.prepared import Prepared
from podium.db.tables.automations import (
    automation_buckets,
    automation_child_firings,
    automation_firings,
    automation_refusals,
)
from podium.db.types import plain
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.automations.covering import Key, Watch
from podium.server.automations.firing import Firing
from podium.server.automations.interest import Index
from podium.server.automations.memory import Bucket, Memory, Part

_BUCKET, _PART = automation_buckets.c, automation_child_firings.c
_MAKE: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_AUTOMATIONS: BindParameter[Any] = bindparam("automations", expanding=True)
TRIGGERS: BindParameter[Any] = bindparam("triggers", expanding=True)

_OF_TRIGGERS = select(
    _BUCKET.automation_id,
    _BUCKET.trigger_id,
    _BUCKET.bucketing_key,
    _BUCKET.window_start,
    _BUCKET.window_end,
    _BUCKET.count,
    _BUCKET.last_event,
).where(_BUCKET.workspace_id == WORKSPACE, _BUCKET.trigger_id.in_(TRIGGERS))
_OF_KEYS = _OF_TRIGGERS.where(
    _BUCKET.automation_id.in_(_AUTOMATIONS), _BUCKET.bucketing_digest.in_(bindparam("digests", expanding=True))
)
ENDED = (
    _OF_TRIGGERS.where(_BUCKET.window_end <= bindparam("ended", type_=_BUCKET.window_end.type))
    .order_by(_BUCKET.window_end)
    .limit(bindparam("most"))
)
_STANDING = _OF_TRIGGERS.where(_BUCKET.automation_id.in_(_AUTOMATIONS))
_PARTS = (
    select(
        _PART.automation_id, _PART.parent_trigger_id, _PART.child_trigger_id, _PART.child_fired_at, _PART.child_firing
    )
    .where(_PART.workspace_id == WORKSPACE, _PART.automation_id.in_(_AUTOMATIONS))
    .order_by(_PART.child_fired_at, _PART.child_firing_id)
)

_FORGET_BUCKET = Prepared(
    delete(automation_buckets).where(
        _BUCKET.workspace_id == WORKSPACE,
        _BUCKET.automation_id == bindparam("automation"),
        _BUCKET.trigger_id == bindparam("trigger"),
        _BUCKET.bucketing_digest == bindparam("digest"),
    )
)
_FORGET_PART = Prepared(
    delete(automation_child_firings).where(
        _PART.workspace_id == WORKSPACE,
        _PART.automation_id == bindparam("automation"),
        _PART.parent_trigger_id == bindparam("parent"),
        _PART.child_trigger_id == bindparam("child"),
    )
)
_INSERT_FIRINGS = Prepared(insert(automation_firings))


def _upsert(kind: str, table: Any, on: Sequence[str], replace: Sequence[str], add: Sequence[str] = ()) -> Prepared:
    statement = _MAKE[kind](table)
    values = {name: statement.excluded[name] for name in replace}
    values.update({name: table.c[name] + statement.excluded[name] for name in add})
    return Prepared(statement.on_conflict_do_update(index_elements=["workspace_id", "automation_id", *on], set_=values))


_KEEP_BUCKET = {
    kind: _upsert(
        kind,
        automation_buckets,
        ("trigger_id", "bucketing_digest"),
        ("window_start", "window_end", "count", "last_event", "updated"),
    )
    for kind in _MAKE
}
_KEEP_PART = {
    kind: _upsert(
        kind,
        automation_child_firings,
        ("parent_trigger_id", "child_trigger_id"),
        ("child_firing_id", "child_fired_at", "child_firing", "updated"),
    )
    for kind in _MAKE
}
_KEEP_REFUSAL = {
    kind: _upsert(
        kind,
        automation_refusals,
        ("trigger_id", "bucketing_digest", "reason"),
        ("detail", "last", "last_event_id"),
        add=("count",),
    )
    for kind in _MAKE
}


def digest(key: Key) -> str:
    """What a key is found by; a key itself may be too long for an index."""
    return sha256(msgspec.json.encode(key)).hexdigest()


def load(tx: Tx, index: Index, wanted: Mapping[Watch, Collection[Key]]) -> Memory:
    """What these triggers remember for these keys, and the firings of what they are part of."""
    memory = Memory(tx.now)
    if wanted:
        _take(
            memory,
            tx.all(
                _OF_KEYS,
                automations=sorted({watch.automation_id for watch in wanted}),
                triggers=[watch.id for watch in wanted],
                digests=list({digest(key) for keys in wanted.values() for key in keys}),
            ),
        )
        load_parts(tx, memory, index, wanted)
    return memory


def load_parts(tx: Tx, memory: Memory, index: Index, watches: Iterable[Watch]) -> None:
    """Adds the firings of the triggers that these are part of, or part of a part."""
    combined = sorted({watch.automation_id for watch in watches}.intersection(index.groups))
    for row in tx.all(_PARTS, automations=combined) if combined else ():
        firing = msgspec.json.decode(bytes(row["child_firing"]), type=Firing)
        known = memory.parts.setdefault((row["automation_id"], row["parent_trigger_id"]), {})
        known[row["child_trigger_id"]] = Part(firing, row["child_fired_at"])


def load_ended(tx: Tx, index: Index, watches: Sequence[Watch], as_of: datetime, most: int) -> tuple[Memory, bool]:
    """The windows of triggers that have ended, at most so many, those that always stand, and whether these are all."""
    memory = Memory(tx.now)
    rows = tx.all(ENDED, triggers=[watch.id for watch in watches], ended=as_of, most=most)
    _take(memory, rows)
    standing = [watch for watch in watches if watch.stands]
    if standing:
        triggers, of = [watch.id for watch in standing], sorted({watch.automation_id for watch in standing})
        _take(memory, tx.all(_STANDING, triggers=triggers, automations=of))
    if rows:
        load_parts(tx, memory, index, watches)
    return memory, len(rows) < most


def _take(memory: Memory, rows: Iterable[Row]) -> None:
    for row in rows:
        key = tuple(plain(row["bucketing_key"]))
        bucket = Bucket(row["window_start"], row["window_end"], row["count"], plain(row["last_event"]))
        memory.of(row["automation_id"], row["trigger_id"])[key] = bucket


def keep(tx: Tx, memory: Memory) -> None:
    """Writes back what changed, and notes the firings and refusals."""
    _keep_buckets(tx, memory)
    _keep_parts(tx, memory)
    tx.many(
        _INSERT_FIRINGS,
        [
            {
                "id": firing.id,
                "workspace_id": tx.workspace_id,
                "automation_id": automation_id,
                "trigger_id": firing.trigger_id,
                "triggered": firing.triggered,
                "triggering_event_id": None if firing.triggering_event is None else firing.triggering_event["id"],
                "triggering_labels": firing.triggering_labels,
                "firing": firing,
            }
            for automation_id, firing in memory.firings
        ],
    )
    tx.many(
        _KEEP_REFUSAL[tx.dialect],
        [
            {
                "id": new_id(),
                "workspace_id": tx.workspace_id,
                "automation_id": each.automation_id,
                "trigger_id": each.trigger_id,
                "reason": each.reason,
                "bucketing_key": each.key,
                "bucketing_digest": digest(each.key),
                "detail": each.detail,
                "count": each.count,
                "first": each.first,
                "last": each.last,
                "last_event_id": each.last_event_id,
            }
            for each in memory.refusals.values()
        ],
    )


def _keep_buckets(tx: Tx, memory: Memory) -> None:
    kept, gone = [], []
    for automation_id, trigger_id, key in sorted(memory.changed):
        bucket = memory.of(automation_id, trigger_id).get(key)
        if bucket is None:
            gone.append({"automation": automation_id, "trigger": trigger_id, "digest": digest(key)})
            continue
        kept.append(
            {
                "id": new_id(),
                "workspace_id": tx.workspace_id,
                "automation_id": automation_id,
                "trigger_id": trigger_id,
                "bucketing_key": key,
                "bucketing_digest": digest(key),
                "window_start": bucket.start,
                "window_end": bucket.end,
                "count": bucket.count,
                "last_event": bucket.last_event,
                "created": tx.now,
                "updated": tx.now,
            }
        )
    tx.many(_FORGET_BUCKET, gone)
    tx.many(_KEEP_BUCKET[tx.dialect], kept)


def _keep_parts(tx: Tx, memory: Memory) -> None:
    kept, gone = [], []
    by_group: dict[tuple[str, str], list[str]] = defaultdict(list)
    for automation_id, group_id, member in sorted(memory.moved):
        by_group[automation_id, group_id].append(member)
    for (automation_id, group_id), members in by_group.items():
        known = memory.parts.get((automation_id, group_id), {})
        for member in members:
            part = known.get(member)
            if part is None:
                gone.append({"automation": automation_id, "parent": group_id, "child": member})
                continue
            kept.append(
                {
                    "id": new_id(),
                    "workspace_id": tx.workspace_id,
                    "automation_id": automation_id,
                    "parent_trigger_id": group_id,
                    "child_trigger_id": member,
                    "child_firing_id": part.firing.id,
                    "child_fired_at": part.at,
                    "child_firing": part.firing,
                    "created": tx.now,
                    "updated": tx.now,
                }
            )
    tx.many(_FORGET_PART, gone)
    tx.many(_KEEP_PART[tx.dialect], kept)
