"""Hands cleanup work to the worker of one channel, so many pieces at a time as it wants."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from podium.db.errors import DatabaseError
from podium.db.unit import Row
from podium.server.messaging.bus import CLEANUP_MESSAGES, Subscription
from podium.server.operations.worker_cleanup import Outcome, operate_on_cleanup, reserve_cleanup
from podium.server.runtime import Runtime
from podium.server.sockets.worker_frames import OPERATIONS, Frames, Operation
from podium.wire import worker_channel as wire

logger = logging.getLogger("podium.server.sockets")

LOOK_EVERY = 5.0
"""Seconds between two looks for work when nothing is told."""


class CleanupDelivery:
    """The reservations of one connection."""

    def __init__(
        self,
        runtime: Runtime,
        frames: Frames,
        workspace_id: str,
        pool_id: str,
        queue_ids: Sequence[str],
        hello: wire.HelloPayload,
    ) -> None:
        self._runtime = runtime
        self._frames = frames
        self._workspace_id = workspace_id
        self._pool_id = pool_id
        self._wanted = (list(queue_ids), list(hello.handled_cleanup_kinds), str(hello.consumer_id))
        self._most = hello.max_cleanup_concurrency
        self._held: dict[str, tuple[str, datetime]] = {}
        self._freed = asyncio.Event()

    async def run(self) -> None:
        """Sends work until the worker is gone."""
        mine = (self._workspace_id, self._pool_id)
        async with self._runtime.bus.subscribe(CLEANUP_MESSAGES, 1, lambda message: message == mine) as news:
            while True:
                self._freed.clear()
                self._drop_expired()
                if len(self._held) >= self._most or not await self._send_next():
                    await self._wait(news)

    async def _send_next(self) -> bool:
        """Reserves a message and sends it; whether there was one."""
        message = await self._write(reserve_cleanup, self._pool_id, *self._wanted)
        if message is None:
            return False
        self._held[message["id"]] = (message["reservation_token"], message["lease_expires_at"])
        await self._frames.send(wire.CleanupMessage, _payload(message))
        return True

    def _drop_expired(self) -> None:
        """What was not finished in time is another's, and takes no place here."""
        now = self._runtime.database.clock()
        self._held = {key: held for key, held in self._held.items() if held[1] > now}

    async def _wait(self, news: Subscription) -> None:
        """Until there may be work, or room for it."""
        now = self._runtime.database.clock()
        soonest = min((until for _, until in self._held.values()), default=None)
        seconds = LOOK_EVERY if soonest is None else min(LOOK_EVERY, max(0.0, (soonest - now).total_seconds()))
        told = asyncio.create_task(news.get())
        freed = asyncio.create_task(self._freed.wait())
        try:
            await asyncio.wait((told, freed), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            freed.cancel()

    async def operate(self, frame: Operation) -> None:
        """Does what the worker asks about a reservation, and answers."""
        message_id, token = str(frame.payload.message_id), frame.payload.reservation_token
        operation = OPERATIONS[type(frame)]
        try:
            outcome: Outcome = await self._write(operate_on_cleanup, self._pool_id, message_id, token, operation)
        except Exception as error:
            if not isinstance(error, DatabaseError):
                logger.exception("The %s of cleanup %s failed", operation, message_id)
            await self._frames.answer(frame, "error", "cleanup_queue_operation_failed")
            return
        if message_id in self._held and self._held[message_id][0] == token:
            if outcome.lease_expires_at is not None:
                self._held[message_id] = (token, outcome.lease_expires_at)
            else:
                del self._held[message_id]
                self._freed.set()
        await self._frames.answer(frame, outcome.status, outcome.reason, lease_expires_at=outcome.lease_expires_at)

    async def give_back(self) -> None:
        """Releases what the connection holds; where that fails the leases expire."""
        for message_id, (token, _) in self._held.items():
            try:
                await self._write(operate_on_cleanup, self._pool_id, message_id, token, "release")
            except Exception as error:
                logger.warning("Cleanup %s was not released, and is offered again later: %s", message_id, error)

    async def _write(self, unit: Any, *args: Any) -> Any:
        return await self._runtime.database.write(unit, *args, workspace_id=self._workspace_id)


def _payload(message: Row) -> wire.CleanupMessagePayload:
    return wire.CleanupMessagePayload(
        message_id=message["id"],
        reservation_token=message["reservation_token"],
        lease_expires_at=message["lease_expires_at"],
        delivery_count=message["delivery_count"],
        work_queue_id=message["work_queue_id"],
        kind=message["kind"],
        target=message["target"],
        data=message["data"],
    )
