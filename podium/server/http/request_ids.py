"""A name for each request: the caller's, or one of ours; it is in the answer and in what the log says meanwhile."""

import logging
import re
from contextvars import ContextVar
from time import monotonic

from falcon.asgi import Request, Response

from podium.db.ids import new_id

HEADER = "X-Request-ID"

access = logging.getLogger("podium.access")

_SANE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}").fullmatch
_SECRET = re.compile(r"(/hooks/)[^/]+")
_current: ContextVar[str] = ContextVar("request_id", default="")


class RequestIds:
    """Falcon middleware: names the request, and notes it in the access log, which is of level INFO."""

    def __init__(self) -> None:
        self._notes = access.isEnabledFor(logging.INFO)

    async def process_request(self, request: Request, response: Response) -> None:
        given = request.get_header(HEADER)
        request_id = given if given and _SANE(given) else new_id()
        _current.set(request_id)
        response.set_header(HEADER, request_id)
        if self._notes:
            request.context.start = monotonic()

    async def process_response(self, request: Request, response: Response, resource: object, succeeded: bool) -> None:
        if self._notes:
            took = (monotonic() - request.context.start) * 1000
            path = shown_path(request).encode("unicode_escape").decode()
            access.info("%s %s %s %s %.1f ms", request.remote_addr, request.method, path, response.status_code, took)


def shown_path(request: Request) -> str:
    """The path of a request as logs may say it: the secret of a webhook is left out."""
    return _SECRET.sub(r"\1***", request.path)


def current_request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _current.get()


def note_request_id(record: logging.LogRecord) -> bool:
    """A filter of log records: gives each the attribute ``request``, to be printed before its message."""
    request_id = _current.get()
    record.request = f"[{request_id}] " if request_id else ""
    return True
