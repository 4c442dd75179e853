"""What an automation waits for: events, or a combination of other triggers.

A trigger is stored as the JSON it came as, so its id is text; the server gives it a new one with every change.
"""

from typing import Literal

from podium.wire.endpoint import Body
from podium.wire.events import ResourceSpecification
from podium.wire.scalars import Seconds, Uuid, refusal, seconds

Posture = Literal["Reactive", "Proactive"]
SHORTEST_PROACTIVE_WINDOW = 10.0  # seconds


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class EventTrigger(Body, tag_field="type", tag="event"):
    """Fires when ``threshold`` events come within ``within`` seconds (Reactive), or do not (Proactive)."""

    posture: Posture
    id: Uuid | None = None
    match: ResourceSpecification = {}
    match_related: ResourceSpecification | list[ResourceSpecification] = {}
    after: list[str] = []
    expect: list[str] = []
    for_each: list[str] = []
    threshold: int = 1
    within: Seconds = 0.0

    def __post_init__(self) -> None:
        """Read the window; a proactive one without a length has the shortest there is."""
        self.within = seconds("within", self.within)
        if self.posture == "Proactive" and self.within == 0:
            self.within = SHORTEST_PROACTIVE_WINDOW
        if self.within < (SHORTEST_PROACTIVE_WINDOW if self.posture == "Proactive" else 0):
            least = SHORTEST_PROACTIVE_WINDOW if self.posture == "Proactive" else 0
            raise refusal("within", f"Expected at least {least:g} seconds for a {self.posture} trigger")
        self.after, self.expect, self.for_each = map(_distinct, (self.after, self.expect, self.for_each))


class CompoundTrigger(Body, tag_field="type", tag="compound"):
    """Fires when as many of its triggers as required fire within ``within`` seconds of each other."""

    triggers: list["Trigger"]
    require: int | Literal["any", "all"]
    within: Seconds | None
    id: Uuid | None = None

    def __post_init__(self) -> None:
        """Check how many are required, and the window."""
        if isinstance(self.require, int) and not 1 <= self.require <= len(self.triggers):
            raise refusal("require", f"Expected `any`, `all` or a number from 1 to {len(self.triggers)}")
        self.within = _window(self.within)


class SequenceTrigger(Body, tag_field="type", tag="sequence"):
    """Fires when its triggers fire in their order within ``within`` seconds."""

    triggers: list["Trigger"]
    within: Seconds | None
    id: Uuid | None = None

    def __post_init__(self) -> None:
        """Check the window."""
        self.within = _window(self.within)


def _window(within: float | None) -> float | None:
    if within is None:
        return None
    length = seconds("within", within)
    if length < 0:
        raise refusal("within", "Expected a window of at least 0 seconds")
    return length


Trigger = EventTrigger | CompoundTrigger | SequenceTrigger
