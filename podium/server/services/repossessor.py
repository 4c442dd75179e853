"""Takes back the concurrency slots of holders that are gone."""

from podium.db.unit import Row, Tx
from podium.server.operations.concurrency import release
from podium.server.queries.leases import ANY_EXPIRED, expired_leases
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.sweep import PAGE, page_by_page

LOOK = Look((ANY_EXPIRED,))


async def take_back_expired_leases(runtime: Runtime) -> None:
    """One round over all expired leases."""
    await page_by_page(runtime.database, expired_leases, take_back, PAGE)


def take_back(tx: Tx, lease: Row) -> None:
    """Ends a lease unless it was renewed meanwhile."""
    release(tx, lease["id"], only_expired=True)
