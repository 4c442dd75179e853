"""Home: runs by state over time, what needs somebody, what is next, services, and pools with their workers.

Each part asks the server for itself: one that fails says so, and the others are shown.
"""

import time
from collections.abc import Awaitable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from podium.client.nouns.cells import cell
from podium.client.nouns.noun import Column, Names, endpoint, joined, nested
from podium.client.nouns.registry import noun_of
from podium.tui.acting import act_on, why_not
from podium.tui.acts import acts_of
from podium.tui.screens.view import AGES_EVERY, View
from podium.tui.views import ViewRow, opens_of, screen_class
from podium.tui.widgets.chart import Chart, bars_of, stretch
from podium.tui.widgets.pane import Pane
from podium.tui.widgets.table import Line, Table
from podium.tui.widgets.text import Part, Text

if TYPE_CHECKING:
    from podium.client.api import Client

FIRST_STEPS: Final = (
    ("run", "--", "echo", "hello"),
    ("schedule", "create", "--name", "hello", "--interval", "10m", "--", "echo", "hello"),
    ("worker", "start", "--pool", "shell"),
)
"""Commands for who has nothing on the server yet."""
RANGES: Final = ((3600, "1 h"), (6 * 3600, "6 h"), (24 * 3600, "24 h"), (7 * 86400, "7 d"))
AHEAD: Final = 10
ATTENTION: Final = 20
POOLS_ASKED: Final = 20
"""Pools whose workers are counted; the others are told by their status."""
WIDE: Final = 120
TALL: Final = 40

RUNS: Final = "flow-run"
RANKS: Final = {"failing": 0, "late": 1, "waiting": 2}
POOL_RANKS: Final = {"not ready": 0, "paused": 2}


def _flow(run: Any, names: Names) -> str:
    return names.get("flow", {}).get(run.flow_id, "")


def _when(run: Any, names: Names) -> Any:
    """When a run failed, or should have begun."""
    return run.end_time or run.expected_start_time


ATTENTION_COLUMNS: Final = (
    Column("state", "state_name", kind="state"),
    Column("flow", _flow, cut=True),
    Column("name", cut=True),
    Column("since", _when, kind="moment"),
    Column("message", "state.message", rank=1, cut=True),
)
AHEAD_COLUMNS: Final = (
    Column("start", "next_scheduled_start_time", kind="moment"),
    Column("flow", _flow, cut=True),
    Column("name", cut=True),
    Column("state", "state_name", kind="state", rank=1),
    Column("pool", "work_pool_name", rank=2, cut=True),
)
SERVICE_COLUMNS: Final = (
    Column("service", "name"),
    Column("state", kind="state"),
    Column("finished", "last_finished", kind="moment"),
    Column("error", "last_error", rank=1, cut=True),
)
POOL_COLUMNS: Final = (
    Column("pool", "name", cut=True),
    Column("status", lambda pool, names: _status(pool), kind="state"),
    Column("online", lambda pool, names: names["online"].get(pool.id, ""), kind="number"),
    Column("slots", lambda pool, names: _slots(pool), rank=1),
    Column("type", rank=2),
)


def _status(pool: Any) -> str:
    return "paused" if pool.is_paused else (pool.status or "").lower().replace("_", " ")


def _slots(pool: Any) -> str:
    return "" if pool.concurrency_limit is None else f"{pool.active_slots or 0}/{pool.concurrency_limit}"


class Home(View):
    """What is going on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next pane"),
        Binding("shift+tab", "app.focus_previous", "pane before", show=False),
        Binding("right_square_bracket", "range(1)", "longer"),
        Binding("left_square_bracket", "range(-1)", "shorter"),
        Binding("f", "faults", "faults"),
        Binding("d", "describe", "describe"),
    ]

    heading = "Home"
    gap = 2.0
    concerns = ("prefect.flow-run.", "prefect.deployment.", "prefect.work-pool.", "prefect.worker.")

    def __init__(self, row: ViewRow, filter_text: str = "") -> None:
        super().__init__()
        given = [place for place, (_, name) in enumerate(RANGES) if name.replace(" ", "") == filter_text.strip()]
        self._range = given[0] if given else 2
        self._names: Names = {}
        self._loaded = 0.0
        self._found: dict[str, int] = {}
        self.acts = {act.name: act for act in acts_of(noun_of(RUNS))}
        for act in self.acts.values():
            self._bindings.bind(act.key, f"act('{act.name}')", act.label.lower())

    def body(self) -> Iterator[Widget]:
        """The chart above four panes; what to do first, where nothing has run yet."""
        self._fit(self.app.size)
        yield Chart(RANGES[self._range][0], id="history")
        with Container(id="panes"):
            yield Pane("Late and failed", ATTENTION_COLUMNS, bare=True, id="attention")
            yield Pane("Ahead", AHEAD_COLUMNS, bare=True, id="ahead")
            yield Pane("Services", SERVICE_COLUMNS, bare=True, id="services")
            yield Pane("Pools", POOL_COLUMNS, bare=True, id="pools")

    def on_resize(self, event: events.Resize) -> None:
        """Another size."""
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """Side by side where there is room."""
        self.set_class(size.width >= WIDE, "-wide")
        self.set_class(size.height >= TALL, "-tall")

    async def _furnish(self) -> None:
        """Puts tables into the frame, once it is painted."""
        with self.app.batch_update():
            for pane in self.query(Pane):
                await pane.furnish()
        if self.focused is None:
            self.pane("attention").table.focus()

    @property
    def chart(self) -> Chart:
        """Runs over time."""
        return self.query_one(Chart)

    def pane(self, name: str) -> Pane:
        """The pane of this id."""
        return self.query_one(f"#{name}", Pane)

    # Loading

    async def load(self) -> None:
        """All parts beside each other; raises the error of the first where every part failed."""
        import asyncio

        await self._furnish()
        self._loaded = time.monotonic()
        parts = {
            "history": self._load_history(),
            "attention": self._load_attention(),
            "ahead": self._load_ahead(),
            "services": self._load_services(),
            "pools": self._load_pools(),
        }
        found = await asyncio.gather(*map(self._part, parts.values()))
        errors = {name: error for name, error in zip(parts, found, strict=True) if error is not None}
        if len(errors) == len(parts):
            raise errors["history"]  # of the server, and told once
        for name, error in errors.items():
            self._fail(name, error)
        if not any(self._found.values()):
            await self._load_first_step()
        else:
            self.set_class(False, "-empty")

    async def _part(self, part: Awaitable[None]) -> Exception | None:
        """The error of a part that failed."""
        from podium.client.errors import ClientError

        try:
            await part
        except ClientError as error:
            return error
        return None

    def _fail(self, name: str, error: Exception) -> None:
        """Tells an error where the part is."""
        if name == "history":
            self.told = f"the history cannot be read: {error}"
            self.update_bars()
        else:
            self.pane(name).fail(error)
        self._found.setdefault(name, 1)

    async def _load_history(self) -> None:
        span, name = RANGES[self._range]
        chart, bars = self.chart, self.chart.plan
        start, end = stretch(datetime.now(UTC), bars)
        body = {"history_start": start, "history_end": end, "history_interval_seconds": bars.seconds}
        found = await self.ask(lambda client: client.call(endpoint("flow_runs.HISTORY"), body))
        if chart.span != span:
            return  # another range was chosen meanwhile
        chart.show(bars_of(found), bars.seconds)
        total = sum(number for _, number in chart.totals())
        self._found["history"] = total
        self.told = f"{total:,} run{'' if total == 1 else 's'} in {name}"
        self.update_bars()

    async def _load_attention(self) -> None:
        late, total, failed, names = await self.ask(_attention)
        pane = self.pane("attention")
        kept = late[: max(1, pane.table.page // 2)] if failed else late
        if failed:
            told = f"{total:,} late, then the last that failed" if total else "none is late; these failed last"
        else:
            told = f"{total:,} late, none failed" if total else "none"
        self._show("attention", [*kept, *failed], names, told=told, tone="warning" if total else "dim")
        self._found["attention"] = len(late) + len(failed)

    async def _load_ahead(self) -> None:
        runs, names = await self.ask(_ahead)
        self._show("ahead", runs, names, told="what starts next" if runs else "nothing is scheduled")
        self._found["ahead"] = len(runs)

    async def _load_services(self) -> None:
        from podium.client.errors import NotFound

        try:
            status = await self.ask(lambda client: client.call(endpoint("podium.STATUS")))
        except NotFound:
            self._show("services", [], {}, told="this server is none of Podium's and does not tell")
            return
        services = sorted(status.services, key=lambda each: (RANKS.get(each.state, 3), each.name))
        wrong = [each for each in services if each.state in ("late", "failing")]
        if not services:
            told, tone = "none has done a round yet", "warning"
        elif wrong:
            told, tone = f"{len(wrong)} of {len(services)} stopped", "bad"
        else:
            told, tone = f"{len(services)} do their rounds", "good"
        self._show("services", services, {}, told=told, tone=tone)

    async def _load_pools(self) -> None:
        pools, online = await self.ask(_pools)
        pools.sort(key=lambda each: (POOL_RANKS.get(_status(each), 1), each.name))
        counts = {status: sum(_status(each) == status for each in pools) for status in map(_status, pools)}
        told = [f"{number} {status}" for status, number in counts.items() if status] or ["none"]
        workers = sum(online.values())
        told += [f"{workers or 'no'} worker{'' if workers == 1 else 's'} online"] if pools else []
        names = {"online": {pool: str(number) for pool, number in online.items()}}
        self._show("pools", pools, names, told=", ".join(told), tone="warning" if counts.get("not ready") else "dim")
        self._found["pools"] = len(pools)

    def _show(self, name: str, rows: Sequence[Any], names: Names, *, told: str, tone: str = "dim") -> None:
        pane, now = self.pane(name), datetime.now(UTC)
        columns = COLUMNS[name]
        lines = [
            Line(_key(row), tuple(cell(column.of(row, names), column.kind, now) for column in columns)) for row in rows
        ]
        pane.show(list(zip(rows, lines, strict=True)), told, tone)
        self._names = {**self._names, name: names}  # type: ignore[dict-item]

    async def _load_first_step(self) -> None:
        """Says how to begin, where the server knows of no run at all."""
        runs = await self.ask(lambda client: client.call(endpoint("flow_runs.FILTER"), {"limit": 1}))
        self.set_class(not runs, "-empty")
        if not runs:
            self.told = ""
            self.update_bars()
            if not self.query("#first-step"):
                await self.mount(Text(id="first-step"), before=self.chart)
            self.query_one("#first-step", Text).show(self._first_step())

    def _first_step(self) -> list[tuple[Part, ...]]:
        # Loaded on use: a server on which something ran is not told of it.
        from podium.client.nouns.command_lines import line

        profile, url = self.dashboard.named_profile, self.dashboard.target.url
        run, schedule, worker = (f"    {line(words, profile)}" for words in FIRST_STEPS)
        return [
            (),
            (Part("Nothing has run here yet.", "title"),),
            (),
            (Part("Run a command, with its output and its end kept as a run:"),),
            (Part(run, "busy"),),
            (),
            (Part("Have flows of the prefect client run here:"),),
            (Part(f"    prefect config set PREFECT_API_URL={url}", "busy"),),
            (),
            (Part("Repeat a command by the clock, with a worker to run it:"),),
            (Part(schedule, "busy"),),
            (Part(worker, "busy"),),
            (),
            (Part("What runs then is seen here at once.   ? shows the keys, : goes to any view.", "label"),),
        ]

    # When it loads

    def refresh_ages(self) -> None:
        """Time goes on: runs get late, services fall silent, and the chart moves."""
        if time.monotonic() - self._loaded > AGES_EVERY / 2:
            self.reload(now=False)

    def on_chart_wanted(self) -> None:
        """Other bars fit."""
        self.reload()

    # Keys

    def action_range(self, by: int) -> None:
        """Shows a longer or shorter time."""
        chosen = max(0, min(self._range + by, len(RANGES) - 1))
        if chosen != self._range:
            self._range = chosen
            self.chart.say_nothing(RANGES[chosen][0])
            self.told = f"{RANGES[chosen][1]} …"
            self.update_bars()
            self.reload()

    def action_faults(self) -> None:
        """Lists all runs that are late or failed."""
        from podium.tui.screens.listing import Listing

        self.dashboard.go(RUNS)
        if isinstance(view := self.dashboard.view, Listing):
            view.faults = True

    @property
    def focused_pane(self) -> Pane | None:
        """The pane with the cursor."""
        focused = self.focused
        parent = focused.parent if isinstance(focused, Table) else None
        return parent if isinstance(parent, Pane) else None

    def _chosen_runs(self) -> list[Any]:
        pane = self.focused_pane
        return [pane.current] if pane is not None and pane.id in RUN_PANES and pane.current is not None else []

    def on_table_opened(self) -> None:
        """Opens the run or pool; health for a service."""
        pane = self.focused_pane
        if pane is None or pane.current is None:
            return
        if pane.id == "services":
            self.dashboard.go("health")
        else:
            noun = RUNS if pane.id in RUN_PANES else "work-pool"
            self._open(noun, opens_of(noun), pane.current)

    def action_describe(self) -> None:
        """Everything about the run or pool."""
        pane = self.focused_pane
        if pane is not None and pane.current is not None and pane.id != "services":
            self._open(RUNS if pane.id in RUN_PANES else "work-pool", "detail.Detail", pane.current)

    def _open(self, noun: str, screen: str, row: Any) -> None:
        self.dashboard.push_screen(screen_class(screen)(noun_of(noun), row))

    def on_table_moved(self) -> None:
        """Other keys may be possible for another row."""
        self.update_bars()

    def on_descendant_focus(self) -> None:
        """And in another pane."""
        self.update_bars()

    def action_act(self, name: str) -> None:
        """Does something to the run under the cursor, once it is confirmed."""
        pane = self.focused_pane
        names: Any = self._names.get(pane.id or "", {}) if pane is not None else {}
        act_on(self, noun_of(RUNS), self.acts[name], self._chosen_runs(), names, self.reload)

    def shown_keys(self) -> list[tuple[str, str, bool]]:
        """Keys; acts that cannot be done to the run under the cursor are dim."""
        runs = self._chosen_runs() if self.is_mounted else []
        dim = {self.key_name(act.key) for act in self.acts.values() if why_not(self.dashboard, act, runs)}
        return [(key, label, key not in dim) for key, label, _ in super().shown_keys()]


COLUMNS: Final = {
    "attention": ATTENTION_COLUMNS,
    "ahead": AHEAD_COLUMNS,
    "services": SERVICE_COLUMNS,
    "pools": POOL_COLUMNS,
}
RUN_PANES: Final = ("attention", "ahead")


def _key(row: Any) -> str:
    return str(getattr(row, "id", None) or row.name)


def _attention(client: "Client") -> tuple[list[Any], int, list[Any], Names]:
    """The longest late runs and how many are late, the last that failed, and the names of their flows."""
    from podium.client.nouns.selecting import Selection

    noun = noun_of(RUNS)
    behind = Selection(noun, {"state": ["Late"]})
    late = list(behind.rows(client, ATTENTION, 0, "oldest"))
    total = len(late)
    if total == ATTENTION:  # there may be more
        total = behind.count(client)
    broken = Selection(noun, {"state": ["Failed", "Crashed", "TimedOut"]})
    failed = list(broken.rows(client, ATTENTION, 0, "ended"))
    return late, total, failed, joined(client, noun, [*late, *failed])


def _ahead(client: "Client") -> tuple[list[Any], Names]:
    """The runs that start next, and the names of their flows."""
    wanted = {
        **nested("flow_runs.state.type.any_", ["SCHEDULED"]),
        "sort": "NEXT_SCHEDULED_START_TIME_ASC",
        "limit": AHEAD,
    }
    wanted["flow_runs"]["next_scheduled_start_time"] = {"after_": datetime.now(UTC)}
    runs = client.call(endpoint("flow_runs.FILTER"), wanted)
    return runs, joined(client, noun_of(RUNS), runs)


def _pools(client: "Client") -> tuple[list[Any], dict[str, int]]:
    """All pools, and for those that have workers how many are online."""
    pools = list(client.pages(endpoint("work_pools.FILTER"), {}))
    ready = [pool for pool in pools if pool.status == "READY"][:POOLS_ASKED]
    wanted = nested("workers.status.any_", ["ONLINE"])
    online = {
        pool.id: len(list(client.pages(endpoint("workers.FILTER"), wanted, work_pool_name=pool.name))) for pool in ready
    }
    return pools, online
