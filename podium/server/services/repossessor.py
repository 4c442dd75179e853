"""Takes back the concurrency slots of holders that are gone."""

from podium.db.unit import Row, Tx
from podium.server.operations.concurrency import release
from podium.server.queries.leases import expired_leases
from podium.server.runtime import Runtime
from podium.server.services.sweep import for_each

PAGE = 200
MOST_PAGES = 50


async def take_back_expired_leases(runtime: Runtime) -> None:
    """One round over all expired leases."""
    for _ in range(MOST_PAGES):
        leases = await runtime.database.read(expired_leases, PAGE)
        done = await for_each(runtime.database, leases, take_back)
        if len(leases) < PAGE or done < len(leases):
            return


def take_back(tx: Tx, lease: Row) -> None:
    """Ends a lease unless it was renewed meanwhile."""
    release(tx, lease["id"], only_expired=True)
