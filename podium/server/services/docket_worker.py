"""Runs services on Docket, which knows each by its name in all processes that share it.

A task that starts itself again is a service, or looks out for services that can tell by a look whether they have
anything to do: those of one period have one such task, which adds the ones that have.
"""

import asyncio
import contextlib
import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from docket import Docket, Perpetual, Worker
from redis.exceptions import RedisError

from podium.profiles import Settings
from podium.server.services.registry import Service

CHECK_EVERY = timedelta(seconds=1)
HEARTBEAT_EVERY = timedelta(seconds=10)
TAKE_OVER_AFTER = timedelta(seconds=10)
"""How long a round of a process that died stays its own; one that is under way is renewed four times in that time."""

SOW_EVERY = 10.0
"""Seconds until tasks are started again whose entry Redis lost."""

Round = Callable[[Service], Awaitable[None]]
FindWork = Callable[[Sequence[Service]], Awaitable[list[Service]]]
"""Which of the services have something to do."""


class _LocalWorker(Worker):
    """A worker of a Docket in memory, where nobody else could cancel a task: listening for that is a poll ten times a
    second there, more than all the rest of an idle server does."""

    async def _cancellation_listener(self) -> None:
        session = self._processing_session
        if session is not None:
            session.cancellation_ready.set()
            await session.stopping.wait()


async def work(
    settings: Settings, services: Sequence[Service], run: Round, find_work: FindWork, stopping: asyncio.Event
) -> None:
    """Runs the services until ``stopping`` is set, then lets the present rounds end."""
    url = settings.server.docket.url
    async with Docket(
        name=settings.server.docket.name, url=url, heartbeat_interval=HEARTBEAT_EVERY, execution_ttl=timedelta(0)
    ) as docket:
        perpetual = _register(docket, settings, services, run, find_work)
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
            sowing = asyncio.create_task(_sow(docket, perpetual))
            await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            sowing.cancel()
        await running


async def _sow(docket: Docket, names: Sequence[str]) -> None:
    """Adds the tasks now and then; one that is scheduled or runs stays as it is."""
    while not docket.url.startswith("memory://"):
        await asyncio.sleep(SOW_EVERY)
        with contextlib.suppress(RedisError, OSError):
            for name in names:
                await docket.add(name, key=name)()


def _register(
    docket: Docket, settings: Settings, services: Sequence[Service], run: Round, find_work: FindWork
) -> list[str]:
    """Tells Docket of the tasks; the names of those that start themselves again."""
    perpetual: list[str] = []
    watched: defaultdict[float, list[Service]] = defaultdict(list)
    for service in services:
        round_ = functools.partial(run, service)
        if service.look is None:
            docket.register(_again_and_again(service.name, service.interval(settings), round_))
            perpetual.append(service.name)
        else:
            docket.register(_once(service.name, round_))
            watched[service.interval(settings)].append(service)
    for seconds, some in watched.items():
        name = f"look-out-every-{seconds:g}"
        docket.register(_again_and_again(name, seconds, functools.partial(_look_out, docket, some, find_work)))
        perpetual.append(name)
    return perpetual


async def _look_out(docket: Docket, services: Sequence[Service], find_work: FindWork) -> None:
    for service in await find_work(services):
        await docket.add(service.name, key=service.name)()


def _again_and_again(name: str, seconds: float, work: Callable[[], Awaitable[None]]) -> Callable[..., Any]:
    every = Perpetual(every=timedelta(seconds=seconds), automatic=True)

    async def task(perpetual: Perpetual = every) -> None:
        await work()

    task.__name__ = task.__qualname__ = name
    return task


def _once(name: str, work: Callable[[], Awaitable[None]]) -> Callable[..., Any]:
    async def task() -> None:
        await work()

    task.__name__ = task.__qualname__ = name
    return task
