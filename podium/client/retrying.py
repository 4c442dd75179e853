"""Which requests are sent again, and after how long."""

import email.utils
import random
import time
from typing import Final

import msgspec

from podium.client.http import Response, TransportError
from podium.profiles.sections.client import Client as Settings
from podium.wire.endpoint import Endpoint

CODES: Final = frozenset({408, 429, 502, 503, 504})
NOTHING_DONE: Final = frozenset({429, 503})
"""With these a server says that it did nothing; the others may come from a proxy, when the server was done."""

REPEATABLE: Final = frozenset({"GET", "PUT", "DELETE"})
LONGEST_WAIT = 60.0
"""Seconds; who is told to come back later than this is told to the caller instead."""

BASE = 2.0


class Retrying(msgspec.Struct, frozen=True):
    """How often a request is sent again: ``most`` times, for the usual codes and ``extra_codes``.

    Waits are longer by a random part of up to ``jitter`` times their length.
    """

    most: int = 0
    extra_codes: frozenset[int] = frozenset()
    jitter: float = 0.2

    @classmethod
    def of(cls, settings: Settings) -> "Retrying":
        """What the settings ask for."""
        return cls(settings.max_retries, settings.retry_extra_codes, settings.retry_jitter_factor)

    def after_answer(self, endpoint: Endpoint, response: Response, attempt: int) -> float | None:
        """Seconds to wait after the answer to that attempt (from 0); None for an answer to keep."""
        code = response.status_code
        if code not in CODES and code not in self.extra_codes:
            return None
        if attempt >= self.most or not (code in NOTHING_DONE or is_repeatable(endpoint)):
            return None
        told = _told(response.headers.get("Retry-After"))
        if told is not None and told > LONGEST_WAIT:
            return None
        return self._wait(attempt, told)

    def after_error(
        self, endpoint: Endpoint, error: TransportError, attempt: int, answered_before: bool
    ) -> float | None:
        """Seconds to wait after an attempt without an answer; None when it is not to be repeated.

        A server that cannot be connected to is waited for only if it answered before: else the address may be wrong.
        """
        if attempt >= self.most or not (is_repeatable(endpoint) if error.sent else answered_before):
            return None
        return self._wait(attempt, None)

    def _wait(self, attempt: int, told: float | None) -> float:
        seconds = min(LONGEST_WAIT, BASE**attempt) if told is None else told
        return seconds * (1 + self.jitter * random.random())  # noqa: S311  # no secret


def is_repeatable(endpoint: Endpoint) -> bool:
    """Whether doing it twice is as good as once."""
    return endpoint.method in REPEATABLE or endpoint.permission in ("read", "open")


def _told(header: str | None) -> float | None:
    """The seconds of a ``Retry-After``, which may also be a moment."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if seconds == seconds else None
