"""The part of a log that a screen holds: its end, which grows, or any other part; never more than so many lines."""

import threading
from collections.abc import Iterator
from typing import Any, Final

from podium.client.api import Client
from podium.client.following import LogTail, Steady
from podium.wire import logs
from podium.wire.logs import Log

FIRST: Final = 400
"""Lines at first: the last ones."""
MORE: Final = 1_000
"""Lines that are asked for beyond an end of the window."""
MOST: Final = 5_000
"""Lines that are held."""


class LogWindow:
    """Lines in the order of the server, without a gap, each once. Its methods are called in threads, one at a time.

    ``lines`` is replaced and never changed, so that another thread may look at it. What was read stays read when a call
    fails half-way, and the next call goes on from there.
    """

    def __init__(self, wanted: dict[str, Any]) -> None:
        """``wanted`` is a filter of lines, without a time."""
        self.wanted = wanted
        self.lines: list[Log] = []
        self.has_older = False
        """Whether there may be lines before the first."""
        self.has_newer = False
        """Whether there are lines after the last that are not asked for: the window is not at the end."""
        self._tail: LogTail | None = None
        self._lock = threading.Lock()

    def poll(self, client: Client, *, following: bool = True) -> None:
        """Takes in what is new at the end. Lines at the start go, unless somebody who does not follow reads them."""
        with self._lock:
            if self.has_newer:
                return
            if self._tail is None:
                self._begin(client)
                return
            fresh: list[Log] = []
            try:
                fresh.extend(self._tail.poll())
            finally:
                self._take(fresh, following=following)

    def to_end(self, client: Client) -> None:
        """Holds the end of the log and nothing else."""
        with self._lock:
            self._begin(client)

    def to_start(self, client: Client) -> None:
        """Holds the start of the log and nothing else."""
        with self._lock:
            body = {"logs": self.wanted, "sort": "TIMESTAMP_ASC"}
            self.lines = list(client.pages(logs.FILTER, body, FIRST))
            self.has_older, self.has_newer, self._tail = False, True, None
            if self.lines:
                self._grow(client)
            else:
                self._begin(client)

    def older(self, client: Client) -> None:
        """Takes in lines before the first; those at the end go where there are too many."""
        with self._lock:
            if not self.lines or not self.has_older:
                return
            found, self.has_older = self._beyond(client, self.lines[0], newer=False)
            lines = [*reversed(found), *self.lines]
            if len(lines) > MOST:
                lines, self.has_newer, self._tail = lines[:MOST], True, None
            self.lines = lines

    def newer(self, client: Client) -> None:
        """Takes in lines after the last; those at the start go where there are too many."""
        with self._lock:
            if self.lines and self.has_newer:
                self._grow(client)

    def search(self, client: Client, text: str, *, newer: bool) -> str | None:
        """The id of the next line beyond the window with this text in it; the window then is around it."""
        with self._lock:
            if not self.lines or not (self.has_newer if newer else self.has_older):
                return None
            edge = self.lines[-1 if newer else 0]
            text = text.replace("\\", "\\\\").replace('"', '\\"')
            found, _ = self._beyond(client, edge, newer=newer, most=1, more={"text": {"query": f'"{text}"'}})
            if not found:
                return None
            self.lines, self.has_older, self.has_newer, self._tail = found, True, True, None
            before, self.has_older = self._beyond(client, found[0], newer=False)
            self.lines = [*reversed(before), found[0]]
            self._grow(client)
            return found[0].id

    def _begin(self, client: Client) -> None:
        tail = _tail(client, self.wanted)
        lines = tail.last(FIRST)
        self.lines, self.has_older, self.has_newer, self._tail = lines, len(lines) > FIRST // 2, False, tail

    def _grow(self, client: Client) -> None:
        """The same as `newer`; where that reaches the end, the window follows it again."""
        found, self.has_newer = self._beyond(client, self.lines[-1], newer=True)
        lines = [*self.lines, *found]
        if len(lines) > MOST:
            lines, self.has_older = lines[-MOST:], True
        self.lines = lines
        if not self.has_newer:
            # The tail reads some of what is held again: others may have come between.
            self._tail = _tail(client, self.wanted, lines[max(0, len(lines) - MORE)])

    def _beyond(
        self, client: Client, edge: Log, *, newer: bool, most: int = MORE, more: dict[str, Any] | None = None
    ) -> tuple[list[Log], bool]:
        """The next lines after the last or before the first, the nearest first, and whether there are more."""
        held = {line.id for line in self.lines}
        again = sum(line.timestamp == edge.timestamp for line in self.lines)
        bound = {"after_" if newer else "before_": edge.timestamp}
        wanted = {**self.wanted, **(more or {}), "timestamp": bound}
        body = {"logs": wanted, "sort": "TIMESTAMP_ASC" if newer else "TIMESTAMP_DESC"}
        pages = client.pages(logs.FILTER, body, most + again + 1)
        found = [line for line in pages if line.id not in held]
        return found[:most], len(found) > most

    def _take(self, fresh: list[Log], *, following: bool) -> None:
        held = {line.id for line in self.lines}
        new = [line for line in fresh if line.id not in held]
        if self.has_older and self.lines:
            new = [line for line in new if _place(line) > _place(self.lines[0])]  # others come with what is older
        if not new:
            return
        lines = [*self.lines, *new]
        if self.lines and _place(new[0]) < _place(self.lines[-1]):
            lines.sort(key=_place)
        if len(lines) > MOST and following:
            lines, self.has_older = lines[-MOST:], True
        elif len(lines) > MOST:
            lines, self.has_newer, self._tail = lines[:MOST], True, None
        self.lines = lines


def _tail(client: Client, wanted: dict[str, Any], after: Log | None = None) -> LogTail:
    """A tail that tells at once when the server does not answer."""
    return LogTail(Steady(client, lambda text: None, deadline=0.0), wanted, after.timestamp if after else None)


def _place(line: Log) -> tuple[Any, str]:
    return line.timestamp, line.id


def every_line(client: Client, wanted: dict[str, Any]) -> Iterator[Log]:
    """Every line there is, in order, without holding many of them."""
    yield from _tail(client, wanted).poll()
