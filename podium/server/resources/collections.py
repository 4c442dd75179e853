"""Views of the collections over HTTP."""

from typing import Any

from podium.server.errors import NotFound
from podium.server.http.call import Call
from podium.server.worker_types import WORKER_TYPES
from podium.wire import collections as wire

VIEWS: dict[str, dict[str, Any]] = {
    "aggregate-worker-metadata": WORKER_TYPES,
    "aggregate-block-metadata": {},
    "aggregate-flow-metadata": {},
    "demo-flows": {},
}


async def read_view(call: Call) -> dict[str, Any]:
    view = VIEWS.get(call.path["view"])
    if view is None:
        raise NotFound(f"There is no view {call.path['view']!r}.")
    return view


ROUTES = ((wire.READ_VIEW, read_view),)
