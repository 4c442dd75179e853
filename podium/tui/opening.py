"""The further keys about a row, the same in a list and in details: other screens, related lists, editing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from podium.client.nouns.noun import Names, Noun
from podium.tui.acting import READ_ONLY
from podium.tui.acts import Act
from podium.tui.owners import OWNERS
from podium.tui.views import More, screen_class, view_named

if TYPE_CHECKING:
    from podium.tui.screens.view import View

EDIT = More("e", "edit", "changing.edit", changes=True)
NEW = More("n", "new", "changing.make", changes=True, alone=True)


def keys_of(noun: Noun) -> tuple[More, ...]:
    """The further keys about one of a noun."""
    listed = view_named(noun.name)
    return (*(listed.more if listed else ()), *((EDIT,) if noun.edits else ()))


def keys_of_changing(noun: Noun) -> tuple[More, ...]:
    """The keys that edit one of a noun, or make another, where that is possible."""
    return (*((EDIT,) if noun.edits else ()), *((NEW,) if noun.creates else ()))


def bind_about(view: "View", noun: Noun, more: Iterable[More], acts: Iterable[Act]) -> None:
    """Gives a view about one of a noun its keys: further screens, acts, and what it belongs to."""
    bindings = view._bindings
    for each in more:
        bindings.bind(each.key, f"open('{each.screen}')", each.label)
    for act in acts:
        bindings.bind(act.key, f"act('{act.name}')", act.label.lower())
    if noun.name in OWNERS:
        bindings.bind("J", "owner", "owner", show=False)


def open_about(view: "View", more: More, noun: Noun, row: Any, names: Names) -> None:
    """Does what a key about a row does."""
    dashboard = view.dashboard
    if more.changes and dashboard.read_only:
        dashboard.say(f"{more.label.capitalize()} is not possible: {READ_ONLY}")
        return
    found: Any = screen_class(more.screen)
    if isinstance(found, type):
        dashboard.push_screen(found(noun, row))
    else:
        found(view, noun, row, names)
