"""What can be done from the dashboard: the actions of nouns, each with a key, a risk and the same command to copy."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from podium.client.nouns.noun import Names, Noun

if TYPE_CHECKING:
    from podium.client.api import Client

KEYS: Final = {
    "cancel": "c",
    "retry": "t",
    "pause": "p",
    "resume": "u",
    "enable": "u",
    "disable": "p",
    "reset": "z",
    "test": "t",
    "delete": "ctrl+d",
}
"""The key of each action by its name; others have their first letter in capitals."""

SPARED: Final = frozenset({"resume", "enable", "retry"})
"""Actions that take nothing away."""
MANY: Final = 10


class Risk(IntEnum):
    """How an act is confirmed: by any yes, by `y` alone, or by typing how many it changes."""

    LOW = 0
    HIGH = 1
    HUGE = 2


class Act(NamedTuple):
    """Something to do to rows. ``run`` does it to one; ``refused`` tells why it cannot be done to one."""

    name: str
    key: str
    label: str
    past: str
    help: str
    asks: bool
    run: Callable[["Client", Any], str | None]
    refused: Callable[[Any], str | None]

    def risk(self, number: int) -> Risk:
        """The risk of doing it to so many."""
        if number > MANY and self.name not in SPARED:
            return Risk.HUGE
        return Risk.HIGH if self.asks or self.name == "cancel" or number > 1 else Risk.LOW


def acts_of(noun: Noun) -> tuple[Act, ...]:
    """The acts of a noun, in the order in which it lists its actions."""
    return tuple(
        Act(
            action.name,
            KEYS.get(action.name, action.name[0].upper()),
            action.name.replace("-", " ").capitalize(),
            action.past,
            action.help,
            action.asks,
            action.run,
            action.refused or _never,
        )
        for action in noun.actions
    )


def _never(row: Any) -> str | None:
    return None


def command(noun: Noun, name: str, references: Sequence[str], profile: str | None = None) -> str:
    """The command that does the same; ``profile`` is one that has to be named."""
    # Loaded on use: the first list is painted before anything is done.
    from podium.client.nouns.command_lines import acting, line

    return line(acting(noun, name, references), profile)


def references(noun: Noun, rows: Sequence[Any], names: Names) -> list[str]:
    """What commands take for these rows."""
    return [noun.reference(row, names) for row in rows]
