"""Whether a process does what it is there for, and which part does not."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from podium.db.errors import DatabaseUnavailable
from podium.db.migrations import HEAD
from podium.db.unit import Tx
from podium.server.queries.services import MISSED_ROUNDS, is_late, read_services
from podium.server.runtime import Runtime
from podium.wire.podium import Service

OWN_GRACE: Final = timedelta(seconds=5)

_REVISION = text("SELECT version_num FROM alembic_version")


async def find_troubles(runtime: Runtime) -> dict[str, str]:
    """The parts that do not work, by name, and why; empty when the process is ready.

    ``database``: it answers, and its tables are of this version. ``messages``: other processes can be reached. A
    service by its name: one of this process or, over the heartbeats in the database, of any other did not finish for
    three of its intervals.
    """
    troubles: dict[str, str] = {}
    if runtime.bus.trouble:
        troubles["messages"] = runtime.bus.trouble
    try:
        revision, services = await runtime.database.read(look)
    except DatabaseUnavailable as error:
        troubles["database"] = f"it does not answer: {error}"
        services = []
    else:
        if revision != HEAD:
            troubles["migrations"] = f"the tables are of revision {revision}, this version needs {HEAD}"
    late = {f"service {each.name}": reason for each in services if (reason := _late(each, runtime.database.clock()))}
    return troubles | late | _own(runtime)


def look(tx: Tx) -> tuple[str | None, list[Service]]:
    """The revision of the tables, and the services of all processes."""
    return tx.value(_REVISION), read_services(tx)


def _late(service: Service, now: datetime) -> str | None:
    if not is_late(service, now):
        return None
    failed = f"; {service.last_error}" if service.last_error else ""
    return f"it last finished at {service.last_finished:%H:%M:%S} UTC, and should every {service.interval:g} s{failed}"


def _own(runtime: Runtime) -> dict[str, str]:
    """The services of this process whose loop stopped, where no other process may run them; asks no database."""
    if runtime.heartbeats is None or not runtime.settings.server.docket.url.startswith("memory://"):
        return {}
    now = runtime.database.clock()
    troubles = {}
    for name, silent in runtime.heartbeats.silence(now).items():
        interval = runtime.heartbeats.of[name].interval
        if silent > timedelta(seconds=interval) * MISSED_ROUNDS + OWN_GRACE:
            seconds = silent.total_seconds()
            troubles[f"service {name}"] = f"it did not finish for {seconds:.0f} s, and should every {interval:g} s"
    return troubles
