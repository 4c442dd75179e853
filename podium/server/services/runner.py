"""Starts and stops the background services of a process."""

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Sequence
from typing import Any

from podium.db.engine import Unit
from podium.server.runtime import Runtime
from podium.server.services.glance import Glance
from podium.server.services.heartbeats import Heartbeats, forget_heartbeats, store_heartbeats
from podium.server.services.registry import SERVICES, Service

logger = logging.getLogger("podium.server.services")

REPORT_EVERY = 5.0
DRAIN = 10.0
AFTER_FAILURE = 1.0


class Services:
    """The services that the settings want: the periodic ones run by one Docket worker, each consumer by a loop.

    A consumer is not Docket's, which would leave its work for ten seconds where the process that had it died.
    """

    def __init__(self, runtime: Runtime, services: Sequence[Service] = SERVICES) -> None:
        self._runtime = runtime
        self._services = [service for service in services if service.is_enabled(runtime.settings)]
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._under_way: set[str] = set()
        looks = {service.name: service.look for service in self._services if service.look is not None}
        self._glance = runtime.glance = Glance(runtime.database, looks)
        self.heartbeats = runtime.heartbeats = Heartbeats(runtime.database.clock)

    async def start(self) -> None:
        """Begins to run them; returns at once."""
        if not self._services:
            return
        for service in self._services:
            self.heartbeats.expect(service.name, service.interval(self._runtime.settings))
        loops = [self._consume(service) for service in self._services if service.is_consumer]
        self._tasks = [asyncio.create_task(loop) for loop in (*loops, self._work(), self._report())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Lets the rounds that are under way end, and begins no other."""
        self._stopping.set()
        if not self._tasks:
            return
        *working, report = self._tasks
        report.cancel()
        _, late = await asyncio.wait(working, timeout=DRAIN)
        for task in late:
            logger.warning("A background service did not end within %g seconds", DRAIN)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._write(forget_heartbeats)

    async def _consume(self, service: Service) -> None:
        while not self._stopping.is_set():
            await self._round(service)

    async def _work(self) -> None:
        """Runs the periodic services."""
        periodic = [service for service in self._services if not service.is_consumer]
        if not periodic:
            return
        # Docket takes a third of a second to import: not before the server listens, and not on its event loop.
        docket_worker = await asyncio.to_thread(importlib.import_module, "podium.server.services.docket_worker")
        await docket_worker.work(self._runtime.settings, periodic, self._round, self._find_work, self._stopping)

    async def _find_work(self, services: Sequence[Service]) -> list[Service]:
        """Which of the services may find something; of the others a round is done."""
        if self._stopping.is_set():
            return []
        settings = self._runtime.settings
        try:
            found = [each for each in services if await self._glance.may_find(each.name, each.interval(settings))]
        except Exception as error:
            logger.exception("Whether there is work is not known for %s", ", ".join(each.name for each in services))
            for service in services:
                self.heartbeats.failed(service.name, error)
            return []
        for service in services:
            if service not in found and service.name not in self._under_way:
                self.heartbeats.started(service.name)
                self.heartbeats.finished(service.name)
        return found

    async def _round(self, service: Service) -> None:
        """One round of a service; its errors end here, so that the next round comes."""
        if self._stopping.is_set():
            return
        self.heartbeats.started(service.name)
        self._under_way.add(service.name)
        try:
            if service.is_consumer or service.interruptible:
                await self._until_stopping(service.run(self._runtime))
            else:
                await service.run(self._runtime)
        except Exception as error:
            logger.exception("The service %s failed", service.name)
            self.heartbeats.failed(service.name, error)
            if service.is_consumer:
                await self._until_stopping(asyncio.sleep(AFTER_FAILURE))
        else:
            self.heartbeats.finished(service.name)
        finally:
            self._under_way.discard(service.name)

    async def _until_stopping(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
        elif not task.cancelled():
            task.result()

    async def _report(self) -> None:
        """Writes the heartbeats now and then."""
        await self._write(forget_heartbeats)
        while True:
            rows = self.heartbeats.changed()
            if rows:
                await self._write(store_heartbeats, rows)
            await asyncio.sleep(REPORT_EVERY)

    async def _write(self, unit: Unit, *args: Any) -> None:
        try:
            await self._runtime.database.write(unit, *args)
        except Exception:
            logger.exception("The heartbeats of the services could not be stored")

    def _ended(self, work: asyncio.Task[None]) -> None:
        if not work.cancelled() and work.exception() is not None:
            logger.critical("The background services stopped", exc_info=work.exception())
