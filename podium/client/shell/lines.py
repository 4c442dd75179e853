"""What a command writes, as lines of a log: in order, whole, and readable whatever the bytes are."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

LONGEST = 64 * 1024
"""Bytes of a line; a longer one goes on in the next."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""Colours and movements of a terminal."""
_TICK = timedelta(microseconds=1)


class Line(NamedTuple):
    """A line that a command wrote to a stream, or that is about it."""

    stream: str
    level: int
    at: datetime
    text: str


LEVELS = {"stdout": 20, "stderr": 30}


class Lines:
    """Makes lines of chunks of bytes. Each is later than the one before: logs are sorted by their time."""

    def __init__(self) -> None:
        self._rest = dict.fromkeys(LEVELS, b"")
        self._last = datetime.now(UTC)

    def feed(self, stream: str, chunk: bytes) -> list[Line]:
        """The lines that a chunk completes."""
        *whole, rest = (self._rest[stream] + chunk).split(b"\n")
        found = []
        for line in whole:
            found += [self._line(stream, part) for part in _parts(line)]
        *full, rest = _parts(rest)
        self._rest[stream] = rest
        return found + [self._line(stream, part) for part in full]

    def end(self) -> list[Line]:
        """The last lines, which no line end ended."""
        found = [self._line(stream, rest) for stream, rest in self._rest.items() if rest]
        self._rest = dict.fromkeys(LEVELS, b"")
        return found

    def note(self, text: str, level: int = 20) -> Line:
        """A line about the command."""
        return Line("podium", level, self._now(), text)

    def _line(self, stream: str, data: bytes) -> Line:
        return Line(stream, LEVELS[stream], self._now(), readable(data))

    def _now(self) -> datetime:
        self._last = max(datetime.now(UTC), self._last + _TICK)
        return self._last


def readable(data: bytes) -> str:
    """The text of a line as a terminal would show it: bytes that are no text are written ``\\xff``."""
    text = data.decode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = _ESCAPES.sub("", text).rstrip("\r").rpartition("\r")[2].replace("\0", "\\x00")
    return text


def _parts(line: bytes) -> list[bytes]:
    """A line in parts that are short enough, none cut inside of a character."""
    parts = []
    while len(line) > LONGEST:
        at = LONGEST
        while at > LONGEST - 4 and line[at] & 0xC0 == 0x80:
            at -= 1
        parts.append(line[:at])
        line = line[at:]
    return [*parts, line]
