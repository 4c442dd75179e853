"""A bar on stderr while long work goes on, where somebody watches; it goes away when the work is done or given up."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from podium.cli.context import Invocation

Step = Callable[[str, int, int | None], None]
"""Told what is done now (or nothing), how much is done, and of how much if that is known."""

QUICK = 0.4
"""Seconds that need no bar."""


@contextmanager
def progress_bar(invocation: Invocation, label: str, after: float = 0.0) -> Iterator[Step | None]:
    """A bar with count and rate, shown once it took so many seconds; no step to take where nobody watches."""
    stream = invocation.diagnostics.stream
    if not stream.isatty():
        yield None
        return
    bar: Any = None
    began = time.monotonic()

    def step(what: str, done: int, total: int | None) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - began >= after:
            bar = _started(stream, label)
        if bar is not None:
            description = f"{label}: {what}" if what else label
            bar.update(bar.tasks[0].id, description=description, completed=done, total=total)

    try:
        if not after:
            bar = _started(stream, label)
        yield step
    finally:
        if bar is not None:
            bar.stop()


def _started(stream: Any, label: str) -> Any:
    # Loaded on use: rich takes as long to import as everything else a command needs.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column
    from rich.text import Text

    class Count(ProgressColumn):
        """``1,200/5,000``, and how many a second."""

        def render(self, task: Any) -> Text:
            total = "" if task.total is None else f"/{int(task.total):,}"
            count = f"{int(task.completed):,}{total}" if task.completed or total else ""
            rate = task.finished_speed or task.speed
            return Text(f"{count}  {_rate(rate)}" if count and rate else count)

    what = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = (what, BarColumn(bar_width=20), Count(table_column=Column(no_wrap=True)), TimeElapsedColumn())
    # Stdout is for data: it stays what it is.
    bar = Progress(*columns, console=Console(file=stream), transient=True, redirect_stdout=False)
    bar.add_task(label, total=None)
    bar.start()
    return bar


def _rate(speed: float) -> str:
    return f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s"
