"""Artifacts: the latest of each key, or every one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns import flow_runs
from podium.client.nouns.choosing import BY_DEPLOYMENT, Missing, by_flow
from podium.client.nouns.noun import Action, Column, Filter, Join, Names, Noun, endpoint, nested
from podium.client.nouns.values import is_id

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The artifact of this id, or the latest of this key. Raises NotFound."""
    try:
        if is_id(given):
            return client.call(endpoint("artifacts.READ"), id=given)
        return client.call(endpoint("artifacts.READ_LATEST"), key=given)
    except NotFound:
        raise Missing("artifact", given, "artifact") from None


def _rows(client: "Client", body: dict[str, Any], most: int | None) -> Iterator[Any]:
    every = body.pop("every", False)
    yield from client.pages(endpoint("artifacts.FILTER" if every else "artifacts.FILTER_LATEST"), body)


def id_of(artifact: Any, names: Names) -> str:
    """The id of an artifact, also where the row is that of its key."""
    return str(getattr(artifact, "latest_id", artifact.id))


def _of_run(client: "Client", values: list[str]) -> dict[str, Any]:
    return nested("artifacts.flow_run_id.any_", [flow_runs.find(client, value).id for value in values])


def _every(client: "Client", value: bool) -> dict[str, Any]:
    return {"every": value}


def _key(client: "Client", value: str) -> dict[str, Any]:
    return nested("artifacts.key.like_", value)


def _delete(client: "Client", artifact: Any) -> None:
    client.call(endpoint("artifacts.DELETE"), id=id_of(artifact, {}))


ARTIFACT = Noun(
    name="artifact",
    plural="artifacts",
    list="artifacts.FILTER_LATEST",
    columns=(
        Column("id", id_of, kind="id"),
        Column("key", cut=True),
        Column("type"),
        Column("flow run", lambda row, names: names["flow run"].get(row.flow_run_id, ""), rank=2, cut=True),
        Column("updated", kind="moment", rank=1),
        Column("description", rank=3, cut=True),
    ),
    detail=(
        Column("created", kind="moment"),
        Column("metadata", "metadata_", kind="json"),
        Column("data", kind="json"),
    ),
    find=find,
    key=id_of,
    label="key",
    metavar="KEY|ID",
    filters=(
        Filter(("--all", "-a"), "Every artifact, not the latest of each key alone.", _every, kind="flag"),
        Filter(("--key",), "Only keys with this text in them.", _key, kind="one"),
        Filter(("--type",), "Only those of this type.", "artifacts.type.any_", metavar="TYPE"),
        Filter(("--flow-run", "-r"), "Only those of this flow run.", _of_run, metavar="ID|NAME", noun="flow-run"),
        by_flow(),
        BY_DEPLOYMENT,
    ),
    sorts={"key": "KEY_ASC", "-key": "KEY_DESC", "created": "CREATED_DESC", "updated": "UPDATED_DESC"},
    joins=(Join("flow run", "flow_run_id", "flow_runs.FILTER", "flow_runs.id.any_"),),
    actions=(Action("delete", "Deleted", "Delete artifacts.", _delete, asks=True),),
    limit=100,
    rows=_rows,
)
