"""Notifications at work: from what a run does to what is queued for the channel, once for each state it enters."""

from typing import Any

import pytest
from sqlalchemy import bindparam, select

from podium.db.ids import new_id
from podium.db.tables.automations import automation_actions
from podium.db.unit import Tx
from podium.server.events.event import Event, Labels, resource
from podium.server.operations.notifications import change_notification, create_notification
from podium.server.services.automations import evaluate
from tests.server.automations.acting import Acting
from tests.server.rows import at

WORDS = {"subject": None, "message": None}
NOWHERE: dict[str, Any] = {"block_document_id": None, "emails": ["ops@example.com"]}


_ACTIONS = (
    select(automation_actions.c.id)
    .where(automation_actions.c.automation_id == bindparam("automation"))
    .order_by(automation_actions.c.position)
)


class Notifying:
    """A notification, a flow with a run, and what is queued when the run enters a state."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting
        self.flow = acting.rows.flow(f"flow-{new_id()}")
        self.deployment = acting.rows.deployment(self.flow)
        self.pool = acting.rows.pool()
        self.run = acting.rows.flow_run(self.flow, "fuzzy-leopard")

    def create(self, *states: str, **values: Any) -> dict[str, Any]:
        """A notification by email, about all runs unless told otherwise."""
        scopes: dict[str, Any] = {"tags": [], "flow_ids": [], "deployment_ids": [], "work_pool_ids": []}
        about = {"name": f"n-{new_id()}", "enabled": True, "state_names": list(states)}
        made: dict[str, Any] = self._acting.units.write(
            create_notification, {**about, **scopes, **NOWHERE, **WORDS, **values}
        )
        return made

    def enter(self, name: str, kind: str, *tags: str, event: str | None = None) -> Event:
        """The run, which has these tags, enters a state."""
        labels = resource("flow-run", self.run, name="fuzzy-leopard")
        if event is None:
            labels |= {f"prefect.state-{part}": value for part, value in (("name", name), ("type", kind))}
            labels |= {"prefect.state-timestamp": at(0.5).isoformat(), "prefect.state-message": "it broke"}
        related = [
            resource("flow", self.flow, "flow"),
            resource("deployment", self.deployment, "deployment"),
            resource("work-pool", self.pool, "work-pool"),
            *(resource("tag", tag, "tag") for tag in tags),
        ]
        return self._emit(event or f"prefect.flow-run.{name}", labels, related)

    def _emit(self, name: str, labels: Labels, related: list[Labels]) -> Event:
        units = self._acting.units
        event = Event(event=name, occurred=at(0.5), resource=labels, related=related)

        def unit(tx: Tx) -> None:
            tx.emit(event)

        units.write(unit)
        return event

    def sent(self, notification: dict[str, Any]) -> list[dict[str, Any]]:
        """What is queued for a notification, once everything is evaluated and done."""
        units, runtime = self._acting.units, self._acting.units.runtime

        def unit(tx: Tx) -> int:
            return evaluate(runtime.interest, runtime.bus, tx, 100)

        while units.write(unit):
            pass
        self._acting.act()
        automation = notification["automation_id"]
        told = self._acting.events(
            lambda each: (
                each["event"] == "prefect.automation.triggered"
                and each["resource"]["prefect.resource.id"] == f"prefect.automation.{automation}"
            )
        )
        invocations = [row["id"] for row in self._acting.units.all(_ACTIONS, automation=automation)]
        assert len(told) == len(invocations)
        return [delivery["request"] for each in invocations for delivery in self._acting.deliveries(each)]


@pytest.fixture
def notifying(acting: Acting) -> Notifying:
    return Notifying(acting)


def test_the_servers_own_words(notifying: Notifying) -> None:
    """The run, its flow, the state, and when."""
    notification = notifying.create("Failed")
    notifying.enter("Failed", "FAILED")
    (message,) = notifying.sent(notification)
    flow = message["subject"].partition("/")[0]
    assert message["subject"] == f"{flow}/fuzzy-leopard: Failed"
    words = f"The fuzzy-leopard run of the {flow} flow entered a Failed state at 2024-05-06 12:00:00 UTC."
    assert (message["body"], message["emails"]) == (words, ["ops@example.com"])


def test_words_of_ones_own(notifying: Notifying) -> None:
    """Everything about the run, its state and where to look."""
    message = "{{ flow_run.name }} {{ flow_run.state.name }} {{ flow_run.state.message }} {{ flow_run | ui_url }}"
    notification = notifying.create("AwaitingRetry", message=message)
    notifying.enter("AwaitingRetry", "SCHEDULED")
    (sent,) = notifying.sent(notification)
    url = f"http://127.0.0.1:4200/runs/flow-run/{notifying.run}"
    assert sent["body"] == f"fuzzy-leopard AwaitingRetry it broke {url}"


ENTERED = (
    ("Failed", "FAILED"),
    ("TimedOut", "FAILED"),
    ("Crashed", "CRASHED"),
    ("Late", "SCHEDULED"),
    ("Mine", "FAILED"),
)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["Failed"], ["Failed"]),
        (["FAILED"], ["Failed", "TimedOut", "Mine"]),
        (["Crashed", "Late"], ["Crashed", "Late"]),
        (["FAILED", "Failed", "Late"], ["Failed", "TimedOut", "Late", "Mine"]),
        (["Mine"], ["Mine"]),
        ([], ["Failed", "TimedOut", "Crashed", "Late", "Mine"]),
    ],
)
def test_each_state_is_told_of_once(notifying: Notifying, states: list[str], expected: list[str]) -> None:
    """By its name or its type, or both; what a run does besides is not."""
    notification = notifying.create(*states, message="{{ event.resource['prefect.state-name'] }}")
    for name, kind in ENTERED:
        notifying.enter(name, kind)
    notifying.enter("", "", event="prefect.flow-run.heartbeat")
    assert [each["body"] for each in notifying.sent(notification)] == expected


def test_every_kind_of_scope_must_fit(notifying: Notifying, acting: Acting) -> None:
    """One of its tags, one of its flows, one of its pools."""
    other = acting.rows.flow()
    by_tag = notifying.create("Failed", tags=["a", "b"])
    by_both = notifying.create("Failed", tags=["a"], flow_ids=[other, notifying.flow])
    elsewhere = notifying.create("Failed", tags=["a"], flow_ids=[other])
    by_pool = notifying.create("Failed", work_pool_ids=[notifying.pool], deployment_ids=[notifying.deployment])
    notifying.enter("Failed", "FAILED", "a", "b")
    notifying.enter("Failed", "FAILED", "b", "c")
    notifying.enter("Failed", "FAILED", "ab")
    counts = [len(notifying.sent(each)) for each in (by_tag, by_both, elsewhere, by_pool)]
    assert counts == [2, 1, 0, 3]


def test_an_edited_and_a_paused_one(notifying: Notifying, acting: Acting) -> None:
    """Do what they say from then on."""
    notification = notifying.create("Failed")

    def change(**values: Any) -> None:
        acting.units.write(change_notification, notification["id"], values)

    notifying.enter("Failed", "FAILED")
    assert len(notifying.sent(notification)) == 1
    change(state_names=["Crashed"])
    notifying.enter("Failed", "FAILED")
    notifying.enter("Crashed", "CRASHED")
    assert [each["subject"].rpartition(" ")[2] for each in notifying.sent(notification)] == ["Failed", "Crashed"]
    change(enabled=False)
    notifying.enter("Crashed", "CRASHED")
    assert len(notifying.sent(notification)) == 2
    change(enabled=True)
    notifying.enter("Crashed", "CRASHED")
    assert len(notifying.sent(notification)) == 3
