"""Notes now and then that a process answers requests: an outage must not be taken for silence of clients."""

import asyncio
import logging

from podium.server.queries.presence import note_presence
from podium.server.runtime import Runtime

logger = logging.getLogger("podium.server")

NOTE_EVERY = 10.0


async def keep_noting(runtime: Runtime) -> None:
    """Never ends; a note that cannot be stored is a gap."""
    while True:
        try:
            await runtime.database.write(note_presence)
        except Exception as error:
            logger.debug("The presence of this process could not be noted: %s", error)
        await asyncio.sleep(NOTE_EVERY)
