"""Makes the runs of schedules ahead of their time; how is in ``operations.scheduling``."""

from datetime import datetime

from podium.profiles import Settings
from podium.server.operations import scheduling
from podium.server.queries.due_schedules import RECENT
from podium.server.runtime import Runtime
from podium.server.services.glance import Look


def _since(settings: Settings, now: datetime) -> dict[str, datetime]:
    since = now - scheduling.recently(settings.server.services.scheduler)
    return {"changed_since": since, "filled_soon": now + scheduling.RECENT_MARGIN}


LOOK_RECENT = Look((RECENT,), _since)


async def schedule_all(runtime: Runtime) -> None:
    """One pass over the deployments of every workspace."""
    await scheduling.schedule_deployments(runtime.database, runtime.settings.server.services.scheduler)


async def schedule_recent(runtime: Runtime) -> None:
    """One pass over the deployments that just changed."""
    await scheduling.schedule_recent_deployments(runtime.database, runtime.settings.server.services.scheduler)
