"""Filters that several nouns share, and finding one by its id or name."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.noun import Filter, attribute, endpoint, merged, nested
from podium.client.nouns.values import is_id, iso, moment, state_name, state_type

if TYPE_CHECKING:
    from podium.client.api import Client

Where = Callable[["Client", Any], dict[str, Any]]


class Missing(NotFound):
    """There is no such thing; the line says where to look."""

    def __init__(self, words: str, given: str, command: str) -> None:
        super().__init__(404, f"There is no {words} {given!r}; `podium {command} ls` lists them.")


def ids_or_names(place: str) -> Where:
    """A filter over a related thing that takes its ids as well as its names."""

    def where(client: "Client", values: list[str]) -> dict[str, Any]:
        ids = [value for value in values if is_id(value)]
        names = [value for value in values if not is_id(value)]
        body: dict[str, Any] = {"operator": "or_"} if ids and names else {}
        body |= {"id": {"any_": ids}} if ids else {}
        body |= {"name": {"any_": names}} if names else {}
        return nested(place, body)

    return where


def is_pattern(text: str) -> bool:
    """Whether a name is meant as a pattern of the shell."""
    return any(char in text for char in "*?[")


def matches(pattern: str, name: str | None) -> bool:
    """Whether a name fits: all of it a pattern with ``*``, any part of it another text; capitals do not count."""
    low, name = pattern.lower(), (name or "").lower()
    return fnmatchcase(name, low) if is_pattern(pattern) else low in name


def _is_literal(text: str) -> bool:
    """Whether a text stands for itself, for the shell's patterns and for those of a database."""
    return not is_pattern(text) and not any(char in text for char in "%_\\")


def by_name(place: str = "", path: str = "name", flags: tuple[str, ...] = ("--name",)) -> Filter:
    """The filter by name. ``place`` is a filter of the server that finds a part of a name, if there is one."""

    def where(client: "Client", pattern: str) -> dict[str, Any]:
        literal = max(re.split(r"\[[^]]*\]|[*?\[]", pattern), key=len)
        return nested(place, literal) if literal else {}

    def keep(row: Any, pattern: str) -> bool:
        return matches(pattern, attribute(row, path))

    help_ = "Only names with this text in them, or like a pattern with *."
    return Filter(flags, help_, where if place else "", keep, "PATTERN", "one", exact=_is_literal)


def by_tag(place: str) -> Filter:
    """The filter by tags, all of which must be there."""
    return Filter(("--tag", "-t"), "Only those with this tag; several: with all of them.", place, metavar="TAG")


def by_flow(place: str = "flows") -> Filter:
    """The filter by flow."""
    return Filter(
        ("--flow", "--flow-name"), "Only those of this flow.", ids_or_names(place), metavar="NAME|ID", noun="flow"
    )


def _deployments(client: "Client", values: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for value in values:
        if not is_id(value) and "/" in value:
            flow, name = value.rsplit("/", 1)
            row = client.call(endpoint("deployments.READ_BY_NAME"), flow_name=flow, deployment_name=name)
            value = row.id
        body = merged(body, ids_or_names("deployments")(client, [value]))
    both = "id" in body["deployments"] and "name" in body["deployments"]
    return merged(body, {"deployments": {"operator": "or_"}}) if both else body


BY_DEPLOYMENT = Filter(
    ("--deployment",),
    "Only those of this deployment.",
    _deployments,
    metavar="FLOW/NAME|ID",
    noun="deployment",
)
BY_POOL = Filter(
    ("--pool", "-p"), "Only those of this work pool.", "work_pools.name.any_", metavar="POOL", noun="work-pool"
)
BY_QUEUE = Filter(("--queue", "-q"), "Only those of this work queue.", "work_pool_queues.name.any_", metavar="QUEUE")


def by_state(place: str) -> tuple[Filter, Filter]:
    """The filters by name and type of a state."""

    def names(client: "Client", values: list[str]) -> dict[str, Any]:
        return nested(f"{place}.name.any_", [state_name(value) for value in values])

    def types(client: "Client", values: list[str]) -> dict[str, Any]:
        return nested(f"{place}.type.any_", [state_type(value) for value in values])

    return (
        Filter(("--state", "-s"), "Only those in a state of this name.", names, metavar="STATE", noun="state"),
        Filter(("--state-type",), "Only those in a state of this type.", types, metavar="TYPE", noun="state-type"),
    )


def by_time(place: str, what: str) -> tuple[Filter, Filter]:
    """The filters by time; ``what`` is said of the moment, such as ``started``."""

    def after(client: "Client", value: str) -> dict[str, Any]:
        return nested(f"{place}.after_", iso(moment(value)))

    def before(client: "Client", value: str) -> dict[str, Any]:
        return nested(f"{place}.before_", iso(moment(value)))

    example = "2h (ago), yesterday, 2026-05-06T07:08"
    return (
        Filter(("--since",), f"Only those that {what} after this: {example}.", after, metavar="TIME", kind="one"),
        Filter(("--until",), f"Only those that {what} before this.", before, metavar="TIME", kind="one"),
    )


def found(client: "Client", given: str, words: str, command: str, read: str, search: str, place: str) -> Any:
    """The row of an id (``read``), or the first that ``search`` finds by name at this place of its body."""
    if is_id(given):
        try:
            return client.call(endpoint(read), id=given)
        except NotFound:
            raise Missing(words, given, command) from None
    rows = client.call(endpoint(search), {**nested(place, [given]), "limit": 1})
    if not rows:
        raise Missing(words, given, command)
    return rows[0]


def named(client: "Client", given: str, words: str, command: str, read: str, by: str, **path: Any) -> Any:
    """The row of an id (``read``), or of a name that an endpoint takes (``by``)."""
    try:
        return client.call(endpoint(read), id=given) if is_id(given) and read else client.call(endpoint(by), **path)
    except NotFound:
        raise Missing(words, given, command) from None
