"""Views of the collections over HTTP."""

import msgspec

from podium.server.errors import NotFound
from podium.server.http.call import Call
from podium.server.worker_types import worker_types
from podium.wire import collections as wire

NOTHING = msgspec.Raw(b"{}")
EMPTY = {"aggregate-block-metadata", "aggregate-flow-metadata", "demo-flows"}
"""Views of what is published elsewhere; a server without access to it has nothing to show."""


async def read_view(call: Call) -> msgspec.Raw:
    view = call.path["view"]
    if view == "aggregate-worker-metadata":
        return worker_types()
    if view in EMPTY:
        return NOTHING
    raise NotFound(f"There is no view {view!r}.")


ROUTES = ((wire.READ_VIEW, read_view),)
