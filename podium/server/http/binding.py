"""Turns endpoint rows and their handlers into Falcon routes."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import falcon
import falcon.asgi
import msgspec

from podium.server.errors import BadRequest, InvalidRequest, NotFound
from podium.server.http.call import Call, Reply
from podium.server.http.compression import read_body, unpacked
from podium.server.http.guard import Guard
from podium.server.http.workspaces import workspace_of
from podium.server.runtime import Runtime
from podium.wire.catalogue import ENDPOINTS
from podium.wire.decoding import BadBody, decode, decode_optional, decode_query, encode
from podium.wire.endpoint import Endpoint
from podium.wire.texts import LONGEST_NAME, NUL, check_texts
from podium.wire.unknown_fields import twin_decoder, unknown_fields

Handler = Callable[..., Awaitable[Any]]
Routes = Iterable[tuple[Endpoint, Handler]]

JSON = "application/json"
IGNORED = "Podium-Ignored-Fields"
"""The header of an answer that names the fields of the body which nobody read."""

LONGEST_LIST = 16384
"""Bytes of a list beyond which unknown fields are not looked for: who sends them sends short lists too."""

_twins: dict[Any, msgspec.json.Decoder[Any] | None] = {}

STATUS_LINES = {status: falcon.code_to_http_status(status) for status in range(200, 600)}


class _Resource:
    """Holds the responders of one path; Falcon finds them by their names."""


def bind(app: falcon.asgi.App[Any, Any], base_path: str, routes: Routes, runtime: Runtime, guard: Guard) -> None:
    """Adds every row with its handler to the app, under the base path of the API."""
    resources: dict[str, _Resource] = {}
    for endpoint, handler in routes:
        template = base_path + _template(endpoint.path)
        resource = resources.setdefault(template, _Resource())
        name = f"on_{endpoint.method.lower()}"
        if hasattr(resource, name):
            raise ValueError(f"two handlers for {endpoint.method} {endpoint.path}")
        responder = _responder(endpoint, handler, runtime, guard)
        setattr(resource, name, responder)
        if endpoint.method == "GET":
            setattr(resource, "on_head", responder)  # noqa: B010  # Falcon finds responders by their names
    for template, resource in resources.items():
        app.add_route(template, resource)


def places(base_path: str) -> dict[tuple[str, str], int]:
    """Where the operation of a method and a template of the router is among the rows; HEAD counts as GET."""
    found: dict[tuple[str, str], int] = {}
    for place, row in enumerate(ENDPOINTS):
        template = base_path + _template(row.path)
        found[row.method, template] = place
        if row.method == "GET":
            found["HEAD", template] = place
    return found


def _template(path: str) -> str:
    """Placeholders named by their place, since Falcon's router wants one name per spot."""
    parts = path.rstrip("/").split("/")
    return "/".join(f"{{p{place}}}" if part.startswith("{") else part for place, part in enumerate(parts))


def _responder(endpoint: Endpoint, handler: Handler, runtime: Runtime, guard: Guard) -> Callable[..., Awaitable[None]]:
    places = [place for place, part in enumerate(endpoint.path.split("/")) if part.startswith("{")]
    keys = [(f"p{place}", name, name in endpoint.ids) for place, name in zip(places, endpoint.names, strict=True)]
    status = STATUS_LINES[endpoint.status]
    most = runtime.settings.server.api.max_body_size
    operation = f"{endpoint.method} {endpoint.path}"

    async def respond(request: falcon.asgi.Request, response: falcon.asgi.Response, **values: str) -> None:
        api_version = await guard.check(endpoint, request)
        path = {name: _id(values[key]) if is_key else _name(values[key]) for key, name, is_key in keys}
        query = _query(endpoint, request) if endpoint.query is not None else None
        call = Call(runtime, request, path, query, workspace_of(request.scope), api_version)
        if endpoint.body is None:
            result = await handler(call)
        else:
            content = await _content(endpoint, request, most)
            body = _body(endpoint, content)
            if _has_unknown(endpoint.body, content) and (unknown := unknown_fields(endpoint.body, content)):
                agent = request.get_header("User-Agent") or ""
                ignored = runtime.ignored_fields.note(operation, unknown, agent)
                runtime.figures.count_ignored(len(ignored))
                response.set_header(IGNORED, ", ".join(ignored))
            result = await handler(call, body)
        _answer(response, result, status)

    return respond


def _id(text: str) -> str:
    """The canonical form of an id in a path; what is none leads nowhere."""
    try:
        return str(UUID(text))
    except ValueError:
        raise NotFound("Not Found") from None


def _name(text: str) -> str:
    """A name in a path; nothing has one with a NUL."""
    if "\x00" in text:
        raise NotFound("Not Found")
    return text


async def _content(endpoint: Endpoint, request: falcon.asgi.Request, most: int) -> bytes:
    content = await read_body(request, most)
    if len(content) < (request.content_length or 0) or (
        not content.strip() and request.get_header("Transfer-Encoding")
    ):
        # What a caller who hung up did not get to say is not nothing: an empty filter matches everything.
        raise BadRequest("The body ended early.")
    content = await unpacked(request, content, most)
    media = request.content_type
    if content and media is not None and not _says_json(media):
        message = f"The content type is {media}; expected {JSON}"
        where = ["header", "content-type"]
        raise InvalidRequest([{"type": "content_type", "loc": where, "msg": message, "input": media}])
    if not content and endpoint.body_required:
        raise InvalidRequest([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}])
    return content


def _body(endpoint: Endpoint, content: bytes) -> Any:
    read = decode if endpoint.body_required else decode_optional
    try:
        body = read(endpoint.body, content)
        if len(content) > LONGEST_NAME or NUL in content:
            check_texts(endpoint.body, body, content)
        return body
    except BadBody as error:
        raise InvalidRequest(error.details, _echo(content)) from None


def _has_unknown(kind: Any, content: bytes) -> bool:
    """Whether a good body may have fields that its type does not: a second pass that leaves every value unread."""
    if kind not in _twins:
        _twins[kind] = twin_decoder(kind)
    twin = _twins[kind]
    if twin is None or (len(content) > LONGEST_LIST and content.lstrip()[:1] == b"["):
        return False
    try:
        twin.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return False


def _says_json(media: str) -> bool:
    kind = media.partition(";")[0].strip().lower()
    return kind == JSON or (kind.startswith("application/") and kind.endswith("+json"))


def _echo(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _query(endpoint: Endpoint, request: falcon.asgi.Request) -> Any:
    values = dict(request.params)
    for name, value in values.items():
        if "\x00" in value or any("\x00" in each for each in value):
            message = "A parameter cannot have NUL characters"
            raise InvalidRequest([{"type": "value_error", "loc": ["query", name], "msg": message, "input": value}])
    try:
        return decode_query(endpoint.query, values)
    except BadBody as error:
        raise InvalidRequest(error.details) from None


def _answer(response: falcon.asgi.Response, result: Any, status: str) -> None:
    if isinstance(result, Reply):
        response.status = STATUS_LINES[result.status] if result.status else status
        if result.headers:
            response.set_headers(result.headers)
        if result.stream is not None:
            response.content_type = result.media or JSON
            response.stream = result.stream
            return
        if result.content is not None:
            response.content_type = result.media or JSON
            response.data = result.content
            return
        result = result.value
    else:
        response.status = status
    if response.status[:3] == "204":
        return
    response.content_type = JSON
    response.data = encode(result)
