"""A model of triggers, written from the contract: slow, obvious, without databases, batches or restarts.

Times are seconds. ``Model.event`` is told of events in the order in which they arrive, ``Model.tick`` of the time.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

LOOKBACK = 900.0
LAPSE = 60.0
Trigger = dict[str, Any]


@dataclass
class Happened:
    id: str
    name: str
    at: float
    resource: dict[str, str]
    related: list[dict[str, str]] = field(default_factory=list)
    follows: str | None = None


@dataclass
class Window:
    trigger: str
    key: tuple[str, ...]
    start: float
    end: float
    count: int
    last: str | None = None


@dataclass(frozen=True)
class Fired:
    """A trigger fired: which, for which values of ``for_each``, with which event, at which time of the events."""

    trigger: str
    key: tuple[str, ...]
    event: str | None
    at: float
    parts: tuple["Fired", ...] = ()


def fits(wanted: Trigger, labels: dict[str, str]) -> bool:
    def one(label: str, pattern: str) -> bool:
        positive = fnmatchcase(labels.get(label, ""), pattern.removeprefix("!"))
        return label in labels and positive != pattern.startswith("!")

    listed = {label: [each] if isinstance(each, str) else each for label, each in wanted.items()}
    return all(any(one(label, pattern) for pattern in patterns) for label, patterns in listed.items())


def named(patterns: list[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def expects(trigger: Trigger, name: str) -> bool:
    return not trigger["expect"] or named(trigger["expect"], name)


def stands(trigger: Trigger) -> bool:
    return trigger["posture"] == "Proactive" and not trigger["for_each"] and not trigger["after"]


class Model:
    """One automation's triggers, given as the JSON of the wire with an ``id`` each; ``fired`` is what came of it."""

    def __init__(self, trigger: Trigger) -> None:
        self.root = trigger
        self.windows: list[Window] = []
        self.parts: list[tuple[str, str, Fired]] = []
        self.seen: set[str] = set()
        self.parked: list[tuple[float, Happened]] = []
        self.fired: list[Fired] = []

    def event(self, event: Happened, now: float) -> None:
        """An event arrives."""
        if event.id in self.seen or event.id in [parked.id for _, parked in self.parked]:
            return
        self.release(now)
        if event.follows is not None and event.follows != event.id and event.follows not in self.seen:
            self.parked.append((now, event))
        else:
            self.handle(event)

    def handle(self, event: Happened) -> None:
        self.seen.add(event.id)
        for trigger, above in self.leaves(self.root, []):
            if self.covers(trigger, event):
                self.count(trigger, above, event)
        followers = [pair for pair in self.parked if pair[1].follows == event.id]
        for pair in sorted(followers, key=lambda pair: pair[1].at):
            self.parked.remove(pair)
            self.handle(pair[1])

    def release(self, now: float) -> None:
        """Those whose leader did not come for 15 minutes wait no longer."""
        while lost := [pair for pair in self.parked if now - pair[0] >= LOOKBACK]:
            self.parked.remove(lost[0])
            self.handle(lost[0][1])

    def tick(self, now: float) -> None:
        """Time passes: windows of proactive triggers close, those without labels or a start of their own open."""
        for trigger, above in self.leaves(self.root, []):
            if trigger["posture"] == "Proactive":
                for window in sorted(self.of(trigger), key=lambda window: (window.end, window.key)):
                    if window.end <= now:
                        self.close(trigger, above, window, now)
                if stands(trigger) and not self.of(trigger):
                    self.windows.append(Window(trigger["id"], (), now, now + trigger["within"], 0))
        self.windows = [window for window in self.windows if window.end + LAPSE > now]

    def leaves(self, trigger: Trigger, above: list[Trigger]) -> list[tuple[Any, list[Any]]]:
        """The event triggers, each with the triggers that it is part of, the nearest first."""
        if trigger["type"] == "event":
            return [(trigger, above)]
        return [leaf for each in trigger["triggers"] for leaf in self.leaves(each, [trigger, *above])]

    def of(self, trigger: Trigger) -> list[Window]:
        return [window for window in self.windows if window.trigger == trigger["id"]]

    def covers(self, trigger: Trigger, event: Happened) -> bool:
        wanted = trigger["match_related"]
        listed = wanted if isinstance(wanted, list) else [wanted]
        is_named = expects(trigger, event.name) or named(trigger["after"], event.name)
        related = all(not each or any(fits(each, labels) for labels in event.related) for each in listed)
        return is_named and related and fits(trigger["match"], event.resource)

    def key(self, trigger: Trigger, event: Happened) -> tuple[str, ...]:
        def value(label: str) -> str:
            role, inner = label.split(":")[1:] if label.startswith("related:") else ("", label)
            in_role = [labels for labels in event.related if labels["prefect.resource.role"] == role]
            return in_role[0].get(inner, "") if in_role else event.resource.get(label, "")

        return tuple(map(value, sorted(trigger["for_each"])))

    def count(self, trigger: Trigger, above: list[Trigger], event: Happened) -> None:
        key, starts = self.key(trigger, event), named(trigger["after"], event.name)
        expected, proactive = expects(trigger, event.name), trigger["posture"] == "Proactive"
        immediate = not proactive and trigger["within"] == 0
        window = next((window for window in self.of(trigger) if window.key == key), None)
        floor = event.at - LOOKBACK
        if window and window.end + (LAPSE if immediate else 0) <= event.at:
            floor = max(floor, window.end)
            if proactive:
                self.close(trigger, above, window, event.at)
            elif starts or not trigger["after"]:
                self.windows.remove(window)
            window = next((w for w in self.of(trigger) if w.key == key and w.end > event.at), None)
        if window and event.at >= window.start and starts and proactive and window.count >= trigger["threshold"]:
            self.windows.remove(window)
            window = None
        if window is None:
            if trigger["after"] and not starts:
                return
            start = event.at if trigger["after"] else floor
            window = Window(trigger["id"], key, start, event.at + trigger["within"], -1 if starts and expected else 0)
            self.windows.append(window)
        if event.at < window.start:
            return
        window.last = event.id
        if not expected:
            return
        window.count += 1
        if proactive and window.count >= trigger["threshold"] and starts:
            window.start, window.end, window.count = event.at, event.at + trigger["within"], 0
        elif not proactive and window.count >= trigger["threshold"]:
            self.windows.remove(window)
            if not trigger["after"] and trigger["within"]:
                start = max(window.end, event.at)
                self.windows.append(Window(trigger["id"], key, start, start + trigger["within"], 0))
            self.fire(above, Fired(trigger["id"], key, event.id, event.at))

    def close(self, trigger: Trigger, above: list[Trigger], window: Window, now: float) -> None:
        missed = window.count < trigger["threshold"]
        self.windows.remove(window)
        if stands(trigger) or (missed and not trigger["after"]):
            start = max(window.end, now)
            self.windows.append(Window(trigger["id"], window.key, start, start + trigger["within"], 0))
        if missed:
            self.fire(above, Fired(trigger["id"], window.key, window.last, window.end))

    def fire(self, above: list[Trigger], fired: Fired) -> None:
        """A trigger fired: it is the automation's own, or part of the nearest one above."""
        if not above:
            self.fired.append(fired)
            return
        parent, rest = above[0], above[1:]
        needed = {"any": 1, "all": len(parent["triggers"])}.get(parent.get("require", "all"), parent.get("require"))
        if needed == 1:
            self.fire(rest, Fired(parent["id"], (), fired.event, fired.at, (fired,)))
            return
        mine = [part for of, child, part in self.parts if of == parent["id"] and child == fired.trigger]
        if mine and mine[0].at > fired.at:
            return
        self.parts = [each for each in self.parts if each[:2] != (parent["id"], fired.trigger)]
        self.parts.append((parent["id"], fired.trigger, fired))
        newest = max(part.at for of, _, part in self.parts if of == parent["id"])
        if parent["within"] is not None:
            self.parts = [p for p in self.parts if p[0] != parent["id"] or p[2].at >= newest - parent["within"]]
        known = sorted((part for of, _, part in self.parts if of == parent["id"]), key=lambda part: part.at)
        order = [part.trigger for part in known]
        ready = (
            order == [each["id"] for each in parent["triggers"]] if "require" not in parent else len(order) >= needed
        )
        if ready and fired in known:
            self.parts = [each for each in self.parts if each[0] != parent["id"]]
            self.fire(rest, Fired(parent["id"], (), fired.event, newest, tuple(known)))
