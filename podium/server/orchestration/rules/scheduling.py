"""Rules about when a scheduled run may start."""

from podium.server.orchestration.engine import Rule, only
from podium.server.orchestration.transition import Transition


def _copy_scheduled_time(transition: Transition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert initial is not None and proposed is not None
    if proposed.details.scheduled_time is None:
        proposed.details.scheduled_time = initial.details.scheduled_time


COPY_SCHEDULED_TIME = Rule("CopyScheduledTime", only("SCHEDULED"), only("PENDING"), before=_copy_scheduled_time)


def _wait(transition: Transition) -> None:
    assert transition.initial is not None
    scheduled = transition.initial.details.scheduled_time
    if scheduled is None:
        return
    remaining = scheduled - transition.now
    delay = remaining.days * 86400 + remaining.seconds + round(remaining.microseconds / 1_000_000)
    if delay > 0:
        transition.wait(delay, "The run is scheduled for later.")


WAIT_FOR_SCHEDULED_TIME = Rule("WaitForScheduledTime", only("SCHEDULED", "PENDING"), only("RUNNING"), before=_wait)
