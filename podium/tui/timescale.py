"""A stretch of time on a line of cells: where moments lie, which ones are written beside it, and bars."""

from typing import Final, NamedTuple

STEPS: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0, 7200.0, 10800.0, 21600.0, 43200.0),
    *(86400.0, 172800.0, 604800.0, 2592000.0, 7776000.0, 31536000.0),
)
"""Seconds between two marks."""
UNITS: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s"))
APART: Final = 9
"""Cells between two marks at the least."""
FULL: Final = "█"
EIGHTHS: Final = " ▏▎▍▌▋▊▉"
SHORTEST: Final = 0.001
"""Seconds that a line shows at the least."""


class Scale(NamedTuple):
    """``width`` cells that show the seconds from ``start`` to ``end``."""

    start: float
    end: float
    width: int

    @property
    def cell(self) -> float:
        """Seconds that a cell shows."""
        return max(self.end - self.start, SHORTEST) / max(self.width, 1)

    def place(self, moment: float) -> float:
        """How many cells a moment is from the left."""
        return (moment - self.start) / self.cell

    def zoomed(self, factor: float, around: float) -> "Scale":
        """``factor`` times the time, with ``around`` where it is."""
        return self._replace(start=around - (around - self.start) * factor, end=around + (self.end - around) * factor)

    def moved(self, cells: float) -> "Scale":
        """The same stretch so many cells later."""
        by = cells * self.cell
        return self._replace(start=self.start + by, end=self.end + by)


def marks(scale: Scale, zero: float) -> list[tuple[int, str]]:
    """Round moments in sight by their cells, told from ``zero``: ``(0, "0")``, ``(12, "30s")``, ``(24, "1m")``."""
    step = next((each for each in STEPS if each / scale.cell >= APART), STEPS[-1])
    found = []
    number = -(-(scale.start - zero) // step)
    while (at := scale.place(zero + number * step)) < scale.width:
        found.append((round(at), offset(number * step, step)))
        number += 1
    return found


def offset(seconds: float, step: float = 1.0) -> str:
    """A distance in time in its largest units: ``0``, ``1m30s``, ``2h``, ``3d12h``; below a second ``0.25s``."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if step < 1.0:
        return f"{sign}{round(seconds, 3):g}s"
    parts = []
    for size, unit in UNITS:
        count, seconds = divmod(round(seconds), size)
        parts += [f"{int(count)}{unit}"] if count else []
    return sign + "".join(parts[:2]) if parts else "0"


def bar(scale: Scale, start: float, end: float) -> tuple[int, str]:
    """The cells of a bar: how many stay empty before it, and its text. Nothing where it is out of sight."""
    left, right = scale.place(start), scale.place(end)
    if right < 0 or left >= scale.width:
        return 0, ""
    first = max(0, int(left))
    eighths = max(1, round((min(right, scale.width) - first) * 8))
    whole, rest = divmod(eighths, 8)
    return first, FULL * whole + (EIGHTHS[rest] if rest else "")
