"""What Podium says of itself: endpoints of its own, which clients of others do not know."""

from typing import Literal

from podium.wire.endpoint import Answer, Endpoint
from podium.wire.scalars import Time


class Version(Answer):
    """The version of Podium; what clients are told is another (``admin.READ_VERSION``)."""

    version: str


class Service(Answer):
    """A background service: the last it did on any process, whose rounds start ``interval`` seconds apart.

    ``waiting`` for its first round, ``late`` when the last good one is too long ago, ``failing`` when the last failed.
    """

    name: str
    state: Literal["running", "waiting", "late", "failing"]
    interval: float
    last_finished: Time | None
    last_error: str | None


class Status(Answer):
    """How the server is, and what ``time`` it is by its clock; ``schema`` is the revision of its tables.

    ``ignored_fields``: by operation (``POST /flow_runs/``) and dotted name, how many bodies had a field that this
    process does not know, ``other`` for all beyond the first names. Those are of newer clients, or mistakes.
    """

    version: str
    database: Literal["sqlite", "postgresql"]
    services: list[Service]
    time: Time | None = None
    schema: str | None = None
    ignored_fields: dict[str, dict[str, int]] = {}


VERSION = Endpoint(
    method="GET", path="/podium/version", summary="Read the version of Podium", answer=Version, statuses=(422,)
)
STATUS = Endpoint(
    method="GET", path="/podium/status", summary="Tell how the server is", answer=Status, statuses=(422, 503)
)
