"""Every error as a JSON answer of the contract's shape."""

import logging
import time
from http import HTTPStatus
from typing import Any

import falcon
import falcon.asgi
from falcon.asgi import Request, Response, WebSocket

from podium.db.errors import DatabaseUnavailable
from podium.server.errors import Problem, Unavailable
from podium.server.http.request_ids import shown_path
from podium.server.refusals import REFUSED, refusal_of
from podium.wire.decoding import encode

logger = logging.getLogger("podium.server")

INTERNAL_ERROR = 1011
"""The close code of a WebSocket whose handler failed."""

QUIET_SECONDS = 10.0
"""A database that is away is said once in this time, not once a request."""


def install(app: falcon.asgi.App[Any, Any], log_retryable: bool = False) -> None:
    """Adds the error handlers; the most specific class wins. ``log_retryable``: log why each 503 was answered."""
    handlers: dict[type[Exception], Any] = {
        Exception: _unexpected,
        falcon.HTTPError: _http_error,
        **dict.fromkeys(REFUSED, _refusal),
        DatabaseUnavailable: _Unavailability(log_retryable).answer,
        Problem: _problem,
    }
    for kind, handler in handlers.items():
        app.add_error_handler(kind, _for_requests(handler))


def _for_requests(handler: Any) -> Any:
    """The handler for requests; a WebSocket has no answer to write to: it is refused, or closed if it was accepted."""

    async def handle(
        request: Request, response: Response, error: Exception, params: dict[str, Any], ws: WebSocket | None = None
    ) -> None:
        if ws is None:
            await handler(request, response, error, params)
            return
        if not isinstance(error, (falcon.HTTPError, Problem)):
            logger.error("An error on the WebSocket %s", shown_path(request), exc_info=error)
        await ws.close(INTERNAL_ERROR)

    return handle


def write_problem(response: Response, problem: Problem) -> None:
    """Puts a problem into a response."""
    response.status = falcon.code_to_http_status(problem.status)
    response.content_type = "application/json"
    response.data = _encoded(problem)
    if problem.retry_after is not None:
        response.set_header("Retry-After", f"{problem.retry_after:g}")


def _encoded(problem: Problem) -> bytes:
    try:
        return encode(problem.body())
    except (RecursionError, UnicodeEncodeError):
        # It repeats what the caller sent, which is nested deeper than can be written once more.
        return encode({"exception_message": problem.detail, "exception_detail": [], "request_body": None})


async def _problem(request: Request, response: Response, error: Problem, params: dict[str, Any]) -> None:
    write_problem(response, error)


async def _http_error(request: Request, response: Response, error: falcon.HTTPError, params: dict[str, Any]) -> None:
    problem = Problem(error.description or HTTPStatus(error.status_code).phrase)
    problem.status = error.status_code
    write_problem(response, problem)
    if error.headers:
        response.set_headers(error.headers)


async def _refusal(request: Request, response: Response, error: Exception, params: dict[str, Any]) -> None:
    problem = refusal_of(error)
    assert problem is not None
    write_problem(response, problem)


class _Unavailability:
    """Answers 503, and says in the log why: each time or now and then."""

    def __init__(self, log_each: bool) -> None:
        self._log_each = log_each
        self._quiet_until = 0.0

    async def answer(
        self, request: Request, response: Response, error: DatabaseUnavailable, params: dict[str, Any]
    ) -> None:
        now = time.monotonic()
        if self._log_each:
            logger.error("%s %s answers 503", request.method, shown_path(request), exc_info=error)
        elif now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            logger.warning("The database is not available, requests are answered with 503: %s", error)
        write_problem(response, Unavailable())


async def _unexpected(request: Request, response: Response, error: Exception, params: dict[str, Any]) -> None:
    logger.exception("An unexpected error in %s %s", request.method, shown_path(request), exc_info=error)
    problem = Problem("Internal Server Error")
    write_problem(response, problem)
    response.data = encode({"exception_message": problem.detail})
