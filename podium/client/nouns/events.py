"""Events."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from podium.client.nouns.choosing import Missing
from podium.client.nouns.noun import Column, Filter, Names, Noun, endpoint, nested
from podium.client.nouns.values import is_id, iso, moment

if TYPE_CHECKING:
    from podium.client.api import Client


def _rows(client: "Client", body: dict[str, Any], most: int | None) -> Iterator[Any]:
    """Events page by page; a page leads to the next by a token."""
    order = body.pop("sort", "DESC")
    wanted = {**body.get("filter", {}), "order": order}
    page = client.call(endpoint("events.FILTER"), {"filter": wanted, "limit": 50})
    while True:
        yield from page.events
        if not page.next_page:
            return
        token = page.next_page.partition("page-token=")[2].partition("&")[0]
        # Loaded on use: only lists of more than a page need it.
        from urllib.parse import unquote

        page = client.call(endpoint("events.NEXT"), query={"page-token": unquote(token)})


def find(client: "Client", given: str) -> Any:
    """The event of this id. Raises NotFound."""
    if not is_id(given):
        raise Missing("event", given, "event")
    events = client.call(endpoint("events.FILTER"), {"filter": {"id": {"id": [given]}}, "limit": 1}).events
    if not events:
        raise Missing("event", given, "event")
    return events[0]


def _names(client: "Client", values: list[str]) -> dict[str, Any]:
    exact = [value for value in values if not value.endswith("*")]
    starts = [value.removesuffix("*") for value in values if value.endswith("*")]
    return nested("filter.event", {"name": exact or None, "prefix": starts or None})


def _resources(client: "Client", values: list[str]) -> dict[str, Any]:
    exact = [value for value in values if not value.endswith("*")]
    starts = [value.removesuffix("*") for value in values if value.endswith("*")]
    return nested("filter.any_resource", {"id": exact or None, "id_prefix": starts or None})


def _text(client: "Client", value: str) -> dict[str, Any]:
    return nested("filter.text.query", value)


def _since(client: "Client", value: str) -> dict[str, Any]:
    return nested("filter.occurred.since", iso(moment(value)))


def _until(client: "Client", value: str) -> dict[str, Any]:
    return nested("filter.occurred.until", iso(moment(value)))


def about(event: Any, names: Names) -> str:
    """What an event is about: the name of its resource, or its id."""
    return str(event.resource.get("prefect.resource.name") or event.resource.get("prefect.resource.id", ""))


EVENT = Noun(
    name="event",
    plural="events",
    list="events.FILTER",
    columns=(
        Column("occurred", kind="moment"),
        Column("event", cut=True),
        Column("about", about, cut=True),
        Column("id", kind="id", rank=2),
    ),
    detail=(
        Column("received", kind="moment"),
        Column("resource", kind="json"),
        Column("related", kind="json"),
        Column("payload", kind="json"),
        Column("follows", kind="id"),
    ),
    find=find,
    key="id",
    label="event",
    metavar="ID",
    filters=(
        Filter(
            ("--name", "--event", "-e"),
            "Only this kind of event; * at the end for all that begin so.",
            _names,
            metavar="NAME",
        ),
        Filter(
            ("--resource", "-r"),
            "Only about this resource, also as a related one; * as above.",
            _resources,
            metavar="ID",
        ),
        Filter(("--text",), "Only with these words.", _text, kind="one"),
        Filter(("--since",), "Only after this: 2h (ago), yesterday.", _since, metavar="TIME", kind="one"),
        Filter(("--until",), "Only before this.", _until, metavar="TIME", kind="one"),
    ),
    sorts={"newest": "DESC", "oldest": "ASC"},
    limit=50,
    rows=_rows,
)
