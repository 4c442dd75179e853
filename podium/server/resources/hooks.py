"""Calls of webhooks over HTTP: anybody with the secret of one may make events with it."""

from typing import Any

from podium.db.unit import Row
from podium.server.errors import Forbidden, Invalid, NotFound
from podium.server.events.intake import Limits
from podium.server.http.call import Call, Reply
from podium.server.http.compression import read_body, unpacked
from podium.server.operations.webhooks import digest_of, note_failure, take_call
from podium.server.queries.webhooks import webhook_by_digest
from podium.wire import webhooks as wire


async def call_webhook(call: Call) -> Any:
    """Answers once the event is stored; a call that becomes none is told of by another event."""
    # Loaded on use: a server that renders nothing starts sooner and smaller without Jinja.
    from podium.server.operations.webhook_calls import NoEvent, event_of, size_of

    webhook: Row | None = await call.read(webhook_by_digest, digest_of(call.path["secret"]))
    if webhook is None:
        raise NotFound("Not Found")
    if call.request.method == "HEAD":
        return Reply(status=204)
    if not webhook["enabled"]:
        raise Forbidden("The webhook is paused.")
    received = await _received(call)
    settings = call.runtime.settings
    try:
        event, known = await call.aside(event_of, webhook, webhook["template"], received, call.now, Limits.of(settings))
        most = settings.server.events.maximum_size_bytes
        if size_of(event) > most:
            raise NoEvent(f"The event has more than {most} bytes.")
    except NoEvent as error:
        await call.write(note_failure, webhook, str(error))
        raise Invalid(str(error)) from None
    new = await call.write(take_call, event, known)
    return {"event_id": event.id, "duplicate": not new}


async def _received(call: Call) -> Any:
    from podium.server.operations.webhook_calls import Headers, Received, body_of

    request = call.request
    most = call.runtime.settings.server.api.max_body_size
    content = await unpacked(request, await read_body(request, most), most)
    body = body_of(content, request.content_type)
    return Received(method=request.method, headers=Headers(request.headers), query=dict(request.params), body=body)


ROUTES = ((wire.CALL, call_webhook), (wire.CALL_BY_PUT, call_webhook), (wire.CALL_BY_GET, call_webhook))
