"""Makes the runs of schedules ahead of their time; how is in ``operations.scheduling``."""

from podium.server.operations import scheduling
from podium.server.runtime import Runtime


async def schedule_all(runtime: Runtime) -> None:
    """One pass over the deployments of every workspace."""
    await scheduling.schedule_deployments(runtime.database, runtime.settings.server.services.scheduler)


async def schedule_recent(runtime: Runtime) -> None:
    """One pass over the deployments that just changed."""
    await scheduling.schedule_recent_deployments(runtime.database, runtime.settings.server.services.scheduler)
