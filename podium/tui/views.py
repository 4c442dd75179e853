"""The views, a row each: the only list of what `:` opens."""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from podium.client.nouns.noun import Noun
    from podium.tui.screens.view import View


class More(NamedTuple):
    """A key about a row, in its list and its details.

    ``screen`` is ``module.Class`` in `screens`, or ``module.function``, which is called with the view, the noun, the
    row and its names. One that ``changes`` something is not there for who may only look; one that is ``alone`` needs no
    row.
    """

    key: str
    label: str
    screen: str
    changes: bool = False
    alone: bool = False


class ViewRow(NamedTuple):
    """A view. ``name`` and ``aliases`` are what is typed after `:`.

    ``noun`` is whose rows it lists, if any; ``opens`` the screen of one of them and ``more`` further ones. ``concerns``
    are the beginnings of events after which it is no longer true.
    """

    name: str
    title: str
    help: str
    aliases: tuple[str, ...] = ()
    screen: str = "listing.Listing"
    noun: str = ""
    opens: str = "detail.Detail"
    more: tuple[More, ...] = ()
    concerns: tuple[str, ...] = ()


def _noun(
    name: str,
    title: str,
    aliases: tuple[str, ...],
    concerns: tuple[str, ...] = (),
    opens: str = "detail.Detail",
    more: tuple[More, ...] = (),
) -> ViewRow:
    return ViewRow(name, title, f"List {title.lower()}.", aliases, noun=name, concerns=concerns, opens=opens, more=more)


LOGS: Final = More("l", "logs", "logs.Logs")
RUNS: Final = More("l", "runs", "related.runs")
LATE: Final = More("L", "late", "related.late")
AHEAD: Final = More("v", "scheduled", "related.ahead")
RUN: Final = (
    More("R", "run", "run_form.run", changes=True),
    More("s", "schedules", "schedules.open_list"),
)
DELIVERIES: Final = More("l", "deliveries", "related.deliveries")
FIRINGS: Final = (More("f", "firings", "firings.Firings"), More("x", "explain", "firings.Explained"), DELIVERIES)

VIEWS: Final = (
    ViewRow("home", "Home", "Runs by state over time, what failed, what is next.", ("pulse", "0"), "home.Home"),
    _noun(
        "flow-run",
        "Flow runs",
        ("fr", "run", "runs"),
        ("prefect.flow-run.",),
        opens="run.Run",
        more=(LOGS, More("x", "explain", "explain.Explain")),
    ),
    _noun("task-run", "Task runs", ("tr", "task", "tasks"), ("prefect.task-run.",), more=(LOGS,)),
    _noun(
        "flow",
        "Flows",
        ("fl",),
        ("prefect.flow.",),
        more=(RUNS, LATE, More("D", "deployments", "related.deployments")),
    ),
    _noun(
        "deployment",
        "Deployments",
        ("d", "dep"),
        ("prefect.deployment.",),
        more=(*RUN, RUNS, LATE, AHEAD),
    ),
    _noun("schedule", "Schedules of commands", ("sch",), ("prefect.deployment.",), more=(*RUN, RUNS, LATE, AHEAD)),
    _noun(
        "work-pool",
        "Work pools",
        ("wp", "pool", "pools"),
        ("prefect.work-pool.",),
        opens="parts.Parts",
        more=(RUNS, LATE, AHEAD, More("w", "workers", "related.workers"), More("q", "queues", "related.queues")),
    ),
    _noun(
        "work-queue",
        "Work queues",
        ("wq", "queue", "queues"),
        ("prefect.work-queue.",),
        more=(RUNS, LATE, AHEAD),
    ),
    _noun("worker", "Workers", ("w",), ("prefect.worker.",)),
    _noun("automation", "Automations", ("au", "auto"), ("prefect.automation.",), more=FIRINGS),
    _noun("notification", "Notifications", ("no", "notify"), ("prefect.automation.",), more=FIRINGS),
    _noun("delivery", "Deliveries", ("dl",), ("prefect.automation.action.",)),
    _noun("webhook", "Webhooks", ("wh", "hook", "hooks")),
    _noun("global-concurrency-limit", "Global limits", ("gcl", "limit", "limits"), ("prefect.concurrency-limit.",)),
    _noun("concurrency-limit", "Tag limits", ("cl", "tag-limit"), ("prefect.concurrency-limit.",)),
    ViewRow("slots", "Slots", "Who holds which concurrency slot, and who waits.", ("sl", "holders"), "slots.Slots"),
    _noun("block", "Blocks", ("b",), ("prefect.block-document.",)),
    _noun("block-type", "Block types", ("bt",), ("prefect.block-type.",)),
    _noun("variable", "Variables", ("v", "var", "vars"), ("prefect.variable.",)),
    _noun("artifact", "Artifacts", ("a", "art"), ("prefect.artifact-collection.",), opens="artifact.ArtifactDetail"),
    _noun("event", "Events", ("ev",), ("",)),
    ViewRow("feed", "Feed", "Events as they happen.", ("live", "tail"), "feed.Feed"),
    ViewRow(
        "health",
        "Health",
        "How the server is, also as seen from here.",
        ("he", "doctor", "server"),
        "health.Health",
    ),
    ViewRow("profile", "Profiles", "Choose another server.", ("ctx", "profiles", "context"), "profiles.Profiles"),
)


def view_named(typed: str) -> ViewRow | None:
    """The view of this name or alias, or the only one whose name begins so; plurals count too."""
    word = typed.strip().lower().replace("_", "-").replace(" ", "-")
    for row in VIEWS:
        if word in (row.name, f"{row.name}s", *row.aliases, row.title.lower().replace(" ", "-")):
            return row
    begin = [row for row in VIEWS if word and row.name.startswith(word)]
    return begin[0] if len(begin) == 1 else None


def opens_of(noun: str) -> str:
    """The screen that a row of a noun opens."""
    return next((row.opens for row in VIEWS if row.noun == noun), "detail.Detail")


def similar_view(typed: str) -> str | None:
    """The name nearest to one that is no view's."""
    near = get_close_matches(typed, [name for row in VIEWS for name in (row.name, *row.aliases)], 1)
    return near[0] if near else None


def screen_class(path: str) -> Callable[..., Any]:
    """The class or function of ``module.Name`` in `screens`, imported when it is first wanted."""
    module, _, name = path.partition(".")
    found: Callable[..., Any] = getattr(import_module(f"podium.tui.screens.{module}"), name)
    return found


def view_of(row: ViewRow, filter_text: str = "") -> "View":
    """A screen for a view."""
    view: View = screen_class(row.screen)(row, filter_text)
    return view


def screen_of(noun: "Noun", row: Any) -> "View":
    """The screen that a row of a noun opens."""
    view = view_named(noun.name)
    screen: View = screen_class(view.opens if view else "detail.Detail")(noun, row)
    return screen
