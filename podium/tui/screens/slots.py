"""Who holds which concurrency slots: every limit with its bar, its holders below it, and who waits."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from textual.binding import Binding, BindingType
from textual.widget import Widget

from podium.client.nouns.cells import age
from podium.client.nouns.noun import Column, Filter, Names, Noun, endpoint, joined
from podium.client.nouns.registry import noun_of
from podium.tui.acting import READ_ONLY, act_on
from podium.tui.acts import KEYS, acts_of
from podium.tui.filtering import keys_of, parse
from podium.tui.screens.view import View
from podium.tui.views import ViewRow, opens_of, screen_class
from podium.tui.widgets.table import Line, Table

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.wire.explain import Holder
    from podium.wire.slots import LimitSlots

BAR: Final = 10
FULL, EMPTY = "█", "░"
HOLDERS: Final = 20
"""Holders of a limit that are named."""
FOREVER: Final = timedelta(days=3650)
"""A lease that ends so far away is renewed by nobody and never ends."""
GAP: Final = 1.0
AWAITING: Final = "Awaiting slot"
"""For the one state whose name leaves no room for those of runs."""

NOUNS: Final = {
    "global": "global-concurrency-limit",
    "tag": "concurrency-limit",
    "deployment": "deployment",
    "work_pool": "work-pool",
    "work_queue": "work-queue",
    "flow_run": "flow-run",
    "task_run": "task-run",
}
"""The noun of each kind of limit and holder."""

ACTS: Final = ("cancel", "pause", "disable", "resume", "enable", "reset")


def _has_kind(row: Any, wanted: Sequence[str]) -> bool:
    return row.kind.replace("_", "-") in wanted or row.kind.removeprefix("work_") in wanted


def _mentions(row: Any, wanted: Sequence[str]) -> bool:
    names = [row.name, *(each.name or "" for each in (*row.holders, *row.waiters))]
    return any(text.lower() in name.lower() for name in names for text in wanted)


LIMIT: Final = Noun(
    name="limit",
    plural="limits",
    list="slots.FILTER",
    columns=(
        Column("limit", cut=True),
        Column("kind", rank=1),
        Column("slots"),
        Column("state", kind="state", cut=True),
        Column("since", kind="text"),
        Column("expires", kind="text", rank=2),
    ),
    find=lambda client, given: None,
    key="name",
    metavar="NAME",
    filters=(
        Filter(("--kind",), "Only limits of this kind.", keep=_has_kind, metavar="KIND"),
        Filter(("--name",), "Only with this in the name of the limit, of a holder or of who waits.", keep=_mentions),
    ),
)
"""What lists of limits of all kinds show, and what they are filtered by."""


class Shown(NamedTuple):
    """What a line stands for: ``noun`` and ``key`` of what it opens; no noun where it opens nothing."""

    line: Line
    noun: str = ""
    key: str = ""


class Slots(View):
    """Limits that have slots taken, the fullest first; with a key also those that are free."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter"),
        Binding("a", "all", "free ones too"),
        Binding("d", "describe", "describe"),
        Binding("c", "act('c')", "cancel"),
        Binding("p", "act('p')", "pause"),
        Binding("u", "act('u')", "resume"),
        Binding("z", "act('z')", "reset", show=False),
    ]

    heading = "Slots"
    concerns = (
        "prefect.concurrency-limit.",
        "prefect.flow-run.",
        "prefect.task-run.",
        "prefect.work-pool.",
        "prefect.work-queue.",
        "prefect.deployment.",
    )
    gap = GAP

    def __init__(self, row: ViewRow, filter_text: str = "") -> None:
        super().__init__()
        self.filter_text = filter_text.strip()
        self.shows_free = False
        self._limits: list[LimitSlots] = []
        self._shown: dict[str, Shown] = {}

    def body(self) -> Iterator[Widget]:
        """The table alone."""
        yield Table(LIMIT.columns)

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one(Table)

    # Loading

    async def load(self) -> None:
        """All limits with their holders. Raises ValueError for a filter that cannot be read."""
        from podium.client.errors import NotFound

        parse(LIMIT, self.filter_text)
        body = {"in_use": not self.shows_free, "holders": HOLDERS}
        try:
            self._limits = await self.ask(lambda client: list(client.pages(endpoint("slots.FILTER"), body)))
        except NotFound as error:
            raise ValueError("This server does not tell who holds slots: it is none of Podium's, or older.") from error
        self.show()

    def show(self) -> None:
        """Shows what is known and selected."""
        values = parse(LIMIT, self.filter_text)
        looks = [(each.keep, values[each.key]) for each in LIMIT.filters if each.keep and values.get(each.key)]
        kept = [limit for limit in self._limits if all(keep(limit, wanted) for keep, wanted in looks)]
        shown = [line for each in kept for line in lines_of(each, datetime.now(UTC))]
        self._shown = {each.line.key: each for each in shown}
        self.table.show(0, [each.line for each in shown], len(shown))
        self._tell(kept)

    def _tell(self, kept: "Sequence[LimitSlots]") -> None:
        full = sum(each.active and each.used >= each.limit for each in kept)
        waiting = sum(each.waiting for each in kept)
        told = [f"{len(kept):,} limits" if self.shows_free else f"{len(kept):,} in use"]
        told += [f"{full} full"] if full else []
        told += [f"{waiting:,} wait"] if waiting else []
        told += [f"/{self.filter_text}"] if self.filter_text else []
        self.told = "  ".join(told)
        self.update_bars()

    def refresh_ages(self) -> None:
        """Asks again: leases that are taken or end without an event are seen then."""
        self.reload(now=False)

    # Keys

    def action_filter(self) -> None:
        """Asks for a filter."""
        words = [f"{key}=" for key in keys_of(LIMIT)]
        self.dashboard.prompt("/", self.filter_text, words, self.filter_by)

    def filter_by(self, text: str) -> str | None:
        """Shows only what a filter selects; what is wrong with it, if anything."""
        try:
            parse(LIMIT, text)
        except ValueError as error:
            return str(error)
        self.filter_text = text.strip()
        self.table.move_to(0)
        self.show()
        return None

    def action_all(self) -> None:
        """Shows limits that have all their slots free as well, or leaves them out again."""
        self.shows_free = not self.shows_free
        self.reload()

    def action_back(self) -> None:
        """Takes the filter away; then goes back."""
        if self.filter_text:
            self.filter_by("")
        else:
            super().action_back()

    @property
    def current(self) -> Shown | None:
        """What is under the cursor."""
        line = self.table.current
        return self._shown.get(line.key) if line else None

    def on_table_opened(self) -> None:
        """Opens the holder, who waits, or the limit."""
        self._open(opens_of(self.current.noun) if self.current is not None else "")

    def action_describe(self) -> None:
        """Shows everything about it."""
        self._open("detail.Detail")

    def _open(self, screen: str) -> None:
        def opened(noun: Noun, row: Any, names: Names) -> None:
            self.dashboard.push_screen(screen_class(screen)(noun, row))

        self._with_current(opened)

    def action_act(self, key: str) -> None:
        """Does something to the holder or limit, once it is confirmed."""
        if self.dashboard.read_only:
            self.dashboard.say(READ_ONLY)
            return

        def found(noun: Noun, row: Any, names: Names) -> None:
            act = next((act for act in acts_of(noun) if act.key == key and act.name in ACTS), None)
            if act is None:
                wanted = " or ".join(name for name in ACTS if KEYS[name] == key)
                self.dashboard.say(f"The {noun.words} {noun.told(row, names)!r} has nothing to {wanted}.")
            else:
                act_on(self, noun, act, [row], names, self.reload)

        self._with_current(found)

    def _with_current(self, function: Callable[[Noun, Any, Names], None]) -> None:
        """Calls the function with the noun, row and names of what is under the cursor."""
        shown = self.current
        if shown is None or not shown.noun:
            self.dashboard.say("Nobody knows who that is." if shown else "There is nothing under the cursor.")
            return
        self.run_worker(self._find(noun_of(shown.noun), shown.key, function), group="find", exclusive=True)

    async def _find(self, noun: Noun, key: str, function: Callable[[Noun, Any, Names], None]) -> None:
        from podium.client.errors import ClientError

        def find(client: "Client") -> tuple[Any, Names]:
            row = noun.find(client, key)
            return row, joined(client, noun, [row], detail=True)

        try:
            row, names = await self.ask(find)
        except ClientError as error:
            self.dashboard.say(str(error), severity="warning")
            return
        function(noun, row, names)


def lines_of(limit: "LimitSlots", now: datetime) -> Iterator[Shown]:
    """A limit, below it who holds its slots, and who waits for one."""
    kind = limit.kind.removeprefix("work_")
    full = limit.used >= limit.limit
    state = "off" if not limit.active else "full" if full else "free"
    more = f"{limit.denied:,} refused lately" if limit.denied and not limit.waiting else ""
    if limit.slot_decay_per_second:
        more = f"{limit.slot_decay_per_second:g}/s come back"
    cells = (limit.name, kind, f"{bar(limit.used, limit.limit)} {limit.used:,}/{limit.limit:,}", state, "", more)
    key = {"deployment": limit.deployment_id, "work_pool": limit.name}.get(limit.kind) or limit.id
    yield Shown(Line(limit.id, cells), NOUNS[limit.kind], key)
    for number, holder in enumerate(limit.holders):
        yield _person(limit, "holds", number, holder, now)
    named = sum(holder.slots for holder in limit.holders) + limit.anonymous
    if not limit.slot_decay_per_second:
        if limit.anonymous:
            yield _note(limit, "anonymous", "holds", "nobody knows who: taken without a lease", f"{limit.anonymous:,}")
        if limit.used > named:
            yield _note(limit, "others", "holds", "… others", f"{limit.used - named:,}")
    for number, waiter in enumerate(limit.waiters):
        yield _person(limit, "waits", number, waiter, now)
    if limit.waiting > len(limit.waiters):
        yield _note(limit, "waiting", "waits", f"… {limit.waiting - len(limit.waiters):,} more", "")


def _person(limit: "LimitSlots", does: str, number: int, who: "Holder", now: datetime) -> Shown:
    of = f" of {who.flow_run_name}" if who.flow_run_name else ""
    name = who.name or (f"{who.kind.replace('_', ' ')} {who.id}" if who.id else "nobody knows who")
    since = age(who.since, now) if who.since else ""
    expires = "" if who.expires is None or who.expires - now > FOREVER else age(who.expires, now)
    if who.expires is not None and who.expires <= now:
        expires = "expired"
    slots = f"{who.slots:,}" if does == "holds" else ""
    state = AWAITING if who.state == "AwaitingConcurrencySlot" else who.state or ""
    kind = "" if who.kind == "unknown" else who.kind.replace("_", " ")
    line = Line(f"{limit.id}/{does}/{number}/{who.id}", (f"  {does} {name}{of}", kind, slots, state, since, expires))
    known = who.kind in NOUNS and who.id is not None
    return Shown(line, NOUNS[who.kind] if known else "", who.id or "")


def _note(limit: "LimitSlots", key: str, does: str, text: str, slots: str) -> Shown:
    return Shown(Line(f"{limit.id}/{key}", (f"  {does} {text}", "", slots, "", "", "")))


def bar(used: int, limit: int) -> str:
    """How full a limit is; what is taken at all has a block, and what is free at all an empty one."""
    if limit <= 0:
        return FULL * BAR
    blocks = min(BAR, round(used * BAR / limit))
    blocks = max(1, blocks) if used else 0
    blocks = min(BAR - 1, blocks) if used < limit else BAR
    return FULL * blocks + EMPTY * (BAR - blocks)
