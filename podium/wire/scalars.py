"""The small types the bodies are made of: names, moments, durations, labels, null that means a default."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

Id = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uuid"})]
"""An id as the server says it: canonical UUID text."""

Uuid = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$(?!\n)", extra_json_schema={"format": "uuid"}
    ),
]
"""An id inside a JSON document that is stored as it came: checked, and kept as text."""

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment. ``podium.wire.decoding`` reads one without an offset as UTC."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[^/%&><]+$")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]+$(?!\n)")]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(gt=0)]
LARGEST = 2**31 - 1
"""What a column of 32 bits holds; SQLite would take more."""
Integer = Annotated[int, msgspec.Meta(ge=-LARGEST - 1, le=LARGEST)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
"""A natural number that is stored."""
PositiveAmount = Annotated[int, msgspec.Meta(gt=0, le=LARGEST)]
PageNumber = Annotated[int, msgspec.Meta(ge=1)]
Rate = Annotated[float, msgspec.Meta(ge=0)]

Labels = dict[str, bool | int | float | str]
Json = dict[str, Any]

if TYPE_CHECKING:
    OrDefault = Annotated[T, "null"]
    Seconds = float
else:
    OrDefault = T | None
    """A parameter whose null stands for its default (see ``Parameters``)."""
    Seconds = float | Annotated[str, msgspec.Meta(extra_json_schema={"format": "duration"})]
    """A duration: on arrival a number of seconds or ISO 8601 text, float seconds once ``seconds`` has read it."""


def refusal(field: str, message: str) -> ValueError:
    """The error a ``__post_init__`` raises about one of its fields, so that the answer names the field."""
    return ValueError(f"{message} - at `$.{field}`")


def seconds(field: str, value: float | str) -> float:
    """The seconds of a duration (a number, or text such as ``PT15S``); ValueError names ``field``."""
    if not isinstance(value, str):
        return float(value)
    try:
        return msgspec.convert(value, timedelta).total_seconds()
    except (msgspec.ValidationError, OverflowError):
        raise refusal(field, "Expected a number of seconds or an ISO 8601 duration") from None
