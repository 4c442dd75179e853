"""What became of an attempt to send something."""

from dataclasses import dataclass, field
from typing import Any


class Failed(Exception):
    """Nobody took the message, or a part of it.

    ``reason`` is for people and holds no secret. ``permanent``: the same again would fail again. ``retry_after`` is how
    many seconds the peer asks to wait, ``result`` what it answered.
    """

    def __init__(
        self,
        reason: str,
        permanent: bool = False,
        retry_after: float | None = None,
        result: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.result = result or {}


@dataclass(slots=True)
class Answer:
    """A peer took a part of a message: what it said, and which of the part's keys are done.

    ``failures`` are those of the other keys.
    """

    result: dict[str, Any]
    reached: tuple[str, ...]
    failures: tuple[Failed, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What became of a delivery: delivered where there is no ``failure``.

    ``reached`` are the keys of its parts that are done and are not to be sent again, ``result`` the last answer.
    """

    failure: Failed | None = None
    result: dict[str, Any] = field(default_factory=dict)
    reached: list[str] = field(default_factory=list)
