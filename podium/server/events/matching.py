"""Whether an event matches a filter, told without the database, for those who listen to what happens."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

import msgspec

from podium.server.events.event import RESOURCE_ID, RESOURCE_ROLE, Event, Labels
from podium.server.queries.text_search import Terms, parse
from podium.wire.events import (
    EventAnyResource,
    EventFilter,
    EventName,
    EventOccurred,
    EventRelated,
    EventResource,
    ResourceSpecification,
)

T = TypeVar("T")
Check = Callable[[Event], bool]


def compile_filter(wanted: EventFilter) -> Check:
    """A function that tells whether an event matches; ``resource.distinct`` and ``order`` have no meaning for one.

    Clients send an empty list where they mean no condition (``"id": {"id": []}``).
    """
    checks: list[Check] = []
    if wanted.event is not None:
        checks.append(_name_check(wanted.event))
    if wanted.id.id:
        ids = {str(each) for each in wanted.id.id}
        checks.append(lambda event: event.id in ids)
    checks.extend(_occurred_checks(wanted.occurred))
    if wanted.resource is not None:
        primary = wanted.resource
        checks.append(lambda event: _fits(primary, event.resource))
    checks.extend(_related_check(each) for each in one_or_many(wanted.related))
    anywhere = list(one_or_many(wanted.any_resource))
    if anywhere:
        checks.append(lambda event: any(_fits(each, labels) for labels in _resources(event) for each in anywhere))
    if wanted.text is not None:
        checks.append(_text_check(parse(wanted.text.query)))
    return lambda event: all(check(event) for check in checks)


def one_or_many(value: T | list[T] | None) -> list[T]:
    """The entries of a part of a filter that may be one object, a list of them, or absent."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _name_check(wanted: EventName) -> Check:
    names = frozenset(wanted.name or ())
    prefixes = tuple(wanted.prefix or ())
    excluded = frozenset(wanted.exclude_name or ())
    excluded_prefixes = tuple(wanted.exclude_prefix or ())

    def check(event: Event) -> bool:
        name = event.event
        return (
            (not names or name in names)
            and (not prefixes or name.startswith(prefixes))
            and name not in excluded
            and not name.startswith(excluded_prefixes)
        )

    return check


def _occurred_checks(wanted: EventOccurred) -> Iterable[Check]:
    since, until = wanted.since, wanted.until
    if since is not None:
        yield lambda event: event.occurred >= since
    if until is not None:
        yield lambda event: event.occurred <= until


def _fits(wanted: EventResource | EventAnyResource, labels: Labels) -> bool:
    resource_id = labels[RESOURCE_ID]
    return (
        (not wanted.id or resource_id in wanted.id)
        and (not wanted.id_prefix or resource_id.startswith(tuple(wanted.id_prefix)))
        and (not wanted.labels or fits_labels(wanted.labels, labels))
    )


def _related_check(wanted: EventRelated) -> Check:
    def fits(labels: Labels) -> bool:
        role = labels.get(RESOURCE_ROLE, "")
        pairs = wanted.resources_in_roles
        return (
            (not wanted.id or labels[RESOURCE_ID] in wanted.id)
            and (not wanted.role or role in wanted.role)
            and (not pairs or any(pair == (labels[RESOURCE_ID], role) for pair in pairs))
            and (not wanted.labels or fits_labels(wanted.labels, labels))
        )

    return lambda event: any(fits(labels) for labels in event.related)


def _resources(event: Event) -> list[Labels]:
    return [event.resource, *event.related]


def fits_labels(wanted: ResourceSpecification, labels: Labels) -> bool:
    """Whether each label is there with one of its values (``*`` any run, ``?`` any one, leading ``!`` anything but)."""
    for label, values in wanted.items():
        value = labels.get(label)
        if value is None:
            return False
        if not any(_fits_value(each, value) for each in ([values] if isinstance(values, str) else values)):
            return False
    return True


def _fits_value(wanted: str, value: str) -> bool:
    if wanted.startswith("!"):
        return not _pattern(wanted[1:]).fullmatch(value)
    return bool(_pattern(wanted).fullmatch(value))


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in text), re.DOTALL)


def _text_check(terms: Terms) -> Check:
    wanted, required, excluded = (
        [term.lower() for term in each] for each in (terms.wanted, terms.required, terms.excluded)
    )

    def check(event: Event) -> bool:
        text = searchable_text(event)
        return (
            all(term in text for term in required)
            and not any(term in text for term in excluded)
            and (not wanted or any(term in text for term in wanted))
        )

    return check


def searchable_text(event: Event) -> str:
    """What a text search looks through, in lower case: name, labels and payload."""
    parts = (event.resource, event.related, event.payload)
    return "\n".join((event.event, *(msgspec.json.encode(part).decode() for part in parts))).lower()
