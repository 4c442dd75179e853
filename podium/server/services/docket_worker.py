"""Runs services on Docket, which knows each by its name in all processes that share it.

A service that can tell by a look whether it has anything to do is added where it has. Who looks out for all of one
period, and when a service's time has come, is a matter of Docket where processes share it, and of plain loops where
there is one process: to take turns with itself by way of Docket would be most of what an idle server does.
"""

import asyncio
import contextlib
import functools
import logging
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any

# Docket's store of results, which services have none of, would compile checks of the types of all its calls: 0.3 s.
os.environ.setdefault("PY_KEY_VALUE_DISABLE_BEARTYPE", "true")

from docket import Docket, Perpetual, Worker
from redis.exceptions import RedisError

from podium.profiles import Settings
from podium.server.services.registry import Service

CHECK_EVERY = timedelta(seconds=1)
LOCAL_CHECK_EVERY = timedelta(seconds=30)
"""How often a Docket in memory looks for tasks whose time has come: it is given none that are to wait."""

HEARTBEAT_EVERY = timedelta(seconds=10)
TAKE_OVER_AFTER = timedelta(seconds=10)
"""How long a round of a process that died stays its own; one that is under way is renewed four times in that time."""

SOW_EVERY = 10.0
"""Seconds until tasks are started again whose entry Redis lost."""

logger = logging.getLogger("podium.server.services")

Work = Callable[[], Awaitable[None]]
Loop = Callable[[], Coroutine[Any, Any, None]]
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
    is_local = url.startswith("memory://")
    async with Docket(
        name=settings.server.docket.name, url=url, heartbeat_interval=HEARTBEAT_EVERY, execution_ttl=timedelta(0)
    ) as docket:
        looks = _looks(docket, settings, services, find_work)
        beside: list[Loop]
        if is_local:
            beside = _register_local(docket, settings, services, run, looks)
        else:
            beside = [functools.partial(_sow, docket, _register(docket, settings, services, run, looks))]
        kind = _LocalWorker if is_local else Worker
        async with kind(
            docket,
            concurrency=len(services) + 1,
            minimum_check_interval=CHECK_EVERY,
            scheduling_resolution=LOCAL_CHECK_EVERY if is_local else CHECK_EVERY,
            redelivery_timeout=TAKE_OVER_AFTER,
        ) as worker:
            running = asyncio.create_task(worker.run_forever())
            waiting = asyncio.create_task(stopping.wait())
            loops = [asyncio.create_task(loop()) for loop in beside]
            await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
            for task in (waiting, *loops):
                task.cancel()
        await running


async def _sow(docket: Docket, names: Sequence[str]) -> None:
    """Adds the tasks now and then; one that is scheduled or runs stays as it is."""
    while True:
        await asyncio.sleep(SOW_EVERY)
        with contextlib.suppress(RedisError, OSError):
            for name in names:
                await _add(docket, name)


async def _repeat(seconds: float, work: Work) -> None:
    """Does it now and every so many seconds; never ends."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        try:
            await work()
        except Exception:
            logger.exception("Looking out for work failed")
        due = max(due + seconds, loop.time())
        await asyncio.sleep(due - loop.time())


def _looks(docket: Docket, settings: Settings, services: Sequence[Service], find_work: FindWork) -> dict[float, Work]:
    """What adds the services that have work, by the seconds after which it is to be done again."""
    watched: defaultdict[float, list[Service]] = defaultdict(list)
    for service in services:
        if service.look is not None:
            watched[service.interval(settings)].append(service)
    return {seconds: functools.partial(_look_out, docket, some, find_work) for seconds, some in watched.items()}


async def _look_out(docket: Docket, services: Sequence[Service], find_work: FindWork) -> None:
    with contextlib.suppress(RedisError, OSError):  # of which the worker tells
        for service in await find_work(services):
            await _add(docket, service.name)


def _register_local(
    docket: Docket, settings: Settings, services: Sequence[Service], run: Round, looks: Mapping[float, Work]
) -> list[Loop]:
    """Tells Docket of the services; the loops that look, and that add those of which the time has come."""
    loops: list[Loop] = [functools.partial(_repeat, seconds, look) for seconds, look in looks.items()]
    for service in services:
        docket.register(_once(service.name, functools.partial(run, service)))
        if service.look is None:
            add = functools.partial(_add, docket, service.name)
            loops.append(functools.partial(_repeat, service.interval(settings), add))
    return loops


async def _add(docket: Docket, name: str) -> None:
    """Once: one that waits or runs stays as it is."""
    await docket.add(name, key=name)()


def _register(
    docket: Docket, settings: Settings, services: Sequence[Service], run: Round, looks: Mapping[float, Work]
) -> list[str]:
    """Tells Docket of the tasks; the names of those that start themselves again."""
    perpetual = {f"look-out-every-{seconds:g}": (seconds, look) for seconds, look in looks.items()}
    for service in services:
        one_round = functools.partial(run, service)
        if service.look is None:
            perpetual[service.name] = (service.interval(settings), one_round)
        else:
            docket.register(_once(service.name, one_round))
    for name, (seconds, work) in perpetual.items():
        docket.register(_again_and_again(name, seconds, work))
    return list(perpetual)


def _once(name: str, work: Work) -> Callable[..., Any]:
    async def task() -> None:
        await work()

    task.__name__ = task.__qualname__ = name
    return task


def _again_and_again(name: str, seconds: float, work: Work) -> Callable[..., Any]:
    every = Perpetual(every=timedelta(seconds=seconds), automatic=True)

    async def task(perpetual: Perpetual = every) -> None:
        await work()

    task.__name__ = task.__qualname__ = name
    return task
