"""Event triggers made ready to be asked: which events they cover, and to which of their windows an event belongs."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

from podium.server.events.event import RESOURCE_ID, RESOURCE_ROLE, Event, Labels
from podium.wire.events import ResourceSpecification
from podium.wire.triggers import EventTrigger

Names = Callable[[str], bool]
Key = tuple[str, ...]

RELATED = "related"
OF_AUTOMATIONS = "prefect.automation"
OF_FIRINGS = tuple(f"{OF_AUTOMATIONS}.{each}" for each in ("triggered", "resolved", "action."))
_SPECIAL = frozenset("*?[")


class Condition(NamedTuple):
    """What the values of a label may be: one of ``exact``, or what one of ``patterns`` takes."""

    label: str
    exact: frozenset[str]
    patterns: tuple[Names, ...]
    expression: str | None
    """All that it takes as one regular expression; None where something is taken for what it is not."""

    def takes(self, labels: Labels) -> bool:
        """Whether the resource has the label with such a value."""
        value = labels.get(self.label)
        if value is None:
            return False
        return value in self.exact or any(fits(value) for fits in self.patterns)


Specification = tuple[Condition, ...]


def compile_specification(wanted: ResourceSpecification) -> Specification:
    """The conditions of a specification; an empty one takes every resource."""
    return tuple(_condition(label, [values] if isinstance(values, str) else values) for label, values in wanted.items())


def _condition(label: str, values: Iterable[str]) -> Condition:
    listed = list(values)
    exact = frozenset(value for value in listed if not _is_pattern(value))
    negated = any(value.startswith("!") for value in listed)
    expression = None if negated else "|".join(f"(?:{translate(value)})" for value in listed)
    return Condition(label, exact, tuple(_label_pattern(value) for value in listed if _is_pattern(value)), expression)


def _is_pattern(value: str) -> bool:
    return value.startswith("!") or not _SPECIAL.isdisjoint(value)


@lru_cache(maxsize=4096)
def _label_pattern(text: str) -> Names:
    """Unix shell style, case matters; behind a leading ``!``: all but that."""
    fits = re.compile(translate(text.removeprefix("!"))).match
    if text.startswith("!"):
        return lambda value: fits(value) is None
    return lambda value: fits(value) is not None


@lru_cache(maxsize=4096)
def name_pattern(text: str) -> Names:
    """Names of events where ``*`` stands for any run of characters and all else for itself."""
    fits = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL).fullmatch
    return lambda name: fits(name) is not None


def _any_of(names: Iterable[str]) -> Names:
    exact = frozenset(name for name in names if "*" not in name)
    patterns = tuple(name_pattern(name) for name in names if "*" in name)
    if not patterns:
        return exact.__contains__
    return lambda name: name in exact or any(fits(name) for fits in patterns)


def takes_all(specification: Specification, labels: Labels) -> bool:
    """Whether a resource fulfils every condition."""
    return all(condition.takes(labels) for condition in specification)


class Watch:
    """An event trigger of an automation, as the engine asks it.

    ``names``: the event names it is about, None for all. ``after``: whether its windows are opened by events of their
    own. ``immediate``: it counts events whenever they come. ``stands``: it always has a window, opened by time alone.
    ``minds_firings``: it names automations, and so may be about what they do themselves; others never are, since one
    that is about every event would fire because it fired. ``parent`` is the trigger it is part of, None for that of the
    automation.
    """

    __slots__ = (
        "after",
        "automation_id",
        "expects",
        "for_each",
        "id",
        "immediate",
        "match",
        "match_related",
        "minds_firings",
        "names",
        "number",
        "parent",
        "proactive",
        "stands",
        "starts",
        "threshold",
        "within",
    )

    def __init__(self, trigger: EventTrigger, automation_id: str, parent: "Group | None") -> None:
        self.id = str(trigger.id)
        self.automation_id = automation_id
        self.parent = parent
        self.number = 0
        self.proactive = trigger.posture == "Proactive"
        self.threshold = trigger.threshold
        self.within = timedelta(seconds=trigger.within)
        self.after = bool(trigger.after)
        self.immediate = not self.proactive and trigger.within == 0
        self.for_each = sorted(trigger.for_each)
        self.stands = self.proactive and not self.after and not self.for_each
        self.starts: Names = _any_of(trigger.after)
        self.expects: Names = _any_of(trigger.expect) if trigger.expect else lambda name: True
        self.names = [*trigger.expect, *trigger.after] if trigger.expect else None
        self.match = compile_specification(trigger.match)
        related = trigger.match_related if isinstance(trigger.match_related, list) else [trigger.match_related]
        self.match_related = tuple(compile_specification(each) for each in related if each)
        ids = trigger.match.get(RESOURCE_ID, [])
        named = [*trigger.expect, *trigger.after, *([ids] if isinstance(ids, str) else ids)]
        self.minds_firings = any(each.startswith(OF_AUTOMATIONS) for each in named)

    def covers_resources(self, event: Event) -> bool:
        """Whether it happened to such a resource, with such others related to it."""
        return takes_all(self.match, event.resource) and all(
            any(takes_all(each, labels) for labels in event.related) for each in self.match_related
        )

    def key(self, event: Event) -> Key:
        """The values of the labels of ``for_each``: events with the same ones are counted together."""
        return tuple(_value(label, event) for label in self.for_each)

    def labels(self, key: Key) -> dict[str, str]:
        """The labels of ``for_each`` with the values of a key."""
        return dict(zip(self.for_each, key, strict=True))


class Group:
    """A trigger made of others: fires when ``needed`` of them did, in their order if it is a sequence."""

    __slots__ = ("automation_id", "id", "kind", "members", "needed", "parent", "within")

    def __init__(
        self,
        trigger_id: str,
        kind: str,
        automation_id: str,
        parent: "Group | None",
        needed: int,
        within: float | None,
    ) -> None:
        self.id = trigger_id
        self.kind = kind
        self.automation_id = automation_id
        self.parent = parent
        self.needed = needed
        self.within = None if within is None else timedelta(seconds=within)
        self.members: list[str] = []

    @property
    def is_sequence(self) -> bool:
        """Whether the order matters."""
        return self.kind == "sequence"


def _value(label: str, event: Event) -> str:
    """The value of a label of the resource, or of the first resource related in a role (``related:<role>:<label>``)."""
    kind, _, rest = label.partition(":")
    role, separator, related_label = rest.rpartition(":")
    if kind == RELATED and separator:
        for labels in event.related:
            if labels[RESOURCE_ROLE] == role:
                return labels.get(related_label, "")
    return event.resource.get(label, "")
