"""What triggers remember between events, and what came of evaluating them; where it is kept is another's business."""

from datetime import datetime
from typing import Any

import msgspec

from podium.server.automations.covering import Group, Key, Watch
from podium.server.automations.firing import Firing
from podium.server.automations.refusals import Reason

NOBODY: Key = ()
"""The key of triggers that do not tell events apart."""


class Bucket(msgspec.Struct):
    """The window in which a trigger counts at present: from ``start`` until ``end``, which is outside.

    ``count`` is -1 while only the event was seen that opened it and is expected as well. ``last_event`` is the event as
    clients read it; kept for proactive triggers, which fire without one.
    """

    start: datetime
    end: datetime
    count: int = 0
    last_event: dict[str, Any] | None = None


class Part(msgspec.Struct):
    """A trigger that is part of another fired, by what happened ``at`` that moment."""

    firing: Firing
    at: datetime


class Refusal(msgspec.Struct):
    """Why a trigger did not fire, how often, and with which event last."""

    automation_id: str
    trigger_id: str
    reason: Reason
    key: Key
    detail: dict[str, Any]
    first: datetime
    last: datetime
    count: int = 0
    last_event_id: str | None = None


Place = tuple[str, str, Key]
"""The ids of automation and trigger, and the key of a bucket."""


class Memory:
    """The windows and firings of triggers in plain dicts.

    ``now`` is the clock of whoever evaluates. ``changed`` and ``moved`` are the places of buckets and of parts that
    differ from what was loaded.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.buckets: dict[tuple[str, str], dict[Key, Bucket]] = {}
        self.parts: dict[tuple[str, str], dict[str, Part]] = {}
        self.changed: set[Place] = set()
        self.moved: set[tuple[str, str, str]] = set()
        self.firings: list[tuple[str, Firing]] = []
        self.refusals: dict[tuple[str, str, Reason, Key], Refusal] = {}

    def of(self, automation_id: str, trigger_id: str) -> dict[Key, Bucket]:
        """The windows of a trigger by their keys."""
        return self.buckets.setdefault((automation_id, trigger_id), {})

    def bucket(self, watch: Watch, key: Key) -> Bucket | None:
        """The window of a trigger for events with this key."""
        return self.of(watch.automation_id, watch.id).get(key)

    def put(self, watch: Watch, key: Key, bucket: Bucket) -> Bucket:
        """Keeps a window in place of what was there."""
        self.of(watch.automation_id, watch.id)[key] = bucket
        self.changed.add((watch.automation_id, watch.id, key))
        return bucket

    def drop(self, watch: Watch, key: Key) -> None:
        """Forgets a window."""
        if self.of(watch.automation_id, watch.id).pop(key, None) is not None:
            self.changed.add((watch.automation_id, watch.id, key))

    def keys(self, watch: Watch) -> list[Key]:
        """The keys for which a trigger has a window, the one that ends first in front."""
        return [
            key for _, key in sorted((each.end, key) for key, each in self.of(watch.automation_id, watch.id).items())
        ]

    def forget(self, old: datetime) -> None:
        """Drops windows that ended by then."""
        for ids, buckets in self.buckets.items():
            for key in [key for key, bucket in buckets.items() if bucket.end <= old]:
                del buckets[key]
                self.changed.add((*ids, key))

    def parts_of(self, group: Group) -> dict[str, Part]:
        """The firings of the triggers that make up another, by the ids of those, in the order in which they came."""
        return self.parts.setdefault((group.automation_id, group.id), {})

    def put_part(self, group: Group, member: str, part: Part) -> None:
        """Notes that a member of a group fired."""
        known = self.parts_of(group)
        known.pop(member, None)
        known[member] = part
        self.moved.add((group.automation_id, group.id, member))

    def drop_parts(self, group: Group, members: list[str]) -> None:
        """Forgets firings of members of a group."""
        known = self.parts_of(group)
        for member in members:
            del known[member]
            self.moved.add((group.automation_id, group.id, member))

    def fire(self, automation_id: str, firing: Firing) -> None:
        """Notes that an automation fires."""
        self.firings.append((automation_id, firing))

    def refuse(
        self, trigger: Watch | Group, reason: Reason, key: Key, event_id: str | None, detail: dict[str, Any]
    ) -> None:
        """Notes why a trigger does not fire."""
        place = (trigger.automation_id, trigger.id, reason, key)
        refusal = self.refusals.get(place)
        if refusal is None:
            refusal = self.refusals[place] = Refusal(
                trigger.automation_id, trigger.id, reason, key, detail, self.now, self.now
            )
        refusal.count += 1
        refusal.last = self.now
        refusal.detail = detail
        refusal.last_event_id = event_id
