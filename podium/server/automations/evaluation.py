"""When triggers fire: the rules of the contract ("Automations"), over a memory, without a database or a clock.

Time is that of the events. What an event does depends on what happened before it and on no service's timing, so that a
server that was away comes to the same firings as one that was not.
"""

from datetime import datetime, timedelta
from typing import Any

from podium.server.automations.covering import Group, Key, Watch
from podium.server.automations.firing import Firing
from podium.server.automations.memory import NOBODY, Bucket, Memory, Part
from podium.server.events.event import Event, as_received

LOOKBACK = timedelta(minutes=15)
"""How far before the event that opens it a first window begins, for events that come in another order."""


class Evaluation:
    """Evaluates triggers over a memory.

    ``lapse`` is how long counts of a window are kept after its end where a trigger takes events at any time.
    """

    def __init__(self, memory: Memory, lapse: timedelta = timedelta(seconds=60)) -> None:
        self._memory = memory
        self._lapse = lapse

    def event(self, watch: Watch, event: Event) -> None:
        """What an event that a trigger covers does to it."""
        memory, key, at = self._memory, watch.key(event), event.occurred
        starts, expected = watch.starts(event.event), watch.expects(event.event)
        before = None
        bucket = memory.bucket(watch, key)
        if bucket is not None and bucket.end + (self._lapse if watch.immediate else timedelta()) <= at:
            before = bucket.end
            bucket = self._close(watch, key, bucket, at) if watch.proactive else None
        if bucket is None:
            if watch.after and not starts:
                if before is None:
                    memory.refuse(watch, "not_started", key, event.id, {})
                else:
                    memory.refuse(watch, "window_over", key, event.id, {"window_end": before})
                return
            bucket = self._open(watch, key, at, starts and expected, before)
        elif at < bucket.start:
            memory.refuse(watch, "event_too_old", key, event.id, _window(bucket))
            return
        elif starts and watch.proactive and bucket.count >= watch.threshold:
            bucket = self._open(watch, key, at, expected, None)
        if watch.proactive:
            bucket.last_event = as_received(event)
        memory.put(watch, key, bucket)
        if not expected:
            memory.refuse(watch, "window_opened", key, event.id, _counted(watch, bucket))
            return
        if watch.immediate or at < bucket.end:
            bucket.count += 1
        if watch.proactive:
            self._await(watch, key, bucket, event, starts)
        else:
            self._react(watch, key, bucket, event)

    def time(self, watch: Watch, now: datetime) -> None:
        """What the time does to a proactive trigger: closes windows that have ended, opens the one that always is."""
        memory = self._memory
        for key in memory.keys(watch):
            bucket = memory.bucket(watch, key)
            if bucket is not None and bucket.end <= now:
                self._close(watch, key, bucket, now)
        if watch.stands and memory.bucket(watch, NOBODY) is None:
            memory.put(watch, NOBODY, Bucket(now, now + watch.within))

    def _open(self, watch: Watch, key: Key, at: datetime, counts_itself: bool, before: datetime | None) -> Bucket:
        """A new window for an event: of ``after`` it begins with that, else a while before, and not within the last."""
        start = at
        if not watch.after:
            start = at - LOOKBACK if before is None else max(before, at - LOOKBACK)
        return Bucket(start, at + watch.within, -1 if counts_itself else 0)

    def _react(self, watch: Watch, key: Key, bucket: Bucket, event: Event) -> None:
        if bucket.count < watch.threshold:
            self._memory.refuse(watch, "threshold_not_reached", key, event.id, _counted(watch, bucket))
            return
        self._memory.drop(watch, key)
        if not watch.after and watch.within:
            start = max(bucket.end, event.occurred)
            self._memory.put(watch, key, Bucket(start, start + watch.within))
        self._fire(watch, self._firing(watch, key, as_received(event)), event.occurred)

    def _await(self, watch: Watch, key: Key, bucket: Bucket, event: Event, starts: bool) -> None:
        """A proactive trigger got what it expects; where that opens windows too, the next one begins with it."""
        if bucket.count < watch.threshold:
            self._memory.refuse(watch, "window_not_over", key, event.id, _counted(watch, bucket))
            return
        self._memory.refuse(watch, "expected_came", key, event.id, _counted(watch, bucket))
        if starts:
            end = event.occurred + watch.within
            self._memory.put(watch, key, Bucket(event.occurred, end, 0, bucket.last_event))

    def _close(self, watch: Watch, key: Key, bucket: Bucket, now: datetime) -> Bucket | None:
        """Ends a window of a proactive trigger; the one that follows at once, if any does."""
        missed = bucket.count < watch.threshold
        self._memory.drop(watch, key)
        following = None
        if watch.stands or (missed and not watch.after):
            start = max(bucket.end, now)
            following = self._memory.put(watch, key, Bucket(start, start + watch.within))
        if missed:
            self._fire(watch, self._firing(watch, key, bucket.last_event), bucket.end)
        return following

    def _firing(self, watch: Watch, key: Key, event: dict[str, Any] | None) -> Firing:
        return Firing(
            trigger_id=watch.id,
            trigger_type="event",
            triggered=self._memory.now,
            posture="Proactive" if watch.proactive else "Reactive",
            triggering_labels=watch.labels(key),
            triggering_event=event,
        )

    def _fire(self, trigger: Watch | Group, firing: Firing, at: datetime) -> None:
        """A trigger fired because of what happened ``at`` that moment."""
        if trigger.parent is None:
            self._memory.fire(trigger.automation_id, firing)
        else:
            self._combine(trigger.parent, trigger.id, firing, at)

    def _combine(self, group: Group, member: str, firing: Firing, at: datetime) -> None:
        """A member of a group fired: the newest firing of each is kept, as long as they lie within its window."""
        memory = self._memory
        if group.needed == 1:
            self._fire(group, self._of_parts(group, [firing], firing), at)
            return
        event_id = None if firing.triggering_event is None else str(firing.triggering_event["id"])
        known = memory.parts_of(group)
        if member in known and known[member].at > at:
            memory.refuse(group, "event_too_old", NOBODY, event_id, {"newer": known[member].at})
            return
        memory.put_part(group, member, Part(firing, at))
        newest = max(part.at for part in known.values())
        if group.within is not None:
            memory.drop_parts(group, [each for each, part in known.items() if part.at < newest - group.within])
        if member not in known:
            memory.refuse(group, "event_too_old", NOBODY, event_id, {"newer": newest})
            return
        order = sorted(known, key=lambda each: known[each].at)
        if len(order) < group.needed:
            detail = {"fired": order, "needed": group.needed}
            memory.refuse(group, "waiting_for_others", NOBODY, event_id, detail)
        elif group.is_sequence and order != group.members:
            memory.refuse(group, "out_of_order", NOBODY, event_id, {"fired": order, "needed": group.members})
        else:
            firings = [known[each].firing for each in order]
            memory.drop_parts(group, order)
            self._fire(group, self._of_parts(group, firings, firing), newest)

    def _of_parts(self, group: Group, firings: list[Firing], last: Firing) -> Firing:
        return Firing(
            trigger_id=group.id,
            trigger_type=group.kind,
            triggered=self._memory.now,
            triggering_event=last.triggering_event,
            firings=firings,
        )


def _window(bucket: Bucket) -> dict[str, Any]:
    return {"window_start": bucket.start, "window_end": bucket.end}


def _counted(watch: Watch, bucket: Bucket) -> dict[str, Any]:
    return {"count": bucket.count, "threshold": watch.threshold, **_window(bucket)}
