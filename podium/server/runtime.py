"""What the parts of one server process share; made by ``app.create_runtime`` and passed down by hand."""

from dataclasses import dataclass

from podium.db.engine import Database
from podium.profiles import Settings
from podium.server.messaging.bus import Bus


@dataclass(slots=True)
class Runtime:
    """Settings, database and message bus of a process."""

    settings: Settings
    database: Database
    bus: Bus
