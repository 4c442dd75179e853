"""The log of a run: following, searching, choosing levels, and writing it to a file."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from podium.client.log_lines import LEVELS, line_text
from podium.client.nouns.noun import Noun
from podium.client.nouns.proposing import TERMINAL
from podium.tui.connection import Condition, Listening
from podium.tui.panes.pane import Pane
from podium.tui.widgets.bars import Bar
from podium.tui.widgets.log import LogText
from podium.tui.widgets.text import Searched

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.client.log_window import LogWindow

LEAST: Final = (0, 20, 30, 40)
"""Levels that `v` goes through: all, then this one and above."""
LOOK_EVERY: Final = 1.0
"""Seconds between looks at a run that goes on where the server streams no lines."""
SETTLED: Final = timedelta(seconds=30)
"""How long after the end of a run its last lines may come."""
REST: Final = 2.0
"""How many times as long as a look took the next one waits."""
TIMES: Final = {"time": "times of day", "full": "whole times and loggers", "off": "no times"}


class LogBar(Bar):
    """What is shown of the log, and whether it follows."""

    told = ""
    following = True

    def tell(self, text: str, *, following: bool) -> None:
        """Shows a text."""
        self.told, self.following = text, following
        self.refresh()

    def render(self) -> Text:
        """The line."""
        state = self.styled(" ● following", "good") if self.following else self.styled(" ‖ reading, G follows", "busy")
        return state + self.styled(f"  {self.told}", "dim")


class LogPane(Pane):
    """A window over the log of one run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "level", "level"),
        Binding("ctrl+s", "save", "save"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.text = LogText()
        self.bar = LogBar()
        self.least = 0
        self._window: LogWindow | None = None
        self._listening: Listening | None = None
        self._streams = False
        self._timer: Timer | None = None
        self._working = asyncio.Lock()
        self._again = False

    def compose(self) -> ComposeResult:
        """The lines, and what is shown of them."""
        yield self.text
        yield self.bar

    @property
    def searched(self) -> Searched:
        """This pane: a search goes on beyond the lines that are held."""
        return self

    @property
    def noun(self) -> Noun:
        """The kind of run."""
        noun: Noun = self.view.noun
        return noun

    def wanted(self) -> dict[str, Any]:
        """The filter of lines."""
        of = "flow_run_id" if self.noun.name == "flow-run" else "task_run_id"
        level = {"level": {"ge_": self.least}} if self.least else {}
        return {of: {"any_": [self.view.row.id]}, **level}

    # Following

    def fetch(self, client: "Client", run: Any) -> None:
        """Reads what is new."""
        self.window().poll(client, following=self.text.follow)

    def show(self, told: None) -> None:
        """Shows what was read."""
        window = self.window()
        self.text.sync(window.lines, has_newer=window.has_newer)
        self.on_log_text_changed()

    def window(self) -> "LogWindow":
        """The lines that are held."""
        if self._window is None:
            from podium.client.log_window import LogWindow

            self._window = LogWindow(self.wanted())
        return self._window

    def attend(self) -> None:
        """Listens for lines."""
        self.window()
        if self._listening is None:
            connection = self.view.dashboard.connection
            self._listening = connection.listen("/logs/out", self.wanted, self._rung, frames=True)
            self._timer = self.set_interval(LOOK_EVERY, self._look)

    def leave(self) -> None:
        """Listens no more."""
        if self._listening is not None and self._timer is not None:
            self._listening.stop()
            self._timer.stop()
        self._listening = self._timer = None

    def _rung(self) -> None:
        """Lines came, or the stream did."""
        if self._listening is not None and self._listening.take():
            self._streams = True
        if self._working.locked():
            self._again = True
        elif self._listening is not None:
            self._work(lambda window, client: window.poll(client, following=self.text.follow))

    def _look(self) -> None:
        is_live = self._streams and self._listening is not None and self._listening.is_live
        if not (is_live or self._is_settled() or self.view.dashboard.condition is Condition.AWAY):
            self._rung()

    def _is_settled(self) -> bool:
        """Whether the run is over, and its last lines must be there."""
        state = self.view.row.state
        return state is not None and state.type in TERMINAL and datetime.now(UTC) - state.timestamp > SETTLED

    def _work(self, act: Callable[["LogWindow", "Client"], Any], done: Callable[[Any], None] | None = None) -> None:
        """Has something done with the window in a thread, after what is done already; then shows it."""
        self.run_worker(self._do(act, done), group="log")

    async def _do(self, act: Callable[["LogWindow", "Client"], Any], done: Callable[[Any], None] | None) -> None:
        from podium.client.errors import ClientError

        async with self._working:
            window, start = self.window(), time.monotonic()
            try:
                outcome = await self.view.ask(lambda client: act(window, client))
            except ClientError as error:
                if self.is_attached:
                    self.view.failed(error)
                return
        if not self.is_attached:
            return  # it was left meanwhile, or the dashboard ends
        self.show(None)
        if done is not None:
            done(outcome)
        if self._again:
            self._again = False
            self.set_timer(REST * (time.monotonic() - start), self._rung)

    # Reading

    def on_log_text_changed(self) -> None:
        """Tells how it is shown now, and reads on where the lines that are held end."""
        self.tell()
        text, window = self.text, self.window()
        if self._working.locked():
            return
        if text.follow and window.has_newer:
            self._work(lambda window, client: window.to_end(client))
        elif text.is_at_start and window.has_older:
            self._work(lambda window, client: window.older(client))
        elif text.is_at_end and window.has_newer:
            self._work(lambda window, client: window.newer(client))

    def on_log_text_to_start(self) -> None:
        """Reads the start of the log."""
        if not self.window().has_older:
            self.tell()
            return

        def done(outcome: None) -> None:
            self.text.show_log(self.text.logs[0].id if self.text.logs else "")

        self._work(lambda window, client: window.to_start(client), done)

    def tell(self) -> None:
        """Tells which lines are shown, and how."""
        text, window = self.text, self.window()
        ends = [name for name, is_there in (("older", window.has_older), ("newer", window.has_newer)) if is_there]
        held = f"{len(window.lines):,} line{'' if len(window.lines) == 1 else 's'}" + (
            f", {' and '.join(ends)} not read yet" if ends else ""
        )
        level = f"{LEVELS[self.least]} and above" if self.least else "all levels"
        told = [held, level, "" if text.wrap else "not wrapped", "" if text.times == "time" else TIMES[text.times]]
        self.bar.tell("  ".join(each for each in told if each), following=text.follow and not window.has_newer)

    def action_level(self) -> None:
        """Takes the next level: all, INFO, WARNING, ERROR."""
        self.least = LEAST[(LEAST.index(self.least) + 1) % len(LEAST)]
        self._window = None
        self.text.follow = True
        self.leave()
        self.attend()
        self._work(lambda window, client: window.poll(client))

    # Searching

    @property
    def search(self) -> str:
        """What is searched for."""
        return self.text.search

    def find(self, text: str) -> int:
        """Goes to a text; beyond the lines that are held the server is asked for it."""
        found = self.text.find(text)
        window = self.window()
        if text and not found and (window.has_older or window.has_newer):
            self._search_beyond(newer=not window.has_older)
            return 1
        return found

    def on_log_text_not_found(self, message: LogText.NotFound) -> None:
        """Searches beyond the lines that are held."""
        self._search_beyond(newer=message.newer)

    def _search_beyond(self, *, newer: bool) -> None:
        text, followed = self.text.search, self.text.follow
        self.text.follow = False  # else what is found would be left at once for the end

        def done(log_id: str | None) -> None:
            if log_id is None:
                self.text.follow = followed
                self.tell()
                self.view.dashboard.say(f"No {text!r} {'after' if newer else 'before'} this.")
            else:
                self.text.show_log(log_id)

        self.bar.tell(f"searching for {text!r} {'after' if newer else 'before'} this …", following=False)
        self._work(lambda window, client: window.search(client, text, newer=newer), done)

    # Writing to a file

    def action_save(self) -> None:
        """Asks where to, and writes all lines of the levels that are shown."""
        name = "".join(char if char.isalnum() or char in "-_." else "-" for char in self.view.row.name or "")
        self.view.dashboard.prompt(">", f"{name or self.view.row.id}.log", (), self._save)

    def _save(self, typed: str) -> str | None:
        path = Path(typed).expanduser().absolute()
        if not typed.strip():
            return "Type the name of a file."
        if path.exists():
            return f"{path} is there already; type another name."
        if not path.parent.is_dir():
            return f"There is no directory {path.parent}."
        self.run_worker(self._write(path), group="save")
        return None

    async def _write(self, path: Path) -> None:
        from podium.client.errors import ClientError

        dashboard, wanted = self.view.dashboard, self.wanted()
        dashboard.say(f"Writing the log to {path} …")
        try:
            count = await self.view.ask(lambda client: write_log(client, wanted, path))
        except (ClientError, OSError) as error:
            dashboard.say(f"The log was not written: {error}", severity="error")
            return
        dashboard.say(f"Wrote {count:,} lines to {path}\n$ {self.command(path)}")

    def command(self, path: Path) -> str:
        """The command that writes the same file."""
        from podium.tui.acts import command

        profile = self.view.dashboard.named_profile
        level = f" --level {LEVELS[self.least].lower()}" if self.least else ""
        return f"{command(self.noun, 'logs', [self.view.row.id], profile)}{level} > {path.name}"


def write_log(client: "Client", wanted: dict[str, Any], path: Path) -> int:
    """Writes every line to a new file; how many. Raises OSError and ClientError, and leaves no part of it then."""
    from podium.client.log_window import every_line

    with path.open("x", encoding="utf-8") as file:
        try:
            count = 0
            for line in every_line(client, wanted):
                file.write(f"{line_text(line)}\n")
                count += 1
        except BaseException:
            path.unlink()
            raise
    return count
