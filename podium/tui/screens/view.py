"""What all views share: the bars, the keys, and asking the server only while they are seen."""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import MountError, Widget

from podium.tui.connection import GAP, Condition, Listening
from podium.tui.widgets.bars import KeyBar, Message, TopBar

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.tui.app import Dashboard

T = TypeVar("T")

AGES_EVERY = 20.0
"""Seconds after which ages on the screen are told anew."""
REST = 4.0
"""How many times as long as a load took nothing is asked after it because something happened."""

KEY_NAMES = {
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "space": "space",
    "enter": "enter",
    "minus": "-",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


class View(Screen[None]):
    """A screen of the dashboard.

    One that is seen listens to the server's events that begin with one of ``concerns`` and loads again when they come;
    one that is hidden does nothing. Views say what they show in ``body`` and get it in ``load``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "app.go", "go to", show=False, system=True),
        Binding("question_mark", "app.help", "help", show=False, system=True),
        Binding("escape", "back", "back", show=False, system=True),
        Binding("r", "again", "refresh", show=False, system=True),
        Binding("minus", "app.last", "last view", show=False, system=True),
    ]

    heading = ""
    """What is shown, in the top line."""
    told = ""
    """More about it: how many, which filter."""
    address = ""
    """What is typed after `:` to come here."""
    concerns: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    """Ids of resources, where only events that one of them has a part in concern the view."""
    common_keys: tuple[tuple[str, str], ...] = (("?", "help"), (":", "go to"))
    """The keys at the end of the last line, which are there however little room there is."""
    gap = GAP
    """Seconds between two loads at the least, however much happens."""

    def __init__(self) -> None:
        super().__init__()
        self._listening: Listening | None = None
        self._loading = False
        self._again = False
        self._started = self._rested = 0.0

    # What a view is made of

    def compose(self) -> ComposeResult:
        """Bars around the body."""
        yield TopBar()
        yield from self.body()
        yield Message()
        yield KeyBar()

    def body(self) -> Iterator[Widget]:
        """The widgets between the bars."""
        yield from ()

    async def load(self) -> None:
        """Asks the server for what is shown and shows it. May raise ClientError and ValueError."""

    def refresh_ages(self) -> None:
        """Tells anew how long ago things were."""

    @property
    def dashboard(self) -> "Dashboard":
        """The application."""
        dashboard: Any = self.app
        return dashboard  # type: ignore[no-any-return]

    async def ask(self, function: Callable[["Client"], T]) -> T:
        """What the function returns, called with the client in a thread. Raises ClientError."""
        return await self.dashboard.connection.ask(function)

    # Being seen

    @property
    def is_seen(self) -> bool:
        """Whether it is the view on top; `is_current` also holds for the one below it."""
        return self.is_attached and self.dashboard.view is self

    def on_mount(self) -> None:
        """Ages grow older."""
        self.set_interval(AGES_EVERY, self._grow_older)

    def _grow_older(self) -> None:
        if self.is_seen:
            self.refresh_ages()

    def on_screen_resume(self) -> None:
        """It is seen: listens and loads, once the screen is painted; the first one is told so."""
        if self.dashboard.is_painted:
            self.call_after_refresh(self._attend)

    def painted(self) -> None:
        """The first frame is there: listens and loads."""
        self._attend()

    def on_screen_suspend(self) -> None:
        """It is hidden: nothing runs for it any more."""
        self._ignore()

    def on_unmount(self) -> None:
        """It is gone: likewise."""
        self._ignore()

    def _attend(self) -> None:
        if not self.is_seen or self._listening is not None:
            return
        if self.concerns:
            self._listening = self.listen()
        self.reload()

    def listen(self) -> Listening:
        """Listens to what concerns it."""
        prefixes = [each for each in self.concerns if each]
        wanted: dict[str, Any] = {"event": {"prefix": prefixes}} if prefixes else {}
        wanted |= {"any_resource": {"id": list(self.about)}} if self.about else {}
        return self.dashboard.connection.listen("/events/out", lambda: wanted, self.rung, gap=self.gap)

    def rung(self) -> None:
        """Something happened that concerns the view."""
        self.reload(now=False)

    def _ignore(self) -> None:
        if self._listening is not None:
            self._listening.stop()
            self._listening = None

    def reconnected(self) -> None:
        """Another server, or the same one again: what was shown is old."""
        self._ignore()
        if self.is_seen:
            self._attend()

    # Loading

    def reload(self, *, now: bool = True) -> None:
        """Loads anew: ``now`` in place of a load under way, else after it and a rest, in proportion to what it took."""
        if not now and (self._loading or self._again or self._rested > time.monotonic()):
            if not self._loading and not self._again:
                self._rest()
            self._again = True
            return
        self._loading, self._again = True, False
        load: Callable[[], Awaitable[None]] = self._load  # no coroutine: one that is replaced at once never starts
        self.run_worker(load, group="load", exclusive=True)

    async def _load(self) -> None:
        from podium.client.errors import ClientError

        start = self._started = time.monotonic()
        try:
            await self.load()
        except (ClientError, ValueError) as error:
            self.failed(error)
        except (NoMatches, MountError):
            if self.is_attached and self.display and self in self.app.screen_stack:
                raise
            return  # it was left meanwhile, or the dashboard ends: its widgets go before it does
        else:
            self.say("")
        finally:
            if self._started == start:  # else another load took its place
                self._loading = False
            self._rested = time.monotonic() + REST * (time.monotonic() - start)
        self.update_bars()
        if self._again:
            self._rest()

    def _rest(self) -> None:
        """Loads once it has rested, if it is still seen and nothing else made it load."""
        self.set_timer(max(0.2, self._rested - time.monotonic()), self._rested_enough)

    def _rested_enough(self) -> None:
        if self._again and not self._loading:
            self._again = False
            if self.is_seen:
                self.reload()

    def failed(self, error: Exception) -> None:
        """Says what is wrong; what was shown stays."""
        if self.dashboard.condition not in (Condition.REFUSED, Condition.FOREIGN):
            self.say(str(error))

    def say(self, text: str) -> None:
        """Shows a line about what is wrong, or none."""
        for message in self.query(Message):
            message.say(text)

    def update_bars(self) -> None:
        """Paints the bars anew: what they tell has changed."""
        for bar in self.query("TopBar, KeyBar"):
            bar.refresh()

    # Keys

    def shown_keys(self) -> list[tuple[str, str, bool]]:
        """The keys of the last line: key, what it does, and whether it can be done now."""
        shown: dict[str, tuple[str, str, bool]] = {}
        for _, binding, enabled, _ in self.active_bindings.values():
            if binding.show and binding.action not in shown:
                shown[binding.action] = (self.key_name(binding.key), binding.description, enabled)
        return list(shown.values())

    def all_keys(self) -> list[tuple[str, str]]:
        """Every key of its own with what it does; those of the last line first."""
        keys = [(key, label) for key, label, _ in self.shown_keys()]
        for _, binding, _, _ in self.active_bindings.values():
            is_own = not binding.system and not binding.action.startswith(("app.", "screen.", "scroll_", "page_"))
            if is_own and not binding.show and binding.description:
                keys.append((self.key_name(binding.key), binding.description))
        return list(dict.fromkeys(keys))

    @staticmethod
    def key_name(key: str) -> str:
        """A key as it is written on the screen."""
        first = key.partition(",")[0]
        return KEY_NAMES.get(first, first.replace("ctrl+", "^"))

    def action_again(self) -> None:
        """Loads what is shown anew."""
        self.reload()

    def action_back(self) -> None:
        """Goes back to the view before."""
        self.dashboard.back()
