"""Every error as a JSON answer of the contract's shape."""

import logging
from typing import Any

import falcon
import falcon.asgi
from sqlalchemy.exc import DBAPIError, IntegrityError

from podium.db.errors import DatabaseUnavailable
from podium.server.errors import Conflict, Problem, Unavailable
from podium.wire.decoding import encode

logger = logging.getLogger("podium.server")


def install(app: falcon.asgi.App[Any, Any]) -> None:
    """Adds the error handlers; the most specific class wins."""
    app.add_error_handler(Exception, _unexpected)
    app.add_error_handler(falcon.HTTPError, _http_error)
    app.add_error_handler(DBAPIError, _database_error)
    app.add_error_handler(IntegrityError, _integrity_error)
    app.add_error_handler(DatabaseUnavailable, _unavailable)
    app.add_error_handler(Problem, _problem)


def write_problem(response: falcon.asgi.Response, problem: Problem) -> None:
    """Puts a problem into a response."""
    response.status = falcon.code_to_http_status(problem.status)
    response.content_type = "application/json"
    response.data = encode(problem.body())
    if problem.retry_after is not None:
        response.set_header("Retry-After", f"{problem.retry_after:g}")


async def _problem(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: Problem, params: dict[str, Any]
) -> None:
    write_problem(response, error)


async def _http_error(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: falcon.HTTPError, params: dict[str, Any]
) -> None:
    problem = Problem(error.title or "Error")
    problem.status = error.status_code
    write_problem(response, problem)
    if error.headers:
        response.set_headers(error.headers)


async def _integrity_error(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: IntegrityError, params: dict[str, Any]
) -> None:
    write_problem(response, Conflict("Data integrity conflict. This usually means a unique or foreign key is violated."))


async def _database_error(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: DBAPIError, params: dict[str, Any]
) -> None:
    logger.error("A statement failed: %s", error.orig)
    write_problem(response, Unavailable())


async def _unavailable(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: DatabaseUnavailable, params: dict[str, Any]
) -> None:
    logger.warning("The database is not available: %s", error)
    write_problem(response, Unavailable())


async def _unexpected(
    request: falcon.asgi.Request, response: falcon.asgi.Response, error: Exception, params: dict[str, Any]
) -> None:
    logger.exception("An unexpected error in %s %s", request.method, request.path, exc_info=error)
    problem = Problem("Internal Server Error")
    write_problem(response, problem)
    response.data = encode({"exception_message": problem.detail})
