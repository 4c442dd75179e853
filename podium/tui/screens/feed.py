"""Events as they happen."""

import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from podium.client.nouns.cells import tone_of
from podium.client.nouns.events import EVENT, about
from podium.tui.connection import Listening
from podium.tui.filtering import keys_of, parse
from podium.tui.screens.view import View
from podium.tui.views import ViewRow, opens_of, screen_class
from podium.tui.widgets.bars import TopBar
from podium.tui.widgets.stream import MOST, Stream, Told

if TYPE_CHECKING:
    from podium.client.event_stream import Seen
    from podium.wire.events import ReceivedEvent

PAINT_EVERY: Final = 0.2
"""Seconds between two paints at the least."""
FIRST: Final = 100
"""Events of the past to begin with."""
OVERLAP: Final = timedelta(seconds=5)
LONGEST_GAP: Final = 20.0
"""Seconds without being seen after which it does not ask for all that happened meanwhile."""
RATE_OVER: Final = 3.0

FEED: Final = EVENT._replace(filters=tuple(each for each in EVENT.filters if each.key in ("name", "resource", "text")))
"""Events with the filters that those of the future can be chosen by."""


class Missed(NamedTuple):
    """A time that was not looked at."""

    since: datetime
    until: datetime


class Feed(View):
    """The newest event at the bottom."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter"),
        Binding("space,p", "pause", "pause"),
        Binding("d", "describe", "describe"),
        Binding("x", "clear", "clear"),
    ]

    heading = "Feed"
    concerns = ("",)

    def __init__(self, row: ViewRow, filter_text: str = "") -> None:
        super().__init__()
        self.filter_text = filter_text.strip()
        self.is_paused = False
        self._opens = opens_of("event")
        self._seen: Seen | None = None
        self._is_filled = False
        self._hidden: datetime | None = None
        self._waiting: deque[str] = deque(maxlen=MOST)
        self._came: deque[tuple[float, int]] = deque()
        self._quiet: Timer | None = None

    def body(self) -> Iterator[Widget]:
        """The stream alone."""
        yield Stream(lambda item: read(item))

    @property
    def stream(self) -> Stream:
        """The events."""
        return self.query_one(Stream)

    # Listening

    def listen(self) -> Listening:
        """Listens from now on, or from where it stopped a moment ago."""
        from podium.client.event_stream import Seen

        now, hidden = datetime.now(UTC), self._hidden
        if self._seen is None:
            self._seen, self._is_filled = Seen(now - OVERLAP, OVERLAP), False
        elif hidden is not None and (now - hidden).total_seconds() > LONGEST_GAP:
            self.stream.add([Missed(hidden, now)])
            self._seen.skip_to(now - OVERLAP)
            self._is_filled = False
        return self.dashboard.connection.listen("/events/out", self._wanted, self.rung, frames=True, gap=PAINT_EVERY)

    def _wanted(self) -> dict[str, Any]:
        """The filter for each connection; called in the thread that listens."""
        seen, wanted = self._seen, self._filter(self.dashboard.connection.client())
        return {**wanted, "occurred": seen.during()} if seen is not None else wanted

    def _filter(self, client: Any) -> dict[str, Any]:
        from podium.client.nouns.selecting import Selection

        found: dict[str, Any] = Selection(FEED, parse(FEED, self.filter_text)).body(client).get("filter", {})
        return found

    def on_screen_suspend(self) -> None:
        """Notes since when it is hidden."""
        self._hidden = datetime.now(UTC)

    async def load(self) -> None:
        """The last events of the past, once. Raises ValueError for a filter that cannot be read."""
        if self._is_filled:
            await self.ask(_is_there)
            return
        from podium.client.nouns.selecting import Selection

        values = parse(FEED, self.filter_text)
        found = await self.ask(lambda client: list(Selection(FEED, values).rows(client, FIRST)))
        self._is_filled = True
        self.stream.add([event for event in reversed(found) if self._seen is None or self._seen.is_new(event)])
        self._take()
        self.tell()

    def rung(self) -> None:
        """Something came, or the stream was opened or broke."""
        if not self.query(Stream):
            return  # the dashboard ends
        if self._listening is not None and not self._listening.is_live:
            self.reload(now=False)  # tells how the server is
        if self._is_filled:
            self._take()
            self.tell()

    def _take(self) -> None:
        """Shows what came; while it is paused, keeps it."""
        from podium.client.event_stream import head_of

        if self._listening is None or self._seen is None:
            return
        seen, fresh = self._seen, []
        for frame in self._listening.take():
            head = head_of(frame)
            if head is not None and seen.is_new(head):
                fresh.append(frame)
        if fresh:
            self._came.append((time.monotonic(), len(fresh)))
        if self.is_paused:
            self._waiting.extend(fresh)
        elif fresh:
            self.stream.add(fresh)

    def tell(self) -> None:
        """How many come, and what is done with them."""
        rate = self._rate()
        told = [f"{rate:,.0f}/s" if rate >= 1 else f"{rate:.1f}/s" if rate else "quiet"]
        if self.is_paused:
            more = "+" if len(self._waiting) == MOST else ""
            told.append(f"paused, {len(self._waiting):,}{more} new")
        elif not self.stream.follows:
            told.append("G follows")
        told += [f"/{self.filter_text}"] if self.filter_text else []
        if (line := "  ".join(told)) != self.told:
            self.told = line
            self.query_one(TopBar).refresh()

    def _rate(self) -> float:
        """Events a second of the last seconds; looks again when none come."""
        now = time.monotonic()
        while self._came and now - self._came[0][0] > RATE_OVER:
            self._came.popleft()
        if self._quiet is not None:
            self._quiet.stop()
        self._quiet = self.set_timer(RATE_OVER, self.tell) if self._came and self.is_seen else None
        return sum(number for _, number in self._came) / RATE_OVER

    # Keys

    def action_filter(self) -> None:
        """Asks for a filter."""
        self.dashboard.prompt("/", self.filter_text, [f"{key}=" for key in keys_of(FEED)], self.filter_by)

    def filter_by(self, text: str) -> str | None:
        """Shows only events that a filter selects; what is wrong with it, if anything."""
        try:
            parse(FEED, text)
        except ValueError as error:
            return str(error)
        self.filter_text, self.is_paused = text.strip(), False
        self._seen, self._hidden = None, None
        self._waiting.clear()
        self._came.clear()
        self.stream.clear()
        self.reconnected()
        return None

    def action_pause(self) -> None:
        """Stands still, or shows what came meanwhile."""
        self.is_paused = not self.is_paused
        if not self.is_paused:
            self.stream.add(self._waiting)
            self._waiting.clear()
        self.tell()

    def action_clear(self) -> None:
        """Forgets what is shown."""
        self._waiting.clear()
        self.stream.clear()
        self.tell()

    def on_stream_moved(self) -> None:
        """Tells whether it follows."""
        self.tell()

    def on_stream_opened(self) -> None:
        """Opens the event."""
        self._open(self._opens)

    def action_describe(self) -> None:
        """Shows everything about the event."""
        self._open("detail.Detail")

    def _open(self, screen: str) -> None:
        event = event_of_item(self.stream.current)
        if event is not None:
            self.dashboard.push_screen(screen_class(screen)(EVENT, event))

    def action_back(self) -> None:
        """Goes on, then takes the filter away; then goes back."""
        if self.is_paused:
            self.action_pause()
        elif self.filter_text:
            self.filter_by("")
        else:
            super().action_back()


def _is_there(client: Any) -> None:
    from podium.wire import root

    client.call(root.HEALTH)


def event_of_item(item: Any) -> "ReceivedEvent | None":
    """The event of an item of the stream: a frame as it came, or an event of the past."""
    from podium.client.event_stream import event_of

    return event_of(item) if isinstance(item, str) else None if isinstance(item, Missed) else item


def read(item: Any) -> Told:
    """An item as a line."""
    if isinstance(item, Missed):
        return Told("…", f"not looked at from {item.since:%H:%M:%S} to {item.until:%H:%M:%S} UTC", "", "idle")
    event = event_of_item(item)
    if event is None:
        return Told("", str(item), "")
    moment = event.occurred.astimezone(UTC)
    tone = tone_of(event.event.rpartition(".")[2]) or ""
    return Told(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}", event.event, about(event, {}), tone)
