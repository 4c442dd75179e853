"""The dashboard: one connection, the views one over the other, and what is the same in all of them."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import Screen

from podium.tui.connection import Condition, Connection, Target
from podium.tui.screens.view import View
from podium.tui.views import VIEWS, similar_view, view_named, view_of

DEEPEST = 12
"""Views kept to go back to."""
PROBE_AFTER = (1.0, 1.0, 2.0, 3.0)
"""Seconds between looks whether a server that is away is back; the last for good."""

TURN = 0.005
"""Seconds that the first frame is given to be written before anything else is done."""

Done = Callable[[str], str | None]
"""Does what was typed; returns what is wrong with it, if anything."""

TargetOf = Callable[[str | None], Target]
"""The target of a profile, or of the one in use; raises SettingsError."""


class Dashboard(App[None]):
    """What `podium dashboard` runs."""

    CSS_PATH: ClassVar[Any] = Path(__file__).with_name("dashboard.tcss")
    TITLE = "podium"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
        Binding("ctrl+c", "quit", "quit", show=False),
    ]
    COMMAND_PALETTE_BINDING = "ctrl+p"
    DEFAULT_MODE = "server-0"
    """Each server has its own stack of views."""

    def __init__(
        self,
        target_of: TargetOf,
        profile: str | None = None,
        *,
        read_only: bool = False,
        view: str = "home",
        when_painted: Callable[[], None] | None = None,
    ) -> None:
        """``profile`` is one that was named and so has to be in the commands that are shown.

        ``when_painted`` is called once, when the first frame is there.
        """
        super().__init__()
        self.animation_level = "none"
        self.read_only = read_only
        self.named_profile = profile
        self._target_of = target_of
        self._first_view = view
        self._probing: Connection | None = None
        self._turn = 0
        self._last: str | None = None
        self._when_painted = when_painted
        self.is_painted = self._is_styled = False
        self.add_mode(self.DEFAULT_MODE, self._first)
        self.target = target_of(profile)
        self.connection = Connection(self.target, self._condition_changed)

    # Start and end

    def get_driver_class(self) -> type[Driver]:
        """Textual's; the one of a terminal with a better way to wait."""
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from podium.tui.driver import TerminalDriver

        return TerminalDriver

    def _first(self) -> View:
        """The first view; the server is asked once it is painted."""
        name, _, filter_text = self._first_view.strip().partition(" ")
        view = view_of(view_named(name) or VIEWS[0], filter_text)
        view.address = self._first_view
        return view

    def on_ready(self) -> None:
        """The first view is laid out: it goes on once it is painted, and the thread that writes had its turn."""
        self.call_after_refresh(self.set_timer, TURN, self._painted)

    def _painted(self) -> None:
        self.is_painted = True
        if self._when_painted is not None:
            self._when_painted()
        if (view := self.view) is not None:
            view.painted()

    def on_mount(self) -> None:
        """It has its first view; what changes styles from now on counts."""
        self._is_styled = True

    def refresh_css(self, animate: bool = True) -> None:
        """Styles anew. Textual wants it before there is a view, too: all of them would be parsed twice for that."""
        if self._is_styled:
            super().refresh_css(animate)

    async def on_unmount(self) -> None:
        """Lets go of the server."""
        await self.connection.close()

    # The server

    @property
    def condition(self) -> Condition:
        """How the server is."""
        return self.connection.condition

    def _condition_changed(self, condition: Condition, reason: str) -> None:
        stale = condition is not Condition.ONLINE and condition is not Condition.CONNECTING
        for screen in self.screen_stack:
            screen.set_class(stale, "-stale")
        self._update_bars()
        if condition is Condition.AWAY:
            self._say_in_view(reason)
            self._probe()
        elif condition in (Condition.REFUSED, Condition.FOREIGN):
            self._show_problem(condition, reason)

    def _show_problem(self, condition: Condition, reason: str) -> None:
        from podium.tui.screens.problem import FIXES, TITLES, Problem

        if not isinstance(self.screen, Problem):
            self.push_screen(Problem(TITLES[condition], reason, FIXES[condition]))

    def _probe(self) -> None:
        if self._probing is not self.connection:
            self._probing = self.connection
            self.run_worker(self._wait_for_server(), group="probe", exclusive=True)

    async def _wait_for_server(self) -> None:
        """Looks until the server answers, then has the view that is seen load."""
        import asyncio

        from podium.client.errors import ClientError
        from podium.wire import root

        connection, turn = self.connection, 0
        try:
            while connection is self.connection and self.condition is Condition.AWAY:
                await asyncio.sleep(PROBE_AFTER[min(turn, len(PROBE_AFTER) - 1)])
                turn += 1
                try:
                    await connection.ask(lambda client: client.call(root.HEALTH))
                except ClientError:
                    continue
        finally:
            if self._probing is connection:
                self._probing = None
        if connection is self.connection and (view := self.view) is not None:
            view.say("")
            view.reconnected()

    def switch_profile(self, name: str | None) -> str | None:
        """Changes to the server of a profile (None: the same, read anew); what is wrong with it, if anything."""
        from podium.profiles import SettingsError

        wanted = name or self.named_profile
        try:
            target = self._target_of(wanted)
        except SettingsError as error:
            return str(error)
        self.named_profile = wanted
        old, self.target = self.connection, target
        self.connection = Connection(target, self._condition_changed)
        self.run_worker(old.close(), group="closing")
        self._first_view = "home"
        self.run_worker(self._begin_again(), group="switch")
        return None

    async def _begin_again(self) -> None:
        """The first view alone, as at the start: nothing of another server stays."""
        before, self._turn = self.current_mode, self._turn + 1
        name = f"server-{self._turn}"
        self.add_mode(name, self._first)
        await self.switch_mode(name)
        await self.remove_mode(before)

    def profiles(self) -> "list[Any]":
        """The profiles there are, with the server of each."""
        from podium.profiles import SettingsError
        from podium.profiles.profile_file import read_profiles
        from podium.profiles.resolve import profiles_path
        from podium.tui.screens.profiles import Choice

        choices = []
        for name in read_profiles(profiles_path()).names():
            try:
                server = self._target_of(name).url
            except SettingsError as error:
                server = f"not usable: {error}"
            choices.append(Choice(name, server, "online" if name == self.target.profile else ""))
        return choices

    # Views

    @property
    def view(self) -> View | None:
        """The view that is seen, also below a question."""
        views = [screen for screen in self.screen_stack if isinstance(screen, View)]
        return views[-1] if views else None

    def go(self, typed: str) -> str | None:
        """Shows the view that was typed, with a filter after its name; what is wrong with it, if anything."""
        name, _, filter_text = typed.strip().partition(" ")
        if name in ("q", "quit", "exit"):
            self.exit()
            return None
        row = view_named(name)
        if row is None:
            near = similar_view(name)
            hint = f"; did you mean {near}?" if near else "; ? lists them."
            return f"There is no view {name!r}{hint}"
        if (now := self.view) is not None:
            self._last = getattr(now, "address", None)
        view = view_of(row, filter_text)
        view.address = typed.strip()
        self._make_room()
        self.push_screen(view)
        return None

    def _make_room(self) -> None:
        """Forgets the oldest views when there are many."""
        views = [screen for screen in self.screen_stack if isinstance(screen, View)]
        if len(views) >= DEEPEST:
            oldest = views[1]
            self.screen_stack.remove(oldest)
            oldest.remove()

    def back(self) -> None:
        """The view before this one; the first one stays."""
        if len([screen for screen in self.screen_stack if isinstance(screen, View)]) > 1:
            self.pop_screen()

    def action_go(self) -> None:
        """Asks for a view."""
        names = [name for row in VIEWS for name in (row.name, *row.aliases) if len(name) > 2]
        self.prompt(":", "", names, self.go)

    def action_last(self) -> None:
        """The view that was seen before this one."""
        if self._last:
            self.go(self._last)

    def action_help(self) -> None:
        """The keys of this view and of all."""
        from podium.tui.screens.help import Help

        view = self.view
        if view is not None:
            self.push_screen(Help(view.heading, view.all_keys()))

    def prompt(self, sign: str, text: str, words: Sequence[str], done: Done, wrong: str = "") -> None:
        """Asks for a line until nothing is wrong with it."""
        from podium.tui.widgets.prompt import Prompt

        def typed(line: str | None) -> None:
            if line is not None and (reason := done(line)):
                self.prompt(sign, line, words, done, reason)

        self.push_screen(Prompt(sign, text, words, wrong), typed)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The commands of the palette: those of Textual, and every view."""
        yield from super().get_system_commands(screen)
        for row in VIEWS:
            yield SystemCommand(f"Go to {row.title.lower()}", row.help, lambda row=row: self.go(row.name))

    def on_key(self, event: events.Key) -> None:
        """Gives keys to the line that `:` or `/` opens, where they came before it was there to take them."""
        prompt: Any = self.screen  # its class is loaded when it is first opened
        if hasattr(prompt, "take_key"):
            prompt.take_key(event)

    # Telling

    def say(self, text: str, severity: Any = "information") -> None:
        """Shows a sentence for a while."""
        self.notify(text, severity=severity, markup=False)

    def _say_in_view(self, text: str) -> None:
        if (view := self.view) is not None:
            view.say(text)

    def _update_bars(self) -> None:
        if (view := self.view) is not None:
            view.update_bars()


def is_dumb() -> bool:
    """Whether the terminal cannot show a screen."""
    return os.environ.get("TERM", "") in ("", "dumb")
