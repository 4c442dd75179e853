"""What a channel knows of a message besides its text."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from podium.profiles.sections.notifications import Notifications


@dataclass(frozen=True, slots=True)
class About:
    """``key`` tells a peer what it has had already; ``reached`` are the parts that are done."""

    key: str
    settings: Notifications
    created: datetime
    reached: Collection[str] = ()
