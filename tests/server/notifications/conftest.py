"""Fixtures for the tests of what is sent: blocks, messages that wait, a clock to turn, and one who delivers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from sqlalchemy import delete, select, update

from podium.db.ids import new_id
from podium.db.tables.automations import automation_actions
from podium.db.tables.blocks import block_documents, block_schemas, block_types
from podium.db.tables.notifications import notification_deliveries
from podium.db.unit import Row, Tx
from podium.profiles import Settings
from podium.server.automations.firing import Context, Firing, queue_action
from podium.server.notifications.addresses import Address, look_up
from podium.server.notifications.queue import Message, queue_delivery
from podium.server.notifications.sender import Sender
from podium.server.operations.block_catalogue import install_catalogue
from podium.server.operations.block_documents import create_block_document
from podium.server.services.deliveries import Deliverer
from tests.certificates import make_certificate
from tests.server.conftest import Units
from tests.server.notifications.sinks import HttpSink

HOSTS = (
    "api.eu.opsgenie.com",
    "api.opsgenie.com",
    "api.sendgrid.com",
    "api.twilio.com",
    "discord.com",
    "events.eu.pagerduty.com",
    "events.pagerduty.com",
    "mail.example.com",
)


class Clock:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 27, 16, 21, 37, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Post:
    """Queues messages, and delivers them as the service does."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self.units = units
        self.clock = clock
        self.runtime = units.runtime
        self.settings: Settings = units.runtime.settings
        self.to: dict[str, int] = {}

    def set(self, **values: Any) -> None:
        """Settings of ``server.notifications`` for this test."""
        notifications = msgspec.structs.replace(self.settings.server.notifications, **values)
        server = msgspec.structs.replace(self.settings.server, notifications=notifications)
        self.settings = self.units.database.settings = msgspec.structs.replace(self.settings, server=server)

    def block(self, slug: str, data: dict[str, Any]) -> str:
        """The id of a new block of a type that the server brings along."""

        def create(tx: Tx) -> Row:
            schema = block_schemas.c
            joined = select(schema.id, schema.block_type_id).join(block_types, block_types.c.id == schema.block_type_id)
            row = tx.one(joined.where(block_types.c.slug == slug))
            assert row is not None, slug
            values = {"block_schema_id": row["id"], "block_type_id": row["block_type_id"]}
            return create_block_document(tx, {**values, "name": f"a-{new_id()}", "data": data, "is_anonymous": False})

        document: Row = self.units.write(create)
        return str(document["id"])

    def queue(
        self,
        block: str | None,
        body: str = "",
        subject: str = "",
        kind: Literal["notification", "webhook", "email"] = "notification",
        key: str | None = None,
        action: str | None = None,
        **message: Any,
    ) -> str:
        """The id of a new delivery."""
        made = Message(subject=subject, body=body, **message)
        delivery = self.units.write(queue_delivery, kind, made, key or new_id(), block, action)
        assert delivery is not None
        return str(delivery)

    def deliverer(self, process: str = "here") -> Deliverer:
        """One who delivers in the name of a process; hosts in ``to`` are on loopback, at these ports."""
        return Deliverer(self.runtime, Sender(self.settings.server.notifications, self._resolve), process)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        return [("127.0.0.1", self.to[host])] if host in self.to else await look_up(host, port)

    def deliver(self) -> float | None:
        """Sends all that is due; seconds until something else is."""

        async def work() -> float | None:
            deliverer = self.deliverer()
            while True:
                due = await deliverer.start()
                if not deliverer.busy:
                    return due
                await deliverer.finish()

        due: float | None = self.units.run(work())
        return due

    def row(self, delivery: str) -> Row:
        """A delivery as it is stored."""
        table = notification_deliveries
        [found] = self.units.all(select(table).where(table.c.id == delivery))
        found["result"] = found["result"] and msgspec.json.decode(found["result"])
        return found

    def sending_action(self) -> str:
        """The id of an action that waits for its delivery."""
        automation = {"id": new_id(), "name": "tell-us", "trigger": {"type": "event", "posture": "Reactive"}}
        firing = Firing(trigger_id=new_id(), trigger_type="event", triggered=self.clock(), posture="Reactive")
        context = Context(automation=automation, firing=firing)

        def insert(tx: Tx) -> str:
            action = queue_action(tx, {"type": "send-notification"}, 0, context)
            sending = {"state": "sending", "result": {"details": {}, "related": []}}
            tx.run(update(automation_actions).where(automation_actions.c.id == action).values(sending))
            return action

        return str(self.units.write(insert))

    def action(self, action: str) -> Row:
        """An action as it is stored."""
        [found] = self.units.all(select(automation_actions).where(automation_actions.c.id == action))
        return found


@pytest.fixture(scope="module")
def catalogue(units: Units) -> None:
    """The block types that the server brings along."""
    units.write(install_catalogue)


@pytest.fixture
def post(units: Units, catalogue: None) -> Iterator[Post]:
    """An empty queue, and a clock that stands."""

    def clear(tx: Tx) -> None:
        for table in (notification_deliveries, automation_actions, block_documents):
            tx.run(delete(table))

    units.write(clear)
    clock, settings, of_runtime = units.database.clock, units.database.settings, units.runtime.settings
    units.database.clock = turned = Clock()
    try:
        yield Post(units, turned)
    finally:
        units.database.clock, units.database.settings, units.runtime.settings = clock, settings, of_runtime


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A peer over HTTP."""
    with HttpSink() as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of the services that have one address for all their users."""
    return make_certificate(tmp_path_factory.mktemp("certificates") / "services.pem", *HOSTS)


@pytest.fixture
def services(post: Post, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSink]:
    """What takes their place, known by the certificate that this machine is told to trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with HttpSink(certificate) as running:
        post.to.update(dict.fromkeys(HOSTS, running.port))
        yield running
