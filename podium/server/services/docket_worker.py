"""Runs services on Docket: each is a task that starts itself again, known by its name to all processes of a Docket."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

# Docket's store of results, which services have none of, would compile checks of the types of all its calls: 0.3 s.
os.environ.setdefault("PY_KEY_VALUE_DISABLE_BEARTYPE", "true")

from docket import Docket, Perpetual, Worker
from redis.exceptions import RedisError

from podium.profiles import Settings
from podium.server.services.registry import Service

CHECK_EVERY = timedelta(seconds=1)
HEARTBEAT_EVERY = timedelta(seconds=10)
TAKE_OVER_AFTER = timedelta(seconds=10)
"""How long a round of a process that died stays its own; one that is under way is renewed four times in that time."""

SOW_EVERY = 10.0
"""Seconds until services are started again whose entry Redis lost."""

Round = Callable[[Service], Awaitable[None]]


class _LocalWorker(Worker):
    """A worker of a Docket in memory, where nobody else could cancel a task: listening for that is a poll ten times a
    second there, more than all the rest of an idle server does."""

    async def _cancellation_listener(self) -> None:
        session = self._processing_session
        if session is not None:
            session.cancellation_ready.set()
            await session.stopping.wait()


async def work(settings: Settings, services: Sequence[Service], run: Round, stopping: asyncio.Event) -> None:
    """Runs the services until ``stopping`` is set, then lets the present rounds end."""
    url = settings.server.docket.url
    async with Docket(
        name=settings.server.docket.name, url=url, heartbeat_interval=HEARTBEAT_EVERY, execution_ttl=timedelta(0)
    ) as docket:
        for service in services:
            docket.register(_task(service, settings, run))
        kind = _LocalWorker if url.startswith("memory://") else Worker
        async with kind(
            docket,
            concurrency=len(services) + 1,
            minimum_check_interval=CHECK_EVERY,
            scheduling_resolution=CHECK_EVERY,
            redelivery_timeout=TAKE_OVER_AFTER,
        ) as worker:
            running = asyncio.create_task(worker.run_forever())
            waiting = asyncio.create_task(stopping.wait())
            sowing = asyncio.create_task(_sow(docket, services))
            await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            sowing.cancel()
        await running


async def _sow(docket: Docket, services: Sequence[Service]) -> None:
    """Adds the services now and then; one that is scheduled or runs stays as it is."""
    while not docket.url.startswith("memory://"):
        await asyncio.sleep(SOW_EVERY)
        with contextlib.suppress(RedisError, OSError):
            for service in services:
                await docket.add(service.name, key=service.name)()


def _task(service: Service, settings: Settings, run: Round) -> Callable[..., Any]:
    every = Perpetual(every=timedelta(seconds=service.interval(settings)), automatic=True)

    async def task(perpetual: Perpetual = every) -> None:
        await run(service)

    task.__name__ = task.__qualname__ = service.name
    return task
