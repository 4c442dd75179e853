"""Reading events by filter."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
)

from podium.db.dialect import fits_pattern, label_text
from podium.db.tables.events import event_resources, events
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Invalid
from podium.server.events.event import RESOURCE_ID, RESOURCE_ROLE
from podium.server.events.matching import one_or_many
from podium.server.queries.text_search import matches
from podium.wire.events import (
    EventAnyResource,
    EventFilter,
    EventName,
    EventRelated,
    EventResource,
    ResourceSpecification,
)

Condition = ColumnElement[bool]

MOST_TERMS = 500
"""Conditions of one filter beyond which it is refused: the time to plan a statement grows with each."""

ANY = "*?"
"""The signs that stand for others in a label's value."""

_COLUMNS = tuple(
    events.c[name] for name in ("id", "occurred", "event", "resource", "related", "payload", "received", "follows")
)
_PART = event_resources.c


def read_events_after(tx: Tx, wanted: EventFilter, after: tuple[datetime, str] | None, limit: int) -> list[Row]:
    """The next events that match, oldest first; ``after`` is (occurred, id) of the last one read."""
    statement = select(*_COLUMNS).where(*conditions(wanted))
    if after is not None:
        place = zip(after, (events.c.occurred, events.c.id), strict=True)
        last = [literal(value, column.type) for value, column in place]
        statement = statement.where(tuple_(events.c.occurred, events.c.id) > tuple_(*last))
    return tx.all(statement.order_by(events.c.occurred, events.c.id).limit(limit))


def list_events(tx: Tx, wanted: EventFilter, limit: int, offset: int = 0) -> list[Row]:
    """The events that match in the filter's order, at most ``limit`` after the first ``offset``."""
    order = (events.c.occurred, events.c.id)
    statement = selected(wanted, *_COLUMNS)
    if wanted.order == "DESC":
        statement = statement.order_by(*(column.desc() for column in order))
    else:
        statement = statement.order_by(*order)
    return tx.all(statement.limit(limit).offset(offset or None))


def asks_for_more_than_names(wanted: EventFilter) -> bool:
    """Whether a filter has anything beside names and times."""
    others = (wanted.resource, wanted.related, wanted.any_resource, wanted.text)
    return bool(wanted.id.id) or any(each is not None and each != [] for each in others)


def selected(wanted: EventFilter, *columns: Any) -> Select[Any]:
    """These columns of the events that match; of each resource's newest only when the filter says ``distinct``."""
    statement = select(*columns).where(*conditions(wanted))
    if wanted.resource is None or not wanted.resource.distinct:
        return statement
    newest_first = (events.c.occurred.desc(), events.c.id.desc())
    rank = func.row_number().over(partition_by=events.c.resource_id, order_by=newest_first)
    ranked = select(events.c.id, events.c.occurred, rank.label("rank")).where(*conditions(wanted)).subquery()
    newest = and_(events.c.id == ranked.c.id, events.c.occurred == ranked.c.occurred, ranked.c.rank == 1)
    return select(*columns).join_from(events, ranked, newest)


def _check_size(wanted: EventFilter) -> None:
    """``Invalid`` for more alternatives than a database plans in any time; values to be equal to may be any number."""
    name, anywhere, related = wanted.event, one_or_many(wanted.any_resource), one_or_many(wanted.related)
    resources = [*anywhere, *([] if wanted.resource is None else [wanted.resource])]
    terms = len(anywhere) + len(related)
    terms += 0 if name is None else len(name.prefix or ()) + len(name.exclude_prefix or ())
    terms += sum(len(each.id_prefix or ()) for each in resources)
    terms += sum(len(each.resources_in_roles or ()) for each in related)
    labelled: list[EventAnyResource | EventRelated] = [*resources, *related]
    labels = [values for each in labelled for values in (each.labels or {}).values()]
    terms += sum(1 if isinstance(values, str) else len(values) for values in labels)
    if terms > MOST_TERMS:
        raise Invalid(f"The filter has {terms} prefixes, labels and resources, more than {MOST_TERMS}.")


def conditions(wanted: EventFilter) -> list[Condition]:
    """What an event of the workspace has to be, to match; ``Invalid`` for a filter of too many parts."""
    _check_size(wanted)
    found: list[Condition] = [events.c.workspace_id == WORKSPACE]
    during = _during(wanted)
    if wanted.occurred.since is not None:
        found.append(events.c.occurred >= wanted.occurred.since)
    if wanted.occurred.until is not None:
        found.append(events.c.occurred <= wanted.occurred.until)
    found.extend(conditions_of_name(wanted.event, events.c.event))
    if wanted.id.id:
        found.append(events.c.id.in_([str(each) for each in wanted.id.id]))
    if wanted.resource is not None:
        found.extend(_of_primary(wanted.resource))
    for related in one_or_many(wanted.related):
        named = bool(related.id or related.resources_in_roles)
        found.append(_has_resource(_of_related(related), during if named else None))
    anywhere = one_or_many(wanted.any_resource)
    if anywhere:
        alternatives = or_(false(), *(and_(*_of_resource(each)) for each in anywhere))
        found.append(_has_resource(alternatives, during if all(each.id for each in anywhere) else None))
    if wanted.text is not None:
        text: ColumnElement[str] = events.c.event
        for column in (events.c.resource, events.c.related, events.c.payload):
            text = text + "\n" + cast(column, Text)
        matching = matches(text, wanted.text.query)
        if matching is not None:
            found.append(matching)
    return found


def conditions_of_name(wanted: EventName | None, name: ColumnElement[str]) -> list[Condition]:
    """What the name of an event has to be, to match."""
    found: list[Condition] = []
    if wanted is None:
        return found
    if wanted.name:
        found.append(name.in_(wanted.name))
    if wanted.prefix:
        found.append(or_(false(), *(_starts_with(name, prefix) for prefix in wanted.prefix)))
    if wanted.exclude_name:
        found.append(name.not_in(wanted.exclude_name))
    found.extend(not_(_starts_with(name, prefix)) for prefix in wanted.exclude_prefix or ())
    return found


def _starts_with(column: ColumnElement[str], prefix: str) -> Condition:
    if any(sign in prefix for sign in ANY):
        return func.substr(column, 1, len(prefix)) == prefix
    return fits_pattern(column, f"{prefix}*")


def _of_primary(wanted: EventResource) -> list[Condition]:
    found: list[Condition] = []
    if wanted.id:
        found.append(events.c.resource_id.in_(wanted.id))
    if wanted.id_prefix:
        found.append(or_(false(), *(_starts_with(events.c.resource_id, prefix) for prefix in wanted.id_prefix)))
    if wanted.labels:
        found.append(_has_resource(and_(_PART.position == 0, *_of_labels(wanted.labels))))
    return found


def _of_related(wanted: EventRelated) -> Condition:
    found: list[Condition] = [_PART.position > 0]
    if wanted.id:
        found.append(_PART.resource_id.in_(wanted.id))
    if wanted.role:
        found.append(_PART.resource_role.in_(wanted.role))
    if wanted.resources_in_roles:
        pairs = [
            and_(_PART.resource_id == each, _PART.resource_role == role) for each, role in wanted.resources_in_roles
        ]
        found.append(or_(false(), *pairs))
    found.extend(_of_labels(wanted.labels or {}))
    return and_(*found)


def _of_resource(wanted: EventAnyResource) -> list[Condition]:
    found: list[Condition] = [_PART.position >= 0]
    if wanted.id:
        found.append(_PART.resource_id.in_(wanted.id))
    if wanted.id_prefix:
        found.append(or_(false(), *(_starts_with(_PART.resource_id, prefix) for prefix in wanted.id_prefix)))
    found.extend(_of_labels(wanted.labels or {}))
    return found


def _has_resource(condition: Condition, during: list[Condition] | None = None) -> Condition:
    """That a resource of the event meets the condition; with a range of time, one that is named and looked up first."""
    if during is not None:
        return events.c.id.in_(select(_PART.event_id).where(condition, *during).correlate(None))
    return exists().where(_PART.event_id == events.c.id, condition)


def _during(wanted: EventFilter) -> list[Condition]:
    """The range of time of the filter, for the resources of events."""
    since, until = wanted.occurred.since, wanted.occurred.until
    found = [] if since is None else [_PART.occurred >= since]
    return found if until is None else [*found, _PART.occurred <= until]


def _of_labels(wanted: ResourceSpecification) -> list[Condition]:
    found = []
    for label, values in wanted.items():
        column = _label(label)
        choices = [_fits_value(column, each) for each in ([values] if isinstance(values, str) else values)]
        found.append(or_(false(), *choices))
    return found


def _label(label: str) -> ColumnElement[str]:
    if label == RESOURCE_ID:
        return _PART.resource_id
    if label == RESOURCE_ROLE:
        return _PART.resource_role
    return label_text(_PART.resource, label)


def _fits_value(column: ColumnElement[str], wanted: str) -> Condition:
    text = wanted.removeprefix("!")
    fits = fits_pattern(column, text) if any(sign in text for sign in ANY) else column == text
    return not_(fits) if wanted.startswith("!") else fits
