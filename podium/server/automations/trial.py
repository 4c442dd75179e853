"""Evaluates an automation over events that are given, on a clock of their own, and stores nothing."""

from collections import defaultdict
from datetime import datetime, timedelta

from podium.server.automations.evaluation import Evaluation
from podium.server.automations.interest import Index
from podium.server.automations.memory import Memory
from podium.server.automations.ordering import PATIENCE, with_followers
from podium.server.events.event import Event
from podium.wire.triggers import Trigger


class Trial:
    """The triggers of one automation, told of events as they arrive and of the time as it passes.

    ``memory`` is what they remember, and what came of it.
    """

    def __init__(self, automation_id: str, trigger: Trigger, lapse: timedelta = timedelta(seconds=60)) -> None:
        self.index = Index()
        self.index.add(automation_id, trigger)
        self.memory = Memory(datetime.min)
        self.seen: set[str] = set()
        self.parked: dict[str, list[Event]] = defaultdict(list)
        self._lapse = lapse

    def event(self, event: Event, now: datetime) -> None:
        """An event arrives; one that follows another which has not come waits for it."""
        self.memory.now = event.received = now
        self._release(now)
        known = self.seen.union(each.id for behind in self.parked.values() for each in behind)
        if event.id in known:
            return
        leader = event.follows
        if leader is not None and leader != event.id and leader not in self.seen:
            self.parked[leader].append(event)
            for watch in self.index.concerned(event):
                detail = {"follows": leader}
                self.memory.refuse(watch, "waiting_for_leader", watch.key(event), event.id, detail)
            return
        self._evaluate(event)

    def time(self, now: datetime) -> None:
        """Time passes: windows that have ended are closed, those of the past forgotten."""
        self.memory.now = now
        self._release(now)
        evaluation = Evaluation(self.memory, self._lapse)
        for watch in self.index.watches:
            if watch.proactive:
                evaluation.time(watch, now)
        self.memory.forget(now - self._lapse)

    def next_end(self) -> datetime | None:
        """When the first window of a proactive trigger ends."""
        ends = (
            bucket.end
            for watch in self.index.watches
            if watch.proactive
            for bucket in self.memory.of(watch.automation_id, watch.id).values()
        )
        return min(ends, default=None)

    def _evaluate(self, first: Event) -> None:
        evaluation = Evaluation(self.memory, self._lapse)
        for event in with_followers(first, self.parked, lambda each: each.id, lambda each: each.occurred):
            self.seen.add(event.id)
            for watch in self.index.concerned(event):
                evaluation.event(watch, event)

    def _release(self, now: datetime) -> None:
        """Those whose leader did not come in time wait no longer."""
        waiting = [event for behind in self.parked.values() for event in behind]
        for event in sorted(waiting, key=_received):
            behind = self.parked.get(str(event.follows), [])
            if event in behind and now - _received(event) >= PATIENCE:
                behind.remove(event)
                self._evaluate(event)


def _received(event: Event) -> datetime:
    assert event.received is not None
    return event.received
