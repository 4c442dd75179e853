"""Values as people read them, and as programs do."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from podium.client.nouns.noun import Kind

Tone = Literal["good", "bad", "warning", "busy", "idle"]

_TONES: Final[Mapping[str, Tone]] = {
    **dict.fromkeys(("completed", "ready", "online", "cached", "running well", "free"), "good"),
    **dict.fromkeys(("failed", "crashed", "timedout", "not ready", "late", "failing", "full"), "bad"),
    **dict.fromkeys(("cancelled", "cancelling", "paused", "suspended", "awaitingretry", "retrying"), "warning"),
    **dict.fromkeys(("awaitingconcurrencyslot", "awaiting slot"), "warning"),
    **dict.fromkeys(("running", "pending"), "busy"),
    **dict.fromkeys(("scheduled", "offline", "rolledback", "off"), "idle"),
}


def tone_of(state: str) -> Tone | None:
    """How a state is to be taken, by its name or type, whatever its capitals; None for one that is not known."""
    return _TONES.get(state.strip().lower())


def cell(value: Any, kind: Kind, now: datetime | None = None) -> str:
    """The text of a value; moments are told from ``now``, stamps (and all without it) in UTC to the second."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return age(value, now) if now and kind != "stamp" else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if kind == "duration":
        return duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind == "json" or isinstance(value, Mapping):
        return compact(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(cell(each, "text", now) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """The value for a cell of CSV: moments in ISO 8601, durations in seconds, what is nested as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str | int | float):
        return value
    return compact(value)


def compact(value: Any) -> str:
    """JSON on one line; nothing for an empty value."""
    # Loaded on use: what only lists names needs no JSON.
    import msgspec

    return value if isinstance(value, str) else msgspec.json.encode(value).decode() if value not in ({}, []) else ""


def age(moment: datetime, now: datetime) -> str:
    """How long ago, or ahead: ``3m``, ``in 2h``."""
    gone = (now - moment).total_seconds()
    text = span(abs(gone))
    return f"in {text}" if gone < 0 and text != "0s" else text


def span(seconds: float) -> str:
    """A span in its largest unit or two: ``45s``, ``3m``, ``2h``, ``5d``."""
    for unit, size, limit in (("s", 1, 120), ("m", 60, 7200), ("h", 3600, 172800)):
        if seconds < limit:
            return f"{int(seconds // size)}{unit}"
    days = int(seconds // 86400)
    return f"{days}d" if days < 730 else f"{days // 365}y"


def duration(seconds: float) -> str:
    """How long something took; nothing for no time."""
    if seconds <= 0:
        return ""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m{rest:02}s" if hours else f"{minutes}m{rest:02}s"
