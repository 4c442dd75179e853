"""The engine fires as the model of triggers does, for random triggers, events and restarts, on a virtual clock."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select

from podium.db.ids import new_id
from podium.db.tables.automations import automation_firings, automations
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.unit import Tx
from podium.server.automations.firing import Firing
from podium.server.automations.interest import Interest
from podium.server.automations.trial import Trial
from podium.server.events.event import Event
from podium.server.events.outbox import store_client_events
from podium.server.operations.automations import create_automation, delete_automation
from podium.server.services import proactive
from podium.server.services.automations import evaluate
from podium.server.services.proactive import close, workspaces_due
from podium.wire.automations import AutomationCreate
from podium.wire.triggers import Trigger
from tests.server.automations.reference import LOOKBACK, Fired, Happened, Model
from tests.server.conftest import Units

SEQUENCES = int(os.environ.get("PODIUM_TEST_SEQUENCES", "400"))
STORED = max(10, SEQUENCES // 100)
SEED = int(os.environ.get("PODIUM_TEST_SEED", "5"))
START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

NAMES = ("pot.filled", "pot.emptied", "pan.filled", "lid.lost")
PATTERNS = ("pot.filled", "pot.emptied", "pan.*", "*.filled", "lid.lost", "*")
KINDS = ("iron", "clay")
PEOPLE = ("ann", "bob")
GRAIN = 1 / 64
"""Seconds that are whole microseconds, and exact as floating point numbers."""


def some(chance: Random, choices: tuple[str, ...], most: int = 2) -> list[str]:
    return chance.sample(choices, chance.randint(0, most))


def leaf(chance: Random) -> dict[str, Any]:
    """An event trigger, as likely to fire now and then as not."""
    proactive = chance.random() < 0.4
    matches: tuple[Any, ...] = ({}, {}, {"kind": "iron"}, {"kind": ["!clay"]}, {"prefect.resource.id": "stove.*"})
    related: tuple[Any, ...] = (
        {},
        {},
        {"prefect.resource.id": "person.ann"},
        [{"prefect.resource.role": "cook"}, {"name": "?nn"}],
    )
    return {
        "type": "event",
        "posture": "Proactive" if proactive else "Reactive",
        "after": some(chance, PATTERNS) if chance.random() < 0.5 else [],
        "expect": some(chance, PATTERNS),
        "match": chance.choice(matches),
        "match_related": chance.choice(related),
        "for_each": chance.choice(
            ([], [], ["prefect.resource.id"], ["related:cook:name", "kind"], ["related:guest:name", "missing"])
        ),
        "threshold": chance.choice((1, 1, 2, 3)),
        "within": float(chance.choice((10, 20, 60) if proactive else (0, 0, 5, 20, 60))),
    }


def trigger(chance: Random, depth: int = 0) -> dict[str, Any]:
    """A trigger of any kind, nested twice at most."""
    made = leaf(chance)
    if chance.random() < (0.4, 0.25, 0.0)[depth]:
        inner = [trigger(chance, depth + 1) for _ in range(chance.randint(1, 3))]
        made = {"type": "sequence", "triggers": inner, "within": chance.choice((None, 5.0, 30.0, 120.0))}
        if chance.random() < 0.6:
            made |= {"type": "compound", "require": chance.choice(("any", "all", chance.randint(1, len(inner))))}
    return made


def with_ids(made: dict[str, Any], ids: Iterator[str]) -> dict[str, Any]:
    inner = [with_ids(each, ids) for each in made.get("triggers", ())]
    return {**made, "id": next(ids), **({"triggers": inner} if inner else {})}


def happenings(chance: Random) -> Iterator[tuple[str, Any]]:
    """What happens in turn: events (some late, twice or before their leader), seconds that pass, ticks, restarts."""
    past: list[Happened] = []
    now = 0.0
    held: list[Happened] = []
    taken: set[float] = set()
    for _ in range(chance.randint(10, 45)):
        what = chance.random()
        if what < 0.2:
            seconds = chance.choice((1.0, 4.0, 10.0, 25.0, 70.0, 1000.0))
            now += seconds
            yield "wait", seconds
            yield "tick", None
        elif what < 0.3:
            yield "restart", None
        elif what < 0.35 and past:
            yield "event", chance.choice(past)
        else:
            now += (step := chance.choice((0.0, 0.0, 0.5, 2.0)))
            yield "wait", step
            at = now - chance.choice((0.0, 0.0, 0.0, 1.0, 8.0, 40.0))
            while at in taken:
                at -= GRAIN
            taken.add(at)
            made = Happened(
                new_id(),
                chance.choice(NAMES),
                at,
                {"prefect.resource.id": f"stove.{chance.randint(1, 2)}", "kind": chance.choice(KINDS)},
                [
                    {"prefect.resource.id": f"person.{name}", "prefect.resource.role": role, "name": name}
                    for name in some(chance, PEOPLE)
                    for role in some(chance, ("cook", "guest"), 1)
                ],
                past[-1].id if past and chance.random() < 0.3 else None,
            )
            past.append(made)
            if chance.random() < 0.15:
                held.append(made)  # what follows it comes first
            else:
                yield "event", made
                if held and chance.random() < 0.5:
                    yield "event", held.pop(chance.randrange(len(held)))
    yield "wait", 500.0
    yield "tick", None


def sent(happened: Happened) -> Event:
    return Event(
        id=happened.id,
        event=happened.name,
        occurred=START + timedelta(seconds=happened.at),
        resource=happened.resource,
        related=happened.related,
        follows=happened.follows,
    )


def shown(firing: Firing) -> Fired:
    """What the model tells of a firing as well; the time of a firing is the engine's own business."""
    key = tuple(firing.triggering_labels[label] for label in sorted(firing.triggering_labels))
    event = firing.triggering_event
    return Fired(firing.trigger_id, key, event and event["id"], 0.0, tuple(map(shown, firing.firings)))


def timeless(fired: Fired) -> Fired:
    return replace(fired, at=0.0, parts=tuple(map(timeless, fired.parts)))


def expected(made: dict[str, Any], events: list[tuple[str, Any]]) -> list[Fired]:
    """What the model comes to."""
    model, now = Model(made), 0.0
    for what, value in events:
        if what == "wait":
            now += value
        elif what == "event":
            model.event(value, now)
        elif what == "tick":
            model.release(now)
            model.tick(now)
    return [timeless(each) for each in model.fired]


def tried(made: dict[str, Any], events: list[tuple[str, Any]]) -> list[Fired]:
    """What the engine comes to over dicts."""
    trial = Trial("a", msgspec.convert(made, Trigger))
    now = START
    for what, value in events:
        if what == "wait":
            now += timedelta(seconds=value)
        elif what == "event":
            trial.event(sent(value), now)
        elif what == "tick":
            trial.time(now)
    return [shown(firing) for _, firing in trial.memory.firings]


@pytest.mark.parametrize("part", range(4))
def test_the_engine_fires_as_the_model_does(part: int) -> None:
    """Whatever the triggers, in whatever order events come, late and twice."""
    fired = 0
    for number in range(part, SEQUENCES, 4):
        chance = Random(SEED * 1_000_003 + number)
        made = with_ids(trigger(chance), iter([new_id() for _ in range(20)]))
        events = list(happenings(chance))
        wanted = expected(made, events)
        assert tried(made, events) == wanted, f"sequence {number} of seed {SEED}"
        fired += len(wanted)
    assert fired > SEQUENCES / 4, "they hardly ever fire"


class Stored:
    """The engine over a database, on a clock of the test; between any two units it may be thrown away and made anew."""

    def __init__(self, units: Units, body: AutomationCreate, chance: Random) -> None:
        self.units, self.chance, self.now = units, chance, START
        units.database.clock = lambda: self.now
        self.interest = Interest()
        units.write(clear)
        self.automation_id = units.write(create_automation, body)["id"]
        units.write(create_automation, NEVER)
        units.write(lambda tx: tx.run(delete(event_deliveries)))  # that they were created concerns some of them

    def run(self, events: list[tuple[str, Any]]) -> list[Fired]:
        """The firings that are stored once all has happened."""
        for what, value in events:
            if what == "wait":
                if value > LOOKBACK:  # what waits for a leader ends its wait in its turn
                    self.evaluate_all()
                self.now += timedelta(seconds=value)
            elif what == "event":
                self.units.write(store_client_events, [sent(value)])
                if self.chance.random() < 0.4:
                    self.evaluate()
            elif what == "restart":
                self.interest = Interest()
                self.fail()
            else:
                self.evaluate_all()
                self.close()
        statement = select(automation_firings.c.firing).order_by(automation_firings.c.id)
        firings = self.units.all(statement.where(automation_firings.c.automation_id == self.automation_id))
        return [shown(msgspec.json.decode(bytes(row["firing"]), type=Firing)) for row in firings]

    def evaluate(self) -> int:
        evaluating = partial(evaluate, self.interest, self.units.runtime.bus)
        taken: int = self.units.write(evaluating, self.chance.randint(1, 8))
        return taken

    def evaluate_all(self) -> None:
        while self.evaluate():
            pass

    def fail(self) -> None:
        """A process dies before its commit."""

        def unit(tx: Tx) -> None:
            evaluate(self.interest, self.units.runtime.bus, tx, 8)
            raise KeyError

        with pytest.raises(KeyError):
            self.units.write(unit)

    def close(self) -> None:
        if self.units.read(workspaces_due, self.interest):
            while not self.units.write(close, self.interest, self.units.runtime.bus):
                pass


def wants(trigger: dict[str, Any]) -> AutomationCreate:
    return msgspec.convert(
        {"name": "random", "trigger": trigger, "actions": [{"type": "do-nothing"}]}, AutomationCreate
    )


NEVER = wants({"type": "event", "posture": "Reactive", "threshold": 1_000_000, "within": 3600})
"""Every event concerns it, so that each is evaluated in its order."""


def clear(tx: Tx) -> None:
    for row in tx.all(select(automations.c.id)):
        delete_automation(tx, row["id"])
    tx.events.clear()
    for table in (event_deliveries, event_resources, events):
        tx.run(delete(table))


@pytest.mark.timeout(900)
def test_the_engine_fires_as_the_model_does_from_a_database(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is thrown away and loaded anew anywhere, dies before a commit, and takes any number of events."""
    monkeypatch.setattr(units.database, "clock", units.database.clock)
    monkeypatch.setattr(proactive, "event_time", lambda tx: tx.now)  # how late events come has a test of its own
    for number in range(STORED):
        chance = Random(SEED * 7_000_003 + number)
        body = wants(trigger(chance))
        events = list(happenings(chance))
        stored = Stored(units, body, chance)
        made = msgspec.to_builtins(body.trigger)
        assert stored.run(events) == expected(made, events), f"sequence {number} of seed {SEED}"
