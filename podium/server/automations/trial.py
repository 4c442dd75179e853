"""Evaluates an automation over events that are given, on a clock of their own, and stores nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from podium.db.ids import new_id
from podium.server.automations.evaluation import Evaluation
from podium.server.automations.firing import Firing
from podium.server.automations.interest import Index
from podium.server.automations.memory import Memory
from podium.server.automations.ordering import PATIENCE, with_followers
from podium.server.automations.refusals import REASONS
from podium.server.errors import Invalid
from podium.server.events.event import Event
from podium.wire.automation_firings import AutomationTestResult, TriedAction, TriedFiring, TriedRefusal
from podium.wire.automations import AutomationCreate
from podium.wire.triggers import EventTrigger, Trigger

MOST_WINDOWS = 10_000
"""Windows that may end in a trial."""


class Trial:
    """The triggers of one automation, told of events as they arrive and of the time as it passes.

    ``memory`` is what they remember, and what came of it.
    """

    def __init__(self, automation_id: str, trigger: Trigger, lapse: timedelta = timedelta(seconds=60)) -> None:
        self.index = Index()
        self.index.add(automation_id, trigger)
        self.memory = Memory(datetime.min.replace(tzinfo=UTC))
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


def try_automation(automation: AutomationCreate, events: Sequence[Event], now: datetime | None) -> AutomationTestResult:
    """What an automation would do if these events arrived in this order, none before it occurred, and time went on
    until ``now``; ``Invalid`` where that are too many windows."""
    places = dict(_places(automation.trigger, "trigger"))
    trial = Trial("", automation.trigger)
    if automation.enabled:
        _run(trial, events, now)
    else:
        _refuse_all(trial, events)
    memory = trial.memory
    return AutomationTestResult(
        firings=[_tried(automation, firing) for _, firing in memory.firings],
        refusals=[
            TriedRefusal(
                trigger=places[each.trigger_id],
                reason=each.reason,
                meaning=REASONS[each.reason],
                values=list(each.key),
                detail=each.detail,
                count=each.count,
                first=each.first,
                last=each.last,
                last_event_id=each.last_event_id,
            )
            for each in memory.refusals.values()
        ],
    )


def _run(trial: Trial, events: Sequence[Event], until: datetime | None) -> None:
    clock: datetime | None = None
    steps = 0

    def pass_time(to: datetime) -> None:
        nonlocal clock, steps
        clock = to if clock is None else clock
        trial.time(clock)
        while (end := trial.next_end()) is not None and end <= to:
            steps += 1
            if steps > MOST_WINDOWS:
                raise Invalid(f"More than {MOST_WINDOWS} windows would end in that time")
            clock = max(clock, end)
            trial.time(clock)
        clock = max(clock, to)
        trial.time(clock)

    for event in events:
        pass_time(event.occurred if clock is None else max(clock, event.occurred))
        assert clock is not None
        trial.event(event, clock)
    if until is not None and (clock is None or until > clock):
        pass_time(until)


def _refuse_all(trial: Trial, events: Sequence[Event]) -> None:
    for event in events:
        trial.memory.now = max(trial.memory.now, event.occurred)
        for watch in trial.index.concerned(event):
            trial.memory.refuse(watch, "disabled", watch.key(event), event.id, {})


def _tried(automation: AutomationCreate, firing: Firing) -> TriedFiring:
    cause = firing.triggering_event
    of_event = [(action, False) for action in automation.actions]
    of_firing = [(action, True) for action in automation.actions_on_trigger]
    return TriedFiring(
        triggered=firing.triggered,
        triggering_event_id=None if cause is None else cause["id"],
        triggering_labels=firing.triggering_labels,
        actions=[
            TriedAction(action_index=index, action=msgspec.to_builtins(action), on_trigger=on_trigger)
            for index, (action, on_trigger) in enumerate([*of_event, *of_firing])
        ],
    )


def _places(trigger: Trigger, place: str) -> Iterator[tuple[str, str]]:
    """The ids of a trigger and its parts, which are given here, with their places."""
    trigger.id = new_id()
    yield trigger.id, place
    if not isinstance(trigger, EventTrigger):
        for number, inner in enumerate(trigger.triggers):
            yield from _places(inner, f"{place}.triggers[{number}]")
