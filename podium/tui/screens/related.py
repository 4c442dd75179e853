"""Lists of what belongs to a row: the runs of a flow, a deployment, a pool or a queue, its late ones, its workers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from podium.client.nouns.noun import Names, Noun
from podium.tui.screens.listing import Listing
from podium.tui.views import view_named

if TYPE_CHECKING:
    from podium.tui.screens.view import View

Given = dict[str, Any]


def _of_queue(queue: Any) -> Given:
    return {"pool": [queue.work_pool_name], "queue": [queue.name]}


_BY: Final[dict[str, Callable[[Any], Given]]] = {
    "flow": lambda row: {"flow": [row.id]},
    "deployment": lambda row: {"deployment": [row.id]},
    "schedule": lambda row: {"deployment": [row.id]},
    "work-pool": lambda row: {"pool": [row.name]},
    "work-queue": _of_queue,
    "automation": lambda row: {"automation": [row.id]},
    "notification": lambda row: {"automation": [row.automation_id]},
}
"""The values of filters that select what belongs to a row, by its noun."""


def runs(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """The flow runs of it, the newest first."""
    _list(view, "flow-run", noun, row, names)


def late(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Those of its flow runs that are late."""
    _list(view, "flow-run", noun, row, names, {"state": ["Late"]}, "Late runs")


def ahead(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Its flow runs that workers get next. Looking marks nothing as polled."""
    _list(view, "flow-run", noun, row, names, {"state_type": ["SCHEDULED"]}, "Scheduled runs", "next")


def deployments(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """The deployments of it."""
    _list(view, "deployment", noun, row, names)


def queues(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """The queues of it."""
    _list(view, "work-queue", noun, row, names)


def workers(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """The workers of it."""
    _list(view, "worker", noun, row, names)


def deliveries(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """What was sent for it, or is to be."""
    _list(view, "delivery", noun, row, names)


def _list(
    view: "View",
    wanted: str,
    noun: Noun,
    row: Any,
    names: Names,
    more: Given | None = None,
    title: str = "",
    sort: str | None = None,
) -> None:
    listed = view_named(wanted)
    assert listed is not None
    listed = listed._replace(title=title) if title else listed
    given = {**_BY[noun.name](row), **(more or {})}
    view.dashboard.push_screen(Listing(listed, given=given, of=noun.told(row, names), sort=sort))
