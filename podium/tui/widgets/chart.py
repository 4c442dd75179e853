"""Counts by state over time as stacked bars of blocks, with what each colour stands for and how many there are."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from podium.client.nouns.cells import tone_of
from podium.client.nouns.fitting import cut, padded, width_of

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
EIGHTHS: Final = 8
TONES: Final = ("bad", "warning", "busy", "good", "idle")
"""From the bottom of a bar to its top: what needs somebody stands on the line, where it is seen, however little."""

AXIS: Final = 6
"""Cells of the numbers on the left, with the line."""
LEGEND: Final = 24
"""Cells of the legend on the right; where there is no room for it, it stands below."""
NARROW: Final = 66

STEPS: Final = (10, 15, 20, 30, 60, 75, 90, 120, 180, 300, 360, 450, 600, 900, 1200, 1800, 3600)
LONG_STEPS: Final = (1800, 3600, 5400, 7200, 10800, 14400, 21600, 28800, 43200, 86400)
"""Seconds of a bar. Of long times servers keep counts by half hours, and whole ones are quick."""
LONG: Final = 8 * 3600
MARKS: Final = (60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between times that are written below the bars."""
MARK_CELLS: Final = 9
FILLED: Final = 0.65


class Bar(NamedTuple):
    """How many there are of each state in a stretch of time."""

    start: datetime
    counts: Mapping[str, int]


class Plan(NamedTuple):
    """How a time is cut into bars: the seconds of each, how many, and the cells that each takes."""

    seconds: int
    number: int
    cells: int


def plan(span: float, room: int) -> Plan:
    """The finest bars that fill most of the room; else those that fill the most of it."""
    steps = LONG_STEPS if span > LONG else STEPS
    plans = [Plan(step, number, room // number) for step in steps if 0 < (number := round(span / step)) <= room]
    if not plans:
        return Plan(steps[-1], max(1, round(span / steps[-1])), 1)
    filling = [each for each in plans if each.number * each.cells >= FILLED * room]
    return filling[0] if filling else max(plans, key=lambda each: each.number * each.cells)


def tone_in_chart(state: str) -> str:
    """The colour of a state; one that nobody knows has that of those that wait."""
    return tone_of(state) or "idle"


def heights(counts: Mapping[str, int], largest: int, rows: int) -> list[tuple[str, int]]:
    """The parts of a bar from the bottom to the top: tone, and its height in eighths of a cell.

    Whatever there is has an eighth at least, so that one failure among thousands is seen.
    """
    by_tone = dict.fromkeys(TONES, 0)
    for state, number in counts.items():
        by_tone[tone_in_chart(state)] += number
    most = rows * EIGHTHS
    parts = {tone: max(1, round(number * most / largest)) for tone, number in by_tone.items() if number}
    while sum(parts.values()) > most and (tallest := max(parts, key=lambda tone: parts[tone])) and parts[tallest] > 1:
        parts[tallest] -= 1
    return list(parts.items())


def column(parts: Sequence[tuple[str, int]], rows: int) -> list[tuple[str, str, str]]:
    """The cells of a bar from the bottom to the top: the block, the tone of its lower part, and that of the rest.

    A cell has two colours. So the last one of a bar has that of the most in it; where it is the only one, it is full.
    """
    eighths = [tone for tone, height in parts for _ in range(height)][: rows * EIGHTHS]
    cells = []
    for row in range(rows):
        here = eighths[row * EIGHTHS : (row + 1) * EIGHTHS]
        by_size = sorted(dict.fromkeys(here), key=lambda tone: -here.count(tone))
        if len(by_size) > 1 and (len(here) == EIGHTHS or row == 0):
            lower = here.count(here[0])
            cells.append((BLOCKS[lower], here[0], next(tone for tone in by_size if tone != here[0])))
        elif here:
            cells.append((BLOCKS[len(here)], by_size[0], ""))
        else:
            cells.append((" ", "", ""))
    return cells


def short(number: int) -> str:
    """A count in few cells: ``950``, ``1.2k``, ``34k``, ``1.5M``."""
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if number >= size:
            value = number / size
            return f"{value:.1f}{unit}".replace(".0", "") if value < 9.95 else f"{value:.0f}{unit}"
    return str(number)


class Chart(Widget):
    """Bars over time. Who owns it answers `Wanted`, when the size asks for other bars, with `show`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{tone}" for tone in (*TONES, "axis", "strong")}
    can_focus = False

    class Wanted(Message):
        """Other bars fit."""

    def __init__(self, span: float, **options: Any) -> None:
        """``span`` is the time that is shown, in seconds."""
        super().__init__(**options)
        self.span = span
        self.bars: Sequence[Bar] = ()
        self.seconds = 0
        self.is_known = False
        self._styles: dict[str, Style] = {}
        self._columns: list[list[tuple[str, str, str]]] = []
        self._drawn = 0

    # What is shown

    @property
    def beside(self) -> bool:
        """Whether the legend stands on the right."""
        return self.size.width >= NARROW

    @property
    def room(self) -> int:
        """Cells for bars."""
        return max(8, self.size.width - AXIS - 1 - (LEGEND if self.beside else 0))

    @property
    def rows(self) -> int:
        """Rows for bars: all but the times, and the legend where it stands below."""
        return max(1, self.size.height - (1 if self.beside else 2))

    @property
    def plan(self) -> Plan:
        """The bars that fit."""
        return plan(self.span, self.room)

    def show(self, bars: Sequence[Bar], seconds: int) -> None:
        """Shows bars of so many seconds each."""
        self.bars, self.seconds, self.is_known = bars, seconds, True
        self._draw()

    def say_nothing(self, span: float) -> None:
        """Empties it for another time."""
        self.span, self.bars, self.is_known = span, (), False
        self._draw()

    @property
    def largest(self) -> int:
        """The count of the tallest bar."""
        return max((sum(bar.counts.values()) for bar in self.bars), default=0)

    def totals(self) -> list[tuple[str, int]]:
        """How many there are of each state, in the order of the bars' parts, the largest first in each."""
        found: dict[str, int] = {}
        for bar in self.bars:
            for state, number in bar.counts.items():
                found[state] = found.get(state, 0) + number
        order = {tone: place for place, tone in enumerate(TONES)}
        return sorted(found.items(), key=lambda each: (order[tone_in_chart(each[0])], -each[1], each[0]))

    @property
    def _cells(self) -> int:
        """Cells of a bar; one while bars are shown that were meant for another size."""
        fitting = self.plan
        return fitting.cells if fitting.number == len(self.bars) else 1

    def _draw(self) -> None:
        self._drawn = 0
        self.refresh()

    def _drawn_columns(self) -> list[list[tuple[str, str, str]]]:
        """The cells of the bars, made anew for other bars or another height."""
        largest, rows = max(1, self.largest), self.rows
        if self._drawn != rows:
            self._drawn = rows
            self._columns = [column(heights(bar.counts, largest, rows), rows) for bar in self.bars]
        return self._columns

    def on_resize(self, event: events.Resize) -> None:
        """Bars have another height, and there may be room for others."""
        self._draw()
        if self.is_known and self.plan.seconds != self.seconds:
            self.post_message(self.Wanted())

    # Painting

    def notify_style_update(self) -> None:
        """Colours of another theme."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, lower: str, upper: str = "") -> Style:
        key = f"{lower}/{upper}"
        if key not in self._styles:
            style = self.rich_style
            if lower:
                style += Style(color=self.get_component_rich_style(f"chart--{lower}").color)
            if upper:
                style += Style(bgcolor=self.get_component_rich_style(f"chart--{upper}").color)
            self._styles[key] = style
        return self._styles[key]

    def render_line(self, y: int) -> Strip:
        """A line of the screen: bars, the times below, or the legend."""
        width = self.size.width
        if y < self.rows:
            segments = [*self._left(y), *self._bars(y), *self._legend(y)]
        elif y == self.rows:
            segments = [Segment(self._times(), self._style("axis")), *self._legend(y)]
        else:
            segments = self._legend_below()
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _left(self, y: int) -> list[Segment]:
        label = short(self.largest) if y == 0 and self.bars else ""
        return [Segment(f"{label:>{AXIS - 1}}{'┤' if label else '│'}", self._style("axis"))]

    def _bars(self, y: int) -> list[Segment]:
        if not self.largest:
            text = ("" if not self.is_known else "nothing in this time") if y == self.rows // 2 else ""
            return [Segment(padded(cut(f"  {text}", self.room), self.room), self._style("axis"))]
        cells = self._cells
        row = self.rows - 1 - y
        segments = []
        for each in self._drawn_columns():
            block, lower, upper = each[row]
            segments.append(Segment(block * cells, self._style(lower, upper)))
        segments.append(Segment(" " * max(0, self.room - cells * len(self._columns)), self.rich_style))
        return segments

    def _times(self) -> str:
        """Times of bars, each below its bar, as many as fit."""
        line = " " * (AXIS - 1) + "└"
        if not self.bars:
            return padded(line, AXIS + self.room)
        end = AXIS + len(self.bars) * self._cells
        for place, text in marks(self.bars, self.seconds, self._cells):
            at = AXIS + place * self._cells
            if at > len(line) and at + len(text) + 5 <= end:
                line = f"{line:<{at}}{text}"
        return padded(f"{line:<{end - 3}}now"[: AXIS + self.room], AXIS + self.room)

    def _legend(self, y: int) -> list[Segment]:
        if not self.beside:
            return []
        totals = self.totals()
        shown = totals[: self.rows + 1]
        if len(totals) > len(shown):
            rest = totals[len(shown) - 1 :]
            shown = [*shown[:-1], (f"{len(rest)} more states", sum(number for _, number in rest))]
        if y >= len(shown):
            return []
        state, number = shown[y]
        width = LEGEND - 5
        text = f"{number:,}"
        name = padded(cut(state, width - len(text) - 1), width - len(text))
        return [
            Segment("  ", self.rich_style),
            Segment("■ ", self._style(tone_in_chart(state))),
            Segment(f"{name}{text}", self._style("strong")),
        ]

    def _legend_below(self) -> list[Segment]:
        segments = [Segment(" ", self.rich_style)]
        room = self.size.width - 1
        for state, number in self.totals():
            text = f"{state} {number:,}  "
            if width_of(text) + 2 > room:
                break
            room -= width_of(text) + 2
            segments += [Segment("■ ", self._style(tone_in_chart(state))), Segment(text, self._style("strong"))]
        return segments


def marks(bars: Sequence[Bar], seconds: int, cells: int) -> list[tuple[int, str]]:
    """Bars to write the time below: those with a round time of the local clock, so many cells apart that it is read."""
    step = next((step for step in MARKS if step * cells >= MARK_CELLS * seconds), MARKS[-1])
    found, before = [], None
    for place, bar in enumerate(bars):
        local = bar.start.astimezone()
        number = (local.hour * 3600 + local.minute * 60 + local.second) // step
        if before is not None and (local.date(), number) != before:
            hour, minute = divmod(number * step // 60, 60)
            found.append((place, f"{hour:02}:{minute:02}" if number else f"{local:%a %d}"))
        before = (local.date(), number)
    return found


def bars_of(history: Sequence[Any]) -> list[Bar]:
    """Bars of a history of runs (wire: ``HistoryInterval``)."""
    return [
        Bar(each.interval_start, {state.state_name or state.state_type: state.count_runs for state in each.states})
        for each in history
    ]


def stretch(now: datetime, of: Plan) -> tuple[datetime, datetime]:
    """Start and end of a time that ends with the bar of this moment; bars begin at multiples of their length."""
    end = (now.timestamp() // of.seconds + 1) * of.seconds
    until = datetime.fromtimestamp(end, now.tzinfo)
    return until - timedelta(seconds=of.seconds * of.number), until
