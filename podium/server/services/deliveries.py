"""Sends what waits to be sent: channels beside each other, what is in one strictly in its order.

A delivery is claimed in a transaction, sent outside of any, and marked in another, which claims the next of its
channel. A process that dies loses none: its claims run out.
"""

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select

from podium.db.engine import Unit
from podium.db.errors import DatabaseUnavailable
from podium.db.tables.notifications import notification_deliveries
from podium.db.unit import Row
from podium.server.notifications.claims import Delivery, claim, find_heads, note_progress, settle
from podium.server.notifications.outcome import Outcome
from podium.server.notifications.queue import DELIVERIES
from podium.server.notifications.sender import Sender
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.heartbeats import this_process

logger = logging.getLogger("podium.server.notifications")

NAME = "deliveries"
AT_ONCE = 20
"""Channels that are sent to at a time."""

LONGEST_WAIT = 5.0
GRACE = 8.0
"""Seconds that what is being sent has to end when the service stops."""

AFTER_TROUBLE = 1.0
"""Seconds until the database is asked again to note how an attempt ended."""

_D = notification_deliveries.c
LOOK = Look(
    (
        select(_D.position).where(
            _D.state == "waiting",
            or_(_D.not_before.is_(None), _D.not_before <= bindparam("now")),
            or_(_D.claimed_until.is_(None), _D.claimed_until <= bindparam("now")),
        ),
    )
)


async def deliver(runtime: Runtime) -> None:
    """One round: sends what is due, until there was nothing for a while; it may be cancelled anywhere."""
    nothing_waits = runtime.glance is not None and not await runtime.glance.may_find(NAME)
    if nothing_waits and not await runtime.bus.wait(DELIVERIES, LONGEST_WAIT):
        return
    await Deliverer(runtime, Sender(runtime.settings.server.notifications)).run()


class Deliverer:
    """Sends for this process; ``process`` marks its claims."""

    def __init__(self, runtime: Runtime, sender: Sender, process: str | None = None) -> None:
        self._runtime = runtime
        self._database = runtime.database
        self._sender = sender
        self._process = process or this_process()
        self._channels: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    @property
    def busy(self) -> bool:
        """Whether it is sending something."""
        return bool(self._channels)

    async def run(self) -> None:
        """Sends what is due and what comes, until nothing came or fell due for a while."""
        wake: asyncio.Task[bool] | None = None
        try:
            while True:
                due = await self.start()
                seconds = LONGEST_WAIT if due is None else min(due, LONGEST_WAIT)
                wake = wake or asyncio.create_task(self._runtime.bus.wait(DELIVERIES, LONGEST_WAIT))
                await asyncio.wait(
                    (wake, *self._channels.values()), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                )
                self._show_life()
                if wake.done():
                    idle = not wake.result() and not self._channels and (due is None or due > LONGEST_WAIT)
                    wake = None
                    if idle:
                        return
        finally:
            if wake is not None:
                wake.cancel()
            await self.stop()

    async def start(self) -> float | None:
        """Begins with the channels whose first delivery is due; seconds until the next is, None when none waits."""
        heads = [head for head in await self._database.read(find_heads) if head["channel"] not in self._channels]
        now = self._database.clock()
        waits = []
        for head in heads:
            seconds = _seconds_until_due(head, now)
            if seconds > 0:
                waits.append(seconds)
            elif len(self._channels) < AT_ONCE:
                self._begin(head)
        return min(waits, default=None)

    async def finish(self) -> None:
        """Waits until the channels that were begun are empty or wait."""
        while self._channels:
            await asyncio.wait(self._channels.values())

    async def stop(self) -> None:
        """Lets what is being sent end, begins nothing more, and gives up what takes too long."""
        self._stopping = True
        if self._channels:
            await asyncio.wait(self._channels.values(), timeout=GRACE)
        for task in list(self._channels.values()):
            task.cancel()
        await asyncio.gather(*self._channels.values(), return_exceptions=True)

    def _begin(self, head: Row) -> None:
        channel = head["channel"]
        task = self._channels[channel] = asyncio.create_task(self._work_off(channel, head["workspace_id"]))
        task.add_done_callback(lambda _: self._channels.pop(channel))

    async def _work_off(self, channel: str, workspace_id: str) -> None:
        """Sends what waits in a channel, one after the other, until one has to wait."""
        try:
            delivery = await self._database.write(claim, channel, self._process, workspace_id=workspace_id)
            if delivery is None:
                # Another process was quicker, whose claim is seen in a moment.
                await asyncio.sleep(0.05)
            while delivery is not None:
                delivery = await self._deliver(delivery)
        except DatabaseUnavailable as error:
            logger.warning("Nothing is sent at present: %s", error)
            await asyncio.sleep(AFTER_TROUBLE)
        except Exception:
            logger.exception("Sending to the channel %s failed", channel)
            await asyncio.sleep(AFTER_TROUBLE)

    async def _deliver(self, delivery: Delivery) -> Delivery | None:
        """Sends one; the next of its channel, claimed."""

        async def note(reached: list[str]) -> bool:
            noted: bool = await self._insist(note_progress, delivery, self._process, reached)
            return noted

        outcome = await self._sender.send(delivery, note)
        following: Delivery | None
        became, following = await self._insist(settle, delivery, self._process, outcome, not self._stopping)
        _log(delivery, became, outcome)
        return following

    async def _insist(self, unit: Unit, delivery: Delivery, *args: Any) -> Any:
        """Has the database note what became of something that is sent: else it would be sent again."""
        while True:
            with contextlib.suppress(DatabaseUnavailable):
                return await self._database.write(unit, delivery, *args, workspace_id=delivery.workspace_id)
            await asyncio.sleep(AFTER_TROUBLE)

    def _show_life(self) -> None:
        """A round lasts as long as there is something to send."""
        beats = self._runtime.heartbeats
        if beats is not None and NAME in beats.of:
            beats.finished(NAME)


def _seconds_until_due(head: Row, now: datetime) -> float:
    moments = [moment for moment in (head["not_before"], head["claimed_until"]) if moment is not None]
    return max((moment - now for moment in moments), default=timedelta()).total_seconds()


def _log(delivery: Delivery, became: str, outcome: Outcome) -> None:
    if became == "lost":
        logger.warning("Delivery %s was taken over or deleted while it was sent", delivery.id)
    elif became == "dead" and outcome.failure:
        said = "Gave up delivery %s to the channel %s after %d attempts: %s"
        logger.error(said, delivery.id, delivery.channel, delivery.attempts, outcome.failure.reason)
    elif became == "waiting" and outcome.failure:
        said = "Delivery %s to the channel %s is put off: %s"
        logger.info(said, delivery.id, delivery.channel, outcome.failure.reason)
