"""A dashboard that a test drives and looks at."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from textual.pilot import Pilot

from podium.profiles import resolve
from podium.tui.app import Dashboard
from podium.tui.connection import Target

WAIT = 20.0


def target_at(url: str, **settings: Any) -> Any:
    """What the dashboard takes for a profile's target: always this server."""

    def target_of(profile: str | None) -> Target:
        resolved = resolve({"api.url": url, **settings})
        return Target(profile or "test", url, resolved.settings)

    return target_of


class Stage:
    """The dashboard on a screen of so many cells: press keys, look at what is painted."""

    def __init__(self, app: Dashboard, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def top(self) -> str:
        """What the screen shows, without the view below a question."""
        lines = self.app.screen._compositor.render_strips(self.app.size)[: self.app.size.height]
        return "\n".join(line.text.rstrip() for line in lines)

    @property
    def text(self) -> str:
        """What the screen shows, a line for each of its rows."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips(self.app.size)[:height]
        screens = [self.app.screen, *reversed(self.app.screen_stack[:-1])]
        if len(screens) > 1 and screens[0].is_modal:
            below = screens[1]._compositor.render_strips(self.app.size)[:height]
            lines = [_over(top.text, under.text) for top, under in zip(lines, below, strict=False)]
            return "\n".join(line.ljust(width)[:width].rstrip() for line in lines)
        return "\n".join(line.text.rstrip() for line in lines)

    async def press(self, *keys: str) -> Self:
        """Presses keys; words of several letters that are no key's name are typed."""
        for key in keys:
            for each in [key] if key in NAMED or len(key) == 1 or key.startswith("ctrl+") else list(key):
                await self.pilot.press(NAMES.get(each, each))
        return self

    async def go(self, view: str) -> Self:
        """Opens a view by `:`."""
        await self.press("colon")
        await self.pilot.press(*(NAMES.get(char, char) for char in view))
        await self.pilot.press("enter")
        return self

    async def see(self, *texts: str, seconds: float = WAIT) -> str:
        """Waits until all of the texts are on the screen; the screen."""
        return await self._until(lambda screen: all(text in screen for text in texts), f"to see {texts}", seconds)

    async def miss(self, *texts: str, seconds: float = WAIT) -> str:
        """Waits until none of the texts is on the screen; the screen."""
        return await self._until(lambda screen: not any(text in screen for text in texts), f"to miss {texts}", seconds)

    async def rest(self, seconds: float = WAIT) -> None:
        """Waits until nothing is asked of the server and the screen stands still."""
        deadline, before, still = time.monotonic() + seconds, "", 0
        while still < 3:
            await self.pilot.pause(0.05)
            asking = any(worker.group == "load" for worker in self.app.workers if not worker.is_finished)
            still = still + 1 if self.text == before and not asking else 0
            before = self.text
            assert time.monotonic() < deadline, f"the screen does not come to rest:\n{before}"

    def draw(self, path: Path) -> None:
        """Writes the screen as an SVG, for eyes."""
        path.parent.mkdir(exist_ok=True)
        path.write_text(self.app.export_screenshot(), "utf-8")

    async def _until(self, condition: Any, what: str, seconds: float) -> str:
        deadline = time.monotonic() + seconds
        while True:
            await self.pilot.pause()
            screen = self.text
            if condition(screen):
                return screen
            assert time.monotonic() < deadline, f"waited {what}:\n{screen}"
            await asyncio.sleep(0.03)


NAMED = frozenset(
    {"enter", "escape", "tab", "space", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "backspace"}
    | {"delete", "colon", "slash", "question_mark", "minus", "shift+tab"}
)
NAMES = {
    ":": "colon",
    "/": "slash",
    "?": "question_mark",
    "-": "minus",
    " ": "space",
    "=": "equals_sign",
    ",": "comma",
    ".": "full_stop",
    "*": "asterisk",
    "_": "underscore",
}


def _over(top: str, under: str) -> str:
    """A line of a question over that of the view below, which shows where the question is empty."""
    if not top.strip():
        return under
    start, end = len(top) - len(top.lstrip()), len(top.rstrip())
    return under.ljust(end)[:start] + top[start:end] + under.ljust(end)[end:]


@asynccontextmanager
async def staged(
    url: str, view: str = "home", size: tuple[int, int] = (80, 24), *, read_only: bool = False, **settings: Any
) -> AsyncIterator[Stage]:
    """A dashboard at a server."""
    app = Dashboard(target_at(url, **settings), view=view, read_only=read_only)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Stage(app, pilot)


Mask = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

MASKS: tuple[Mask, ...] = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), lambda found: "0" * len(found[0])),
    (re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d"), lambda found: f"2026-05-06{found[1]}07:08:09"),
    (re.compile(r"(07:08:09)\.\d{1,6}"), lambda found: f"{found[1]}.123456"[: len(found[0])].ljust(len(found[0]), "0")),
    (re.compile(r"(\d+h)\d\dm\d\ds"), lambda found: f"{found[1]}30m00s"),
    (re.compile(r"as of \d[\d:]*"), lambda found: "as of 07:08:09"[: len(found[0])]),
    (re.compile(r"(?<![\d:-])\d\d:\d\d:\d\d(?!:)"), lambda found: "07:08:09"),
    (re.compile(r"127\.0\.0\.1:\d{4,5}"), lambda found: "127.0.0.1:4200".ljust(len(found[0]))),
)
"""What differs from run to run, and what stands for it in the pictures."""


def masked(screen: str, *more: Mask) -> str:
    """The screen without what differs from run to run."""
    for pattern, replace in (*MASKS, *more):
        screen = pattern.sub(replace, screen)
    return "\n".join(line.rstrip() for line in screen.split("\n"))
