"""What the parts of one server process share; made by ``app.create_runtime`` and passed down by hand."""

from dataclasses import dataclass, field

from podium.db.engine import Database
from podium.profiles import Settings
from podium.server.automations.interest import Interest
from podium.server.ignored_fields import IgnoredFields
from podium.server.messaging.bus import Bus
from podium.server.metrics.board import Figures
from podium.server.metrics.gauges import Gauges
from podium.server.operations.slot_batches import SlotBatches
from podium.server.services.glance import Glance
from podium.server.services.heartbeats import Heartbeats


@dataclass(slots=True)
class Runtime:
    """Settings, database and message bus of a process; the heartbeats of the background services it runs, and their
    glance at what there is to do.

    ``interest`` is what it remembers of the automations, ``figures`` are what it counts, ``gauges`` what its metrics
    tell out of the database. ``slots`` runs what takes and gives back slots of concurrency limits.
    """

    settings: Settings
    database: Database
    bus: Bus
    figures: Figures
    interest: Interest
    ignored_fields: IgnoredFields = field(default_factory=IgnoredFields)
    heartbeats: Heartbeats | None = None
    glance: Glance | None = None
    gauges: Gauges = field(init=False)
    slots: SlotBatches = field(init=False)

    def __post_init__(self) -> None:
        self.gauges = Gauges(self.database)
        self.slots = SlotBatches(self.database)
