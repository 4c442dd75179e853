"""The rules of triggers one by one, and the words in which it is told that they do not fire."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from podium.server.automations.refusals import REASONS
from podium.server.automations.trial import Trial
from podium.wire.triggers import Trigger
from tests.architecture.sources import ROOT
from tests.server.events.samples import event

START = datetime(2026, 2, 3, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def reactive(**fields: Any) -> dict[str, Any]:
    return {"type": "event", "posture": "Reactive", **fields}


def proactive(**fields: Any) -> dict[str, Any]:
    return {"type": "event", "posture": "Proactive", **fields}


class Told:
    """A trigger that is told of events and of the time in short words: ``"a@3"`` an event, ``10`` the time."""

    def __init__(self, trigger: dict[str, Any]) -> None:
        self.trial = Trial("a", msgspec.convert(with_ids(trigger), Trigger))

    def tell(self, *words: str | float) -> "Told":
        now = 0.0
        for word in words:
            if isinstance(word, str):
                name, _, seconds = word.partition("@")
                now = max(now, float(seconds))
                self.trial.event(event(name, occurred=at(float(seconds))), at(now))
            else:
                now = word
                self.trial.time(at(word))
        return self

    @property
    def fired(self) -> list[float]:
        """When it fired."""
        return [(firing.triggered - START).total_seconds() for _, firing in self.trial.memory.firings]

    @property
    def reasons(self) -> list[str]:
        return [refusal.reason for refusal in self.trial.memory.refusals.values()]


def with_ids(trigger: dict[str, Any], place: str = "0") -> dict[str, Any]:
    number = f"00000000-0000-0000-0000-{int(place):012d}"
    inner = [with_ids(each, f"{place}{1 + index}") for index, each in enumerate(trigger.get("triggers", ()))]
    return {**trigger, "id": number, **({"triggers": inner} if inner else {})}


@pytest.mark.parametrize(
    ("trigger", "words", "fired", "reasons"),
    [
        (reactive(expect=["a"]), ["a@1", "b@2", "a@3"], [1, 3], []),
        (reactive(expect=["a"], within=10), ["a@1", "a@2", "a@10", "a@12", "a@20"], [1, 12], ["event_too_old"]),
        (reactive(threshold=2, within=10), ["a@1", "a@5", "a@8"], [5], ["threshold_not_reached", "event_too_old"]),
        (reactive(threshold=2, within=10), ["a@1", "a@12", "a@13"], [13], ["threshold_not_reached"]),
        (reactive(threshold=2), ["a@1", "a@30", "a@200", "a@261", "a@262"], [30, 262], ["threshold_not_reached"]),
        (reactive(after=["a"], expect=["b"], within=10), ["b@1"], [], ["not_started"]),
        (reactive(after=["a"], expect=["b"], within=10), ["a@1", "b@5", "b@6"], [5], ["window_opened", "not_started"]),
        (reactive(after=["a"], expect=["b"], within=10), ["a@1", "b@12"], [], ["window_opened", "window_over"]),
        (reactive(after=["a"], expect=["b"], within=10), ["a@1", "a@12", "b@13"], [13], ["window_opened"]),
        (reactive(after=["a"], expect=["a"], within=10), ["a@1", "a@5", "a@7"], [5], ["threshold_not_reached"]),
        (proactive(expect=["a"], within=10), [0, 9, 10, 15, 20], [10, 20], []),
        (proactive(expect=["a"], within=10), [0, "a@5", 10, 19, 20], [20], ["expected_came"]),
        (proactive(after=["a"], expect=["b"], within=10), [0, 100], [], []),
        (proactive(after=["a"], expect=["b"], within=10), ["a@1", 10, 11, 30], [11], ["window_opened"]),
        (proactive(after=["a"], expect=["b"], within=10), ["a@1", "b@3", 30], [], ["window_opened", "expected_came"]),
        (proactive(after=["a"], expect=["b"], within=10), ["a@1", "b@3", "a@4", 30], [30], None),
        (proactive(after=["a"], expect=["a"], within=10), ["a@1", "a@9", "a@18", 27, 28], [28], None),
        (proactive(for_each=["x"], threshold=2, within=10), ["a@1", 11], [11], ["window_not_over"]),
    ],
)
def test_when_a_trigger_fires(
    trigger: dict[str, Any], words: list[str | float], fired: list[float], reasons: list[str] | None
) -> None:
    """By the time at which it is told."""
    told = Told(trigger).tell(*words)
    assert told.fired == fired
    assert reasons is None or told.reasons == reasons


A, B, C = (reactive(expect=[name]) for name in "abc")


@pytest.mark.parametrize(
    ("trigger", "words", "fired", "reasons"),
    [
        ({"type": "compound", "require": "any", "within": 10, "triggers": [A, B]}, ["a@1", "b@2"], [1, 2], []),
        ({"type": "compound", "require": "all", "within": 10, "triggers": [A, B]}, ["b@1", "a@2"], [2], None),
        ({"type": "compound", "require": "all", "within": 10, "triggers": [A, B]}, ["b@1", "a@12", "b@13"], [13], None),
        (
            {"type": "compound", "require": 2, "within": None, "triggers": [A, B, C]},
            ["a@1", "a@2", "c@900"],
            [900],
            None,
        ),
        ({"type": "sequence", "within": 10, "triggers": [A, B]}, ["a@1", "b@2"], [2], ["waiting_for_others"]),
        (
            {"type": "sequence", "within": 10, "triggers": [A, B]},
            ["b@1", "a@2", "b@3"],
            [3],
            ["waiting_for_others", "out_of_order"],
        ),
        (
            {"type": "sequence", "within": 10, "triggers": [A, B]},
            ["b@5", "a@2"],
            [5],
            ["waiting_for_others"],
        ),
        (
            {
                "type": "sequence",
                "within": 100,
                "triggers": [{"type": "compound", "require": "all", "within": 10, "triggers": [A, B]}, C],
            },
            ["a@1", "b@2", "c@3", "c@4"],
            [3],
            ["waiting_for_others", "waiting_for_others"],
        ),
    ],
)
def test_when_a_trigger_of_triggers_fires(
    trigger: dict[str, Any], words: list[str | float], fired: list[float], reasons: list[str] | None
) -> None:
    """In the order of what fired its parts, also where that came in another one."""
    told = Told(trigger).tell(*words)
    assert told.fired == fired
    assert reasons is None or told.reasons == reasons


def test_a_firing_tells_those_of_its_parts() -> None:
    """With their events; its own event is that of the last."""
    told = Told({"type": "sequence", "within": 10, "triggers": [A, B]}).tell("a@1", "b@2")
    [(_, firing)] = told.trial.memory.firings
    assert [each.triggering_event and each.triggering_event["event"] for each in firing.firings] == ["a", "b"]
    assert (firing.trigger_type, firing.posture) == ("sequence", None)
    assert firing.triggering_event is not None
    assert firing.triggering_event["event"] == "b"


def test_what_automations_do_concerns_only_triggers_that_name_them() -> None:
    """One that is about every event would otherwise fire because it fired."""
    for fields, concerned in (({}, False), ({"expect": ["prefect.automation.*"]}, True), ({"expect": ["*"]}, False)):
        told = Told(reactive(**fields)).tell("prefect.automation.triggered@1", "prefect.automation.action.executed@2")
        assert told.fired == ([1, 2] if concerned else [])


def test_the_guide_tells_every_reason() -> None:
    """In the same words."""
    text = (ROOT / "docs" / "automations.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?\.)", text, re.MULTILINE))
    assert rows == {reason: meaning.split(".")[0] + "." for reason, meaning in REASONS.items()}
