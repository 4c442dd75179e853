"""``/work_pools/{name}/workers/connect``: signs of life of a worker, and what its pool has to tell it.

A worker that has this channel sends no heartbeats over HTTP. Runs are still fetched there.
"""

import asyncio
import logging
from typing import Any

from falcon.asgi import Request, WebSocket

from podium.db.errors import DatabaseError, ValueRefused
from podium.db.unit import Row
from podium.server.errors import Invalid, Problem
from podium.server.http.guard import Guard
from podium.server.http.workspaces import workspace_of
from podium.server.messaging.bus import WORK_POOL_SNAPSHOTS, Subscription
from podium.server.operations.worker_channel import Opening, beat, open_channel, read_pool
from podium.server.runtime import Runtime
from podium.server.sockets.cleanup_delivery import CleanupDelivery
from podium.server.sockets.peer import Disconnected, admit, close
from podium.server.sockets.pings import pings_of
from podium.server.sockets.worker_frames import Frames, Refused
from podium.wire import worker_channel as wire
from podium.wire.decoding import BadBody, decode, encode
from podium.wire.work_pools import WorkPool

logger = logging.getLogger("podium.server.sockets")

COALESCING = 0.05
"""Seconds within which several changes of a pool are told as one."""


class WorkerChannel:
    """Accepts the connections."""

    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        self._runtime = runtime
        self._guard = guard

    async def on_websocket(self, request: Request, ws: WebSocket, p2: str) -> None:
        """Serves a worker of the pool ``p2`` until it leaves or is refused, and tells it why."""
        pings = pings_of(request)
        try:
            if not await admit(ws, self._guard, pings, "authentication_failed"):
                return
        except Disconnected:
            return
        pings.release()
        channel = _Channel(self._runtime, Frames(ws, self._runtime.database.clock), workspace_of(request.scope), p2)
        try:
            await channel.run()
        except Disconnected:
            return
        except Refused as refused:
            reason = refused.reason
        except Exception as error:
            reason = "transient_server_error"
            if not isinstance(error, DatabaseError):
                logger.exception("The channel of a worker of pool %s failed", p2)
        await close(ws, wire.CLOSE_CODES[reason], reason)


class _Channel:
    """One connection, from the hello on."""

    def __init__(self, runtime: Runtime, frames: Frames, workspace_id: str, pool_name: str) -> None:
        self._runtime = runtime
        self._frames = frames
        self._workspace_id = workspace_id
        self._pool_name = pool_name
        self._turn = asyncio.Lock()
        self._sequence = 0
        self._pool: Row = {}
        self._hello: wire.HelloPayload
        self._cleanup: CleanupDelivery | None = None

    async def run(self) -> None:
        """Ends with an exception in any case: ``Disconnected``, ``Refused`` or what failed."""
        self._hello = await self._greeting()
        mine = (self._workspace_id, self._pool_name)
        async with self._runtime.bus.subscribe(WORK_POOL_SNAPSHOTS, 1, lambda message: message == mine) as news:
            opening = await self._open()
            self._pool = opening.pool
            self._cleanup = self._delivery(opening)
            await self._frames.send(wire.Ready, self._ready(opening))
            parts = [self._listen(), self._follow(news)]
            if self._cleanup is not None:
                parts.append(self._cleanup.run())
            tasks = [asyncio.create_task(part) for part in parts]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if self._cleanup is not None:
                    await self._cleanup.give_back()

    async def _greeting(self) -> wire.HelloPayload:
        frame = await self._frames.receive()
        if not isinstance(frame, wire.Hello):
            raise Refused("protocol_error")
        hello = frame.payload
        if wire.VERSION not in hello.supported_channel_versions:
            raise Refused("unsupported_version")
        if not set(wire.REQUIRED) <= set(hello.requested_capabilities):
            raise Refused("protocol_error")
        return hello

    async def _open(self) -> Opening:
        try:
            opening: Opening = await self._write(open_channel, self._pool_name, self._hello)
        except (BadBody, Invalid, ValueRefused):
            # A pool that cannot be made of this hello: the worker learns over HTTP what is wrong with it.
            raise Refused("protocol_error") from None
        except Problem:
            raise Refused("authorization_failed") from None
        return opening

    def _delivery(self, opening: Opening) -> CleanupDelivery | None:
        """What hands out cleanup work; None unless the worker wants any."""
        hello = self._hello
        if not hello.handled_cleanup_kinds or not hello.max_cleanup_concurrency:
            return None
        queue_ids = [queue["id"] for queue in opening.queues]
        return CleanupDelivery(self._runtime, self._frames, self._workspace_id, opening.pool["id"], queue_ids, hello)

    def _ready(self, opening: Opening) -> wire.ReadyPayload:
        offered = (*wire.REQUIRED, wire.CLEANUP) if self._cleanup else wire.REQUIRED
        requested = list(dict.fromkeys(self._hello.requested_capabilities))
        return wire.ReadyPayload(
            consumer_id=self._hello.consumer_id,
            selected_channel_version=wire.VERSION,
            effective_heartbeat_interval_seconds=self._hello.heartbeat_interval_seconds,
            accepted_capabilities=[each for each in requested if each in offered],
            rejected_capabilities=[each for each in requested if each not in offered],
            effective_max_cleanup_concurrency=self._hello.max_cleanup_concurrency if self._cleanup else 0,
            resolved_work_queues=[wire.ResolvedWorkQueue(id=each["id"], name=each["name"]) for each in opening.queues],
            initial_snapshot=self._snapshot("initial"),
        )

    async def _listen(self) -> None:
        """Handles what the worker says, in its order."""
        while True:
            frame = await self._frames.receive()
            if isinstance(frame, wire.Heartbeat):
                await self._beat(frame.payload)
            elif isinstance(frame, wire.Hello):
                raise Refused("protocol_error")
            elif self._cleanup is not None:
                await self._cleanup.operate(frame)
            else:
                await self._frames.answer(frame, "unauthorized", "cleanup_delivery_not_accepted")

    async def _beat(self, heartbeat: wire.HeartbeatPayload) -> None:
        hello = self._hello
        if (heartbeat.consumer_id, heartbeat.worker_name) != (hello.consumer_id, hello.worker_name):
            raise Refused("protocol_error")
        async with self._turn:
            try:
                pool = await self._write(beat, self._pool_name, self._pool["id"], heartbeat)
            except Problem:
                raise Refused("authorization_failed") from None
            except Exception as error:
                if not isinstance(error, DatabaseError):
                    logger.exception("A heartbeat of worker %s was not stored", hello.worker_name)
                raise Refused("heartbeat_persistence_failed") from None
            if pool["updated"] != self._pool["updated"]:
                await self._tell("heartbeat_reconciliation")

    async def _follow(self, news: Subscription) -> None:
        """Tells the worker of each change of its pool, and of its end."""
        while True:
            await news.get()
            await asyncio.sleep(COALESCING)
            news.take()
            async with self._turn:
                await self._tell("work_pool_updated")

    async def _tell(self, reason: wire.SnapshotReason) -> None:
        """Sends the pool as it is, if the worker does not know it so. Called in turn: numbers follow the changes."""
        try:
            pool = await self._runtime.database.read(
                read_pool, self._pool_name, self._pool["id"], workspace_id=self._workspace_id
            )
        except Problem:
            raise Refused("authorization_failed") from None
        if pool["updated"] != self._pool["updated"]:
            self._pool = pool
            await self._frames.send(wire.Snapshot, self._snapshot(reason))

    def _snapshot(self, reason: wire.SnapshotReason) -> wire.SnapshotPayload:
        self._sequence += 1
        pool = decode(WorkPool, encode(self._pool))
        return wire.SnapshotPayload(snapshot_sequence=self._sequence, reason=reason, work_pool=pool)

    async def _write(self, unit: Any, *args: Any) -> Any:
        return await self._runtime.database.write(unit, *args, workspace_id=self._workspace_id)
