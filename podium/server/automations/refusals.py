"""Why an automation does not fire although an event concerns it: the only list of reasons there are."""

from typing import Final, Literal, get_args

Reason = Literal[
    "disabled",
    "event_too_old",
    "expected_came",
    "not_started",
    "out_of_order",
    "threshold_not_reached",
    "waiting_for_leader",
    "waiting_for_others",
    "window_not_over",
    "window_opened",
    "window_over",
]

REASONS: Final[dict[Reason, str]] = {
    "disabled": "The automation is disabled.",
    "event_too_old": "The event occurred before the present window began.",
    "expected_came": "What a proactive trigger expects came in time.",
    "not_started": "No event of `after` opened a window yet.",
    "out_of_order": "All triggers of a sequence fired, but not in their order.",
    "threshold_not_reached": "Too few events so far.",
    "waiting_for_leader": "The event follows another that has not come yet; it is put off for 15 minutes at most.",
    "waiting_for_others": "Not enough of the triggers that this one is made of have fired.",
    "window_not_over": "A proactive trigger fires at the end of its window, if too few events came by then.",
    "window_opened": "The event opened a window, or came in an open one, and is not expected itself.",
    "window_over": "The window had ended when the event occurred, and only an event of `after` opens another.",
}

assert set(REASONS) == set(get_args(Reason))
