"""What can go wrong between a client and a server.

ClientError
├── Unreachable        nothing answered at the URL
├── Unreadable         something answered, and not as the API does
└── Refused            the server answered with an error status
    ├── NotAuthorized  401, 403
    ├── NotFound       404
    ├── Conflict       409
    └── Invalid        422
"""

from typing import Any


class ClientError(Exception):
    """One line for the person who asked."""


class Unreachable(ClientError):
    """Nothing that speaks HTTP answered."""


class Unreadable(ClientError):
    """What answered is not the API, or speaks another version of it."""


class Refused(ClientError):
    """The server answered with an error; ``status`` and ``detail`` are its own."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class NotAuthorized(Refused):
    """The credentials are missing or wrong."""


class NotFound(Refused):
    """There is no such object."""


class Conflict(Refused):
    """The object exists already, or is not in a state for this."""


class Invalid(Refused):
    """The server did not accept a value."""


_BY_STATUS: dict[int, type[Refused]] = {
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    409: Conflict,
    422: Invalid,
}


def refusal(status: int, body: Any) -> Refused:
    """The error for an answer of the server."""
    detail = _detail(body) or f"the server answered {status}"
    if status == 401:
        detail = f"{detail}: the server asks for credentials; set PODIUM_API_AUTH_STRING to its auth string"
    elif status == 503:
        detail = f"{detail}: the server cannot serve this now; try again"
    return _BY_STATUS.get(status, Refused)(status, detail)


def _detail(body: Any) -> str:
    """What the server says is wrong; empty when it says nothing we know."""
    if not isinstance(body, dict):
        return ""
    problems = body.get("exception_detail")
    if isinstance(problems, list) and problems and isinstance(problems[0], dict):
        first = problems[0]
        place = ".".join(str(part) for part in first.get("loc", [])[1:])
        return f"{place}: {first.get('msg')}" if place else str(first.get("msg"))
    return str(body.get("detail") or body.get("exception_message") or body.get("message") or "")
