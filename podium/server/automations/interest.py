"""Which events concern which triggers: looked up, not tried one by one, since every event that is stored asks.

A ``Catalogue`` is made from the enabled automations and never changes. It is as of a number that is counted up with
every change of an automation (``automation_generations``); the statement that stores an event tells the present one.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import msgspec
from sqlalchemy import select, text, update

from podium.db.tables.automations import automation_generations, automations
from podium.db.unit import Row, Tx
from podium.server.automations.covering import OF_FIRINGS, Condition, Group, Watch, name_pattern
from podium.server.events.event import RESOURCE_ID, RESOURCE_ROLE, Event
from podium.wire.triggers import CompoundTrigger, EventTrigger, Trigger

logger = logging.getLogger("podium.server.automations")

LOCK = 0x706F6461
"""Key of the advisory lock (PostgreSQL) of whoever evaluates automations or changes one."""

_MOST_NAMES = 4096

NUMBER = select(automation_generations.c.number).where(automation_generations.c.id == 1)
_COUNT_UP = update(automation_generations).values(number=automation_generations.c.number + 1)
_LOCK = text(f"SELECT pg_advisory_xact_lock({LOCK})")
_ENABLED = (
    select(automations.c.id, automations.c.workspace_id, automations.c.trigger)
    .where(automations.c.enabled)
    .order_by(automations.c.created, automations.c.id)
)


def take_turn(tx: Tx) -> None:
    """Waits until nobody else evaluates or changes automations; so it stays until the unit ends."""
    if tx.dialect == "postgresql":
        tx.one(_LOCK)


def count_up(tx: Tx) -> None:
    """Tells whoever remembers the automations that they change in this unit; to be called before they do."""
    take_turn(tx)
    tx.run(_COUNT_UP)


class Sieve:
    """Triggers with patterns for the same label: tried one by one only for values that one of the patterns takes."""

    __slots__ = ("_expressions", "_fits", "_watches")

    def __init__(self) -> None:
        self._watches: list[Watch] = []
        self._expressions: list[str] = []
        self._fits: re.Pattern[str] | None = None

    def put(self, watch: Watch, expression: str) -> None:
        """Adds a trigger with what it takes."""
        self._watches.append(watch)
        self._expressions.append(expression)
        self._fits = None

    def found(self, value: str | None) -> Sequence[Watch]:
        """All of the triggers, or none where the value is nothing to any."""
        if value is None:
            return ()
        if self._fits is None:
            self._fits = re.compile("|".join(dict.fromkeys(self._expressions)))
        return self._watches if self._fits.match(value) else ()


class Shelf:
    """Triggers that are about the same event names, by what an event must have to concern them."""

    __slots__ = ("patterns", "primary", "related", "rest")

    def __init__(self) -> None:
        self.primary: dict[str, dict[str, list[Watch]]] = {}
        self.related: dict[str, dict[str, list[Watch]]] = {}
        self.patterns: dict[str, Sieve] = {}
        self.rest: list[Watch] = []

    def put(self, watch: Watch) -> None:
        """Adds a trigger where the fewest events find it."""
        anchor = _anchor(watch.match)
        shelves = self.primary
        if anchor is None:
            shelves = self.related
            anchor = next(filter(None, map(_anchor, watch.match_related)), None)
        if anchor is None:
            pattern = _pattern(watch.match)
            if pattern is None:
                self.rest.append(watch)
            else:
                self.patterns.setdefault(pattern.label, Sieve()).put(watch, str(pattern.expression))
            return
        by_value = shelves.setdefault(anchor.label, {})
        for value in anchor.exact:
            by_value.setdefault(value, []).append(watch)

    def found(self, event: Event) -> Iterator[Watch]:
        """The triggers that the event may concern, some more than once."""
        for label, by_value in self.primary.items():
            yield from by_value.get(event.resource.get(label, ""), ())
        for label, by_value in self.related.items():
            for labels in event.related:
                yield from by_value.get(labels.get(label, ""), ())
        for label, sieve in self.patterns.items():
            yield from sieve.found(event.resource.get(label))
        yield from self.rest


def _anchor(specification: Sequence[Condition]) -> Condition | None:
    """The condition that few resources fulfil: values given as they are, best of all the id."""
    fixed = [each for each in specification if each.exact and not each.patterns and each.label != RESOURCE_ROLE]
    return next((each for each in fixed if each.label == RESOURCE_ID), fixed[0] if fixed else None)


def _pattern(specification: Sequence[Condition]) -> Condition | None:
    """The condition with patterns that tells most: those of ids mostly name a kind of resource."""
    fitting = [each for each in specification if each.expression]
    return next((each for each in fitting if each.label != RESOURCE_ID), fitting[0] if fitting else None)


class Index:
    """The triggers of a workspace's enabled automations."""

    def __init__(self) -> None:
        self.watches: list[Watch] = []
        self.groups: dict[str, list[Group]] = {}
        """Those of each automation that has any."""
        self._any = Shelf()
        self._exact: dict[str, Shelf] = {}
        self._patterns: dict[str, tuple[Callable[[str], bool], Shelf]] = {}
        self._by_name: dict[str, list[Shelf]] = {}

    def add(self, automation_id: str, trigger: Trigger, parent: Group | None = None) -> None:
        """Takes in a trigger and those it is made of."""
        if isinstance(trigger, EventTrigger):
            self._add_watch(Watch(trigger, automation_id, parent))
            return
        kind = "compound" if isinstance(trigger, CompoundTrigger) else "sequence"
        group = Group(str(trigger.id), kind, automation_id, parent, _needed(trigger), trigger.within)
        self.groups.setdefault(automation_id, []).append(group)
        for inner in trigger.triggers:
            group.members.append(str(inner.id))
            self.add(automation_id, inner, group)

    def _add_watch(self, watch: Watch) -> None:
        watch.number = len(self.watches)
        self.watches.append(watch)
        if watch.names is None:
            self._any.put(watch)
            return
        for name in dict.fromkeys(watch.names):
            if "*" in name:
                self._patterns.setdefault(name, (name_pattern(name), Shelf()))[1].put(watch)
            else:
                self._exact.setdefault(name, Shelf()).put(watch)

    def wants(self, event: Event) -> bool:
        """Whether the event concerns any trigger."""
        of_firing = event.event.startswith(OF_FIRINGS)
        return any(
            watch.covers_resources(event) and (watch.minds_firings or not of_firing)
            for shelf in self._shelves(event.event)
            for watch in shelf.found(event)
        )

    def concerned(self, event: Event) -> list[Watch]:
        """The triggers that cover the event, in the order of their automations."""
        of_firing = event.event.startswith(OF_FIRINGS)
        found = {watch.number: watch for shelf in self._shelves(event.event) for watch in shelf.found(event)}
        watches = (found[number] for number in sorted(found))
        return [each for each in watches if each.covers_resources(event) and (each.minds_firings or not of_firing)]

    def _shelves(self, name: str) -> list[Shelf]:
        shelves = self._by_name.get(name)
        if shelves is None:
            exact = self._exact.get(name)
            shelves = [self._any] if exact is None else [exact, self._any]
            shelves.extend(shelf for fits, shelf in self._patterns.values() if fits(name))
            if len(self._by_name) >= _MOST_NAMES:
                self._by_name = {}
            self._by_name[name] = shelves
        return shelves


def _needed(trigger: Trigger) -> int:
    if isinstance(trigger, EventTrigger):
        return 1
    required = trigger.require if isinstance(trigger, CompoundTrigger) else "all"
    if required == "any":
        return 1
    return len(trigger.triggers) if required == "all" else required


NOTHING = Index()


class Catalogue:
    """The indexes of all workspaces, as of a number of changes."""

    __slots__ = ("indexes", "number")

    def __init__(self, number: int, rows: Iterable[Row] = ()) -> None:
        self.number = number
        self.indexes: dict[str, Index] = {}
        for row in rows:
            try:
                trigger = msgspec.json.decode(bytes(row["trigger"]), type=Trigger)
            except (msgspec.DecodeError, RecursionError) as error:
                logger.error("The automation %s is left out, its trigger is none: %s", row["id"], error)
                continue
            self.indexes.setdefault(row["workspace_id"], Index()).add(row["id"], trigger)

    def of(self, workspace_id: str) -> Index:
        """The triggers of a workspace."""
        return self.indexes.get(workspace_id, NOTHING)


class Interest:
    """What this process remembers of the automations."""

    def __init__(self) -> None:
        self.catalogue = Catalogue(-1)

    def current(self, tx: Tx, number: int | None = None) -> Catalogue:
        """The automations as this unit sees them; ``number`` is how often they changed, asked for where it is None.

        Read anew where they changed, and remembered once the unit is committed: it may have changed them itself.
        """
        if number is None:
            number = tx.value(NUMBER)
        if number == self.catalogue.number:
            return self.catalogue
        catalogue = Catalogue(number or 0, tx.all(_ENABLED))
        tx.after_commit(partial(self.remember, catalogue))
        return catalogue

    def remember(self, catalogue: Catalogue) -> None:
        """Keeps what is committed."""
        self.catalogue = catalogue
