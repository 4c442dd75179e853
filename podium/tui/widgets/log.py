"""Lines of a log: some of many, which grow at both ends while they are read."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.timer import Timer

from podium.client.log_lines import level_name
from podium.client.nouns.printing import on_one_line, printable
from podium.tui.widgets.text import LineOfText, Part, Text

if TYPE_CHECKING:
    from podium.wire.logs import Log

Times = Literal["time", "full", "off"]
NEXT: Final[dict[Times, Times]] = {"time": "full", "full": "off", "off": "time"}
COLORS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What commands write to colour and clear a terminal."""
AT_ONCE: Final = 600
"""Lines that are folded at once."""
PAUSE: Final = 0.01
LONGEST: Final = 10_000
"""Characters of a line that are shown."""


class LogText(Text):
    """Lines of a log. While it ``follow``s, the last one is in sight; who scrolls up reads undisturbed."""

    hangs = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "follow", "follow"),
        Binding("w", "wrap", "wrap"),
        Binding("t", "times", "times"),
    ]

    class Changed(Message):
        """Other lines are in sight, or they are shown otherwise."""

    class ToStart(Message):
        """The first line of all is wanted."""

    class NotFound(Message):
        """What is searched for is not in the lines beyond, as far as they are held."""

        def __init__(self, *, newer: bool) -> None:
            super().__init__()
            self.newer = newer

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.follow = True
        self.times: Times = "time"
        self.logs: Sequence[Log] = []
        """The lines that are folded: all that are held, or some of them for a moment."""
        self._all: Sequence[Log] = []
        self._is_whole = (True, True)
        self._kept = ("", 0)
        self._stepping: Timer | None = None
        self.has_newer = False
        self._heights: list[int] = []
        self._highest = 0
        self._last_found = ("", 0)

    # What is shown

    def sync(self, logs: "Sequence[Log]", *, has_newer: bool) -> None:
        """Shows these lines, after which there may be newer ones that are not held.

        Those shown before are not folded again, and the one at the top stays there.
        """
        self._all, self.has_newer = logs, has_newer
        self._step()

    def _step(self) -> None:
        """Folds some more of all lines, those in sight first: folding thousands of them would hold up a key."""
        if self._stepping is not None:
            self._stepping.stop()
            self._stepping = None
        top = self._at(round(self.scroll_offset.y)) if self.logs else self._kept
        gone, low, kept = _overlap(self.logs, self._all)
        if not kept:
            near = next((at for at, log in enumerate(self._all) if log.id == top[0]), 0)
            low = len(self._all) if self.follow else max(0, near - AT_ONCE // 2)
        high = low + kept
        end = min(len(self._all), high + AT_ONCE)
        start = max(0, low - (AT_ONCE - (end - high)))
        above, below = self._lines_of(self._all[start:low]), self._lines_of(self._all[high:end])
        heights = self._heights[gone : gone + kept]
        skipped = sum(self._heights[:gone])
        self._folded = [*_flat(above), *self._folded[skipped : skipped + sum(heights)], *_flat(below)]
        self._heights = [*map(len, above), *heights, *map(len, below)]
        self.logs = self._all[start:end]
        self._go_to(self._place_of(top))
        self._is_whole = (start == 0, end == len(self._all))
        if self._is_whole != (True, True):
            self._stepping = self.set_timer(PAUSE, self._step)

    def _at(self, y: int) -> tuple[str, int]:
        """The line of the log that a row belongs to, and which row of it that is."""
        ends = list(accumulate(self._heights))
        at = bisect_right(ends, y)
        return (self.logs[at].id, y - ends[at] + self._heights[at]) if at < len(ends) else ("", 0)

    def _place_of(self, at: tuple[str, int]) -> int:
        """Where that row is now; the first row where its line is gone."""
        place = next((number for number, log in enumerate(self.logs) if log.id == at[0]), None)
        return sum(self._heights[:place]) + min(at[1], self._heights[place] - 1) if place is not None else 0

    def _lines_of(self, logs: "Sequence[Log]") -> list[list[LineOfText]]:
        return [[piece for line in self._line(log) for piece in self._fold_line(line)] for log in logs]

    def _line(self, log: "Log") -> list[LineOfText]:
        """A line of the log as lines of text: its own ends of lines stay."""
        message = log.message[:LONGEST].expandtabs(4)
        if "\x1b" in message:
            message = COLORS.sub("", message)
        first, *more = [printable(line) for line in message.rstrip("\n").split("\n")]
        if len(log.message) > LONGEST:
            more.append(f"… {len(log.message) - LONGEST:,} more characters; ^s writes all of them to a file")
        tone = "bad" if log.level >= 40 else "warning" if log.level >= 30 else ""
        level = level_name(log.level)
        parts = [
            Part(f"{level if len(level) <= 5 else level[:4]:<5} ", tone or ("label" if log.level < 20 else "good"))
        ]
        if self.times != "off":
            stamp = log.timestamp.astimezone(UTC)
            full = self.times == "full"
            told = f"{stamp:%Y-%m-%d %H:%M:%S}.{stamp.microsecond // 1000:03} " if full else f"{stamp:%H:%M:%S} "
            parts.insert(0, Part(told, "label"))
            parts += [Part(f"{on_one_line(log.name)}: ", "label")] if full else []
        return [(*parts, Part(first, tone)), *((Part(f"  {line}", tone),) for line in more)]

    def _fold(self) -> None:
        """All lines anew: the width, or what is told of them, is another."""
        self._kept = self._at(round(self.scroll_offset.y))
        self._width = max(10, self.room)
        self.logs, self._heights, self._folded = [], [], []
        self._step()

    def _go_to(self, y: int) -> None:
        """Scrolls to a row, or to the end while it follows. That is not taken for an act of who reads."""
        self.virtual_size = Size(self._width, len(self._folded))
        self._highest = -1
        self.scroll_to(y=self.max_scroll_y if self.follow else y, animate=False, immediate=True)
        self._highest = self.max_scroll_y
        self.refresh()

    def show_log(self, log_id: str) -> None:
        """Has a line in sight, in the middle, where a search goes on from."""
        if all(log.id != log_id for log in self.logs):  # it is not folded yet
            self.follow, self._kept = False, (log_id, 0)
            self.logs, self._heights, self._folded = [], [], []
            self._step()
        at = next((number for number, log in enumerate(self.logs) if log.id == log_id), None)
        if at is not None:
            self._show_found(sum(self._heights[:at]))

    @property
    def is_at_start(self) -> bool:
        """Whether the first line that is held is in sight."""
        return self._is_whole[0] and round(self.scroll_offset.y) == 0

    @property
    def is_at_end(self) -> bool:
        """Whether the last one is."""
        return self._is_whole[1] and round(self.scroll_offset.y) >= self.max_scroll_y

    # Reading

    def on_resize(self, event: events.Resize) -> None:
        """Lines fold elsewhere, or more of them fit."""
        if self.room != self._width:
            self._fold()
        else:
            self._go_to(round(self.scroll_offset.y))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Who scrolls up reads; who comes to the end follows again."""
        super().watch_scroll_y(old_value, new_value)
        if self.max_scroll_y != self._highest:
            return
        self.follow = self.is_at_end and not self.has_newer
        self.post_message(self.Changed())

    def move(self, by: int) -> None:
        """Scrolls, and reads or follows from there, whatever a layout changed since the lines were placed."""
        self._highest = self.max_scroll_y
        super().move(by)

    def action_scroll_end(self) -> None:
        """Goes to the end, and follows."""
        self.follow = True
        self._go_to(0)
        self.post_message(self.Changed())

    def action_scroll_home(self) -> None:
        """Goes to the start, also of what is not held."""
        self.follow = False
        self._go_to(0)
        self.post_message(self.ToStart())

    def action_follow(self) -> None:
        """Follows the end, or lets it go."""
        if self.follow:
            self.follow = False
            self.post_message(self.Changed())
        else:
            self.action_scroll_end()

    def action_wrap(self) -> None:
        """Folds long lines, or cuts them off."""
        self.wrap = not self.wrap
        self._fold()
        self.post_message(self.Changed())

    def action_times(self) -> None:
        """Tells times of day, whole moments with loggers, or neither."""
        self.times = NEXT[self.times]
        self._fold()
        self.post_message(self.Changed())

    # Searching

    def find(self, text: str) -> int:
        """Marks a text wherever it stands and goes to its last place up to here; how many lines have it."""
        self.search = text.lower()
        self.refresh()
        places = self._places()
        if places:
            before = [y for y in places if y < round(self.scroll_offset.y) + self.size.height]
            self._show_found(before[-1] if before else places[0])
        return len(places)

    def action_next(self, by: int) -> None:
        """Goes to the next or previous place of what is searched; tells where there is none among these lines."""
        if not self.search:
            return
        at = self._place_of(self._last_found)
        top, height = round(self.scroll_offset.y), self.size.height
        if not top <= at < top + height:  # somebody went elsewhere
            at = top - 1 if by > 0 else top + height
        places = [y for y in self._places() if (y > at if by > 0 else y < at)]
        if places:
            self._show_found(places[0 if by > 0 else -1])
        else:
            self.post_message(self.NotFound(newer=by > 0))

    def _show_found(self, y: int) -> None:
        self.follow = False
        top = round(self.scroll_offset.y)
        self._go_to(top if top <= y < top + self.size.height else max(0, y - self.size.height // 2))
        self._last_found = self._at(y)
        self.post_message(self.Changed())


def _flat(lines: list[list[LineOfText]]) -> list[tuple[int, LineOfText]]:
    return [(0, piece) for each in lines for piece in each]


def _overlap(held: "Sequence[Log]", logs: "Sequence[Log]") -> tuple[int, int, int]:
    """How many lines are gone at the start, how many came before the others, and how many of those stay."""
    if not held or not logs:
        return 0, 0, 0
    gone = next((at for at, log in enumerate(held) if log.id == logs[0].id), 0)
    came = 0 if held[gone].id == logs[0].id else next((at for at, log in enumerate(logs) if log.id == held[0].id), -1)
    if came < 0:
        return 0, 0, 0
    pairs = zip(held[gone:], logs[came:], strict=False)
    kept = next(
        (at for at, (old, new) in enumerate(pairs) if old.id != new.id), min(len(held) - gone, len(logs) - came)
    )
    return gone, came, kept
