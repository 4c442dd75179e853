"""What an endpoint answers when it refuses."""

from typing import Any

import msgspec

from podium.wire.endpoint import Answer


class Problem(Answer):
    """Refused by a rule of the operation: not found, conflict, forbidden, no slot."""

    detail: str


class Refusal(Answer):
    """Refused before the operation began, or by the server as a whole (401, 500, 503)."""

    exception_message: str


class FieldError(Answer):
    """What is wrong at a place of the request: ``loc`` starts with body, query, path or header."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None
    ctx: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class InvalidRequest(Answer):
    """The request is not what the endpoint takes; ``request_body`` repeats what came."""

    exception_detail: list[FieldError]
    request_body: Any
    exception_message: str = "Invalid request received."
