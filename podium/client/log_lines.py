"""Lines of logs as text."""

from datetime import UTC
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from podium.wire.logs import Log

LEVELS: Final = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
"""Names of levels by their numbers."""


def level_name(level: int) -> str:
    """The name of a level, or its number."""
    return LEVELS.get(level, str(level))


def line_text(line: "Log") -> str:
    """A line for people: in UTC, to the second, the same on every machine that reads along."""
    stamp = line.timestamp.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{stamp} {level_name(line.level):<8} {line.name}: {line.message}"
