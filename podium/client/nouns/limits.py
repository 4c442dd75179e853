"""Concurrency limits: global ones, and those of tags."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.choosing import by_name, named
from podium.client.nouns.noun import Action, Column, Creates, Edits, Names, Noun, Option, Section, endpoint

if TYPE_CHECKING:
    from podium.client.api import Client

MOST_HOLDERS = 200
"""Holders of a limit that its details name."""


def find_global(client: "Client", given: str) -> Any:
    """The limit of this name or id. Raises NotFound."""
    words, group = "global concurrency limit", "global-concurrency-limit"
    return named(client, given, words, group, "", "concurrency_v2.READ", id_or_name=given)


def find_tag(client: "Client", given: str) -> Any:
    """The limit of this tag or id. Raises NotFound."""
    words, group = "concurrency limit", "concurrency-limit"
    return named(client, given, words, group, "concurrency.READ", "concurrency.READ_BY_TAG", tag=given)


def _delete_global(client: "Client", limit: Any) -> None:
    client.call(endpoint("concurrency_v2.DELETE"), id_or_name=limit.id)


def _enable(client: "Client", limit: Any) -> None:
    client.call(endpoint("concurrency_v2.UPDATE"), {"active": True}, id_or_name=limit.id)


def _disable(client: "Client", limit: Any) -> None:
    client.call(endpoint("concurrency_v2.UPDATE"), {"active": False}, id_or_name=limit.id)


def _delete_tag(client: "Client", limit: Any) -> None:
    client.call(endpoint("concurrency.DELETE"), id=limit.id)


def _reset(client: "Client", limit: Any) -> None:
    client.call(endpoint("concurrency.RESET"), tag=limit.tag)


def _slots(limit: Any, names: Names) -> str:
    return f"{limit.active_slots}/{limit.limit}"


def _tag_slots(limit: Any, names: Names) -> str:
    return f"{len(limit.active_slots)}/{limit.concurrency_limit}"


def _status(limit: Any, names: Names) -> str:
    return "ready" if limit.active else "paused"


_OPTIONS = (
    Option("limit", "--limit", "number"),
    Option("slot_decay_per_second", "--slot-decay-per-second", "number"),
)


def _of_slots(client: "Client", limit: Any) -> Any:
    """What the server tells of the slots of a limit; None where it is none of Podium's."""
    try:
        found = client.call(endpoint("slots.FILTER"), {"ids": [limit.id], "holders": MOST_HOLDERS})
    except NotFound:
        return None
    return found[0] if found else None


def _holders(client: "Client", limit: Any) -> Sequence[Any]:
    """Who holds its slots; those that were taken without a lease are told in one line."""
    from podium.wire.explain import Holder

    slots = _of_slots(client, limit)
    if slots is None:
        return []
    unknown = [Holder(kind="unknown", id=None, slots=slots.anonymous)] if slots.anonymous else []
    return [*slots.holders, *unknown]


def _holder(holder: Any, names: Names) -> str:
    return holder.name or holder.id or "not said"


HOLDER_COLUMNS = (
    Column("held by", lambda holder, names: holder.kind.replace("_", " ")),
    Column("name", _holder, cut=True),
    Column("flow run", "flow_run_name", cut=True),
    Column("state", kind="state"),
    Column("slots", kind="number"),
    Column("since", kind="moment"),
    Column("id", kind="id", rank=2),
)

GLOBAL_LIMIT = Noun(
    name="global-concurrency-limit",
    plural="global concurrency limits",
    list="concurrency_v2.FILTER",
    columns=(
        Column("name", cut=True),
        Column("slots", _slots),
        Column("status", _status, kind="state"),
        Column("decay", "slot_decay_per_second", kind="number", rank=1),
        Column("updated", kind="moment", rank=2),
        Column("id", kind="id", rank=3),
    ),
    detail=(Column("created", kind="moment"),),
    find=find_global,
    key="name",
    metavar="NAME|ID",
    filters=(by_name(),),
    actions=(
        Action("enable", "Enabled", "Switch limits on.", _enable),
        Action("disable", "Disabled", "Switch limits off: whoever asks gets a slot.", _disable),
        Action("delete", "Deleted", "Delete global concurrency limits.", _delete_global, asks=True),
    ),
    edits=Edits(
        "concurrency_v2.UPDATE",
        ("name", "limit", "active", "slot_decay_per_second"),
        path={"id_or_name": "id"},
        options=(*_OPTIONS, Option("active", "--enable", "switch", "--disable")),
    ),
    creates=Creates(
        "concurrency_v2.CREATE",
        {"name": "", "limit": 1, "active": True, "slot_decay_per_second": 0},
        options=(Option("name"), *_OPTIONS, Option("active", "", "switch", "--disable")),
    ),
    sections=(Section("holders", _holders, HOLDER_COLUMNS),),
)

TAG_LIMIT = Noun(
    name="concurrency-limit",
    plural="concurrency limits",
    list="concurrency.FILTER",
    columns=(
        Column("tag", cut=True),
        Column("slots", _tag_slots),
        Column("updated", kind="moment", rank=1),
        Column("id", kind="id", rank=2),
    ),
    detail=(Column("created", kind="moment"),),
    find=find_tag,
    key="tag",
    metavar="TAG|ID",
    filters=(by_name(path="tag", flags=("--name", "--tag")),),
    actions=(
        Action("reset", "Reset", "Empty the slots of limits; task runs that hold them go on.", _reset, asks=True),
        Action("delete", "Deleted", "Delete concurrency limits.", _delete_tag, asks=True),
    ),
    sections=(Section("holders", _holders, HOLDER_COLUMNS),),
    edits=Edits(
        "concurrency.CREATE",
        ("concurrency_limit",),
        path={},
        always=("tag",),
        options=(Option("concurrency_limit", "", "number"),),
    ),
    creates=Creates(
        "concurrency.CREATE",
        {"tag": "", "concurrency_limit": 1},
        options=(Option("tag"), Option("concurrency_limit", "", "number")),
    ),
)
