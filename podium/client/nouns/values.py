"""Reading what people type: values, spans and moments of time, ids, names of states."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

STATE_TYPES: Final = (
    "SCHEDULED",
    "PENDING",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "CRASHED",
    "PAUSED",
    "CANCELLING",
)
STATE_NAMES: Final = ("AwaitingRetry", "AwaitingConcurrencySlot", "RolledBack", "TimedOut")
"""The names of more than one word; all others are a capital and small letters."""

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORDS: Final = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w"}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_ID: Final = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")


def loosely(text: str) -> Any:
    """The value of a text that is JSON, else the text: `5` is a number, `five` a word."""
    # Loaded on use: what reads times only needs no JSON.
    import msgspec

    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text


def seconds(text: str) -> float:
    """A span of time: ``90``, ``2h``, ``1h30m``, ``5 minutes``; in seconds. Raises ValueError."""
    words = text.strip().lower().removeprefix("in ").replace(" and ", " ").replace(",", " ")
    if re.fullmatch(r"\d+(\.\d+)?", words):
        return float(words)
    parts = _PART.findall(words)
    if not parts or _PART.sub("", words).strip():
        raise ValueError(f"{text!r} is not a span of time; write 90s, 15m, 2h, 1h30m or 7d.")
    total = 0.0
    for amount, unit in parts:
        known = unit if unit in _UNITS else _WORDS.get(unit.removesuffix("s"), "")
        if known not in _UNITS:
            raise ValueError(f"{text!r} is not a span of time; {unit!r} is none of s, m, h, d, w.")
        total += float(amount) * _UNITS[known]
    return total


def moment(text: str, now: datetime | None = None) -> datetime:
    """A moment: ISO 8601 (without an offset: local time), a time of today, ``now``, ``today``, ``yesterday``.

    A span (``2h``) is so long before now. Raises ValueError.
    """
    now = now or datetime.now(UTC)
    words = text.strip().removeprefix("at ").strip()
    if words == "now":
        return now
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if words in ("today", "yesterday", "tomorrow"):
        return midnight + timedelta(days={"today": 0, "yesterday": -1, "tomorrow": 1}[words])
    if clock := re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?\s*([ap]m)?", words.lower()):
        hour = int(clock[1]) % 12 + 12 * (clock[4] == "pm") if clock[4] else int(clock[1])
        return midnight.replace(hour=hour, minute=int(clock[2]), second=int(clock[3] or 0))
    try:
        read = datetime.fromisoformat(words)
    except ValueError:
        pass
    else:
        return read if read.tzinfo else read.astimezone()
    try:
        return now - timedelta(seconds=seconds(words.removesuffix(" ago")))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no moment; write 2h (ago), 2026-05-06T07:08, 17:30 or yesterday.") from None


def iso(at: datetime) -> str:
    """A moment as the wire says it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def is_id(text: str) -> bool:
    """Whether this is an id and no name."""
    return _ID.fullmatch(text.lower()) is not None


def state_name(typed: str) -> str:
    """A state's name however it was typed; a name of one's own that has a capital somewhere stays as it is."""
    known = {name.lower(): name for name in STATE_NAMES}
    return known.get(typed.lower()) or (typed.capitalize() if typed in (typed.lower(), typed.upper()) else typed)


def state_type(typed: str) -> str:
    """A state's type however it was typed. Raises ValueError."""
    if typed.upper() not in STATE_TYPES:
        raise ValueError(f"{typed!r} is not a type of state; these are {', '.join(STATE_TYPES).lower()}.")
    return typed.upper()
