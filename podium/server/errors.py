"""Our errors, each with the status and the body it becomes on the wire (contract: "Error shapes").

Problem
├── BadRequest      400
├── Unauthorized    401
├── Forbidden       403
├── NotFound        404   (``MissingObject``: the same with ``exception_message``)
├── Conflict        409
├── Gone            410
├── Invalid         422   (``InvalidRequest``: with the failing fields)
├── Locked          423   with Retry-After
└── Unavailable     503   with Retry-After
"""

from collections.abc import Sequence
from typing import Any


class Problem(Exception):
    """Anything the server answers with an error status; ``detail`` is one sentence for the caller."""

    status = 500

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        return {"detail": self.detail}


class BadRequest(Problem):
    status = 400


class Unauthorized(Problem):
    status = 401

    def __init__(self, detail: str = "Unauthorized") -> None:
        super().__init__(detail)

    def body(self) -> dict[str, Any]:
        return {"exception_message": self.detail}


class Forbidden(Problem):
    status = 403


class NotFound(Problem):
    status = 404


class MissingObject(NotFound):
    """An object an operation needs does not exist."""

    def body(self) -> dict[str, Any]:
        return {"exception_message": self.detail}


class Conflict(Problem):
    status = 409


class Gone(Problem):
    status = 410


class Invalid(Problem):
    status = 422


class InvalidRequest(Invalid):
    """A body or parameter that does not validate; ``errors`` are ``{type, loc, msg, input}`` objects."""

    def __init__(self, errors: Sequence[dict[str, Any]], request_body: Any = None) -> None:
        super().__init__("Invalid request received.")
        self.errors = list(errors)
        self.request_body = request_body

    def body(self) -> dict[str, Any]:
        return {
            "exception_message": self.detail,
            "exception_detail": self.errors,
            "request_body": self.request_body,
        }


class Locked(Problem):
    status = 423

    def __init__(self, retry_after: float) -> None:
        super().__init__("Locked", retry_after)


class Unavailable(Problem):
    status = 503

    def __init__(self, detail: str = "Service Unavailable", retry_after: float = 1.0) -> None:
        super().__init__(detail, retry_after)

    def body(self) -> dict[str, Any]:
        return {"exception_message": self.detail}
