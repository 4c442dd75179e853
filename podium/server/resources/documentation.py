"""The description of the API over HTTP."""

import asyncio

from podium.server.http.call import Call, Reply
from podium.server.web import docs
from podium.wire import documentation as wire
from podium.wire import openapi


async def read_document(call: Call) -> Reply:
    """The first one who asks has it made, beside the loop; it is kept."""
    content = await asyncio.to_thread(openapi.encoded, call.runtime.settings.server.api.mount)
    return Reply(content=content)


async def show_page(call: Call) -> Reply:
    return Reply(content=docs.page(), media=docs.MEDIA, headers={docs.POLICY_HEADER: docs.policy()})


ROUTES = ((wire.OPENAPI, read_document), (wire.PAGE, show_page))
