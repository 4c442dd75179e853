"""What automations did: their firings, each with its actions and deliveries; and why they did not fire."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from podium.client.nouns.automations import AUTOMATION
from podium.client.nouns.firings import (
    FIRED,
    REFUSED,
    cause,
    firings_of,
    firings_of_automation,
    refusals_of_automation,
    sentence,
)
from podium.client.nouns.noun import Names, Noun, Section
from podium.tui.screens.listing import Listing
from podium.tui.screens.parts import Parts
from podium.tui.views import ViewRow
from podium.tui.widgets.text import LineOfText, Part

FIRING = ViewRow(
    "firing",
    "Firings",
    "What an automation did.",
    opens="firings.Firing",
    concerns=("prefect.automation.",),
)


class Unread(NamedTuple):
    """An automation of which no more is known yet."""

    id: str
    name: str


def automation_of(noun: Noun, row: Any) -> Any:
    """The automation itself, or that of a notification."""
    return row if noun.name == AUTOMATION.name else Unread(row.automation_id, row.name)


class Firing(Parts):
    """Why it fired that time, each action with what became of it, and what was sent."""

    def heading_of(self, names: Names) -> str:
        """What the top line says."""
        return f"Fired because of {cause(self.row, names)}"


class Firings(Listing):
    """The firings of an automation or a notification, the newest first."""

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__(FIRING, of=row.name, noun=firings_of(automation_of(noun, row)))

    def action_describe(self) -> None:
        """Shows a firing as `enter` does: there is no more to tell."""
        self.on_table_opened()


class Explained(Parts):
    """Why an automation fired, what it did, and why it did not, as `podium automation explain` tells it."""

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__(AUTOMATION, automation_of(noun, row))
        self.sections = (
            Section("fired", firings_of_automation, FIRED),
            Section("did not fire", refusals_of_automation, REFUSED),
        )
        self.parts = [(), ()]

    def heading_of(self, names: Names) -> str:
        """What the top line says."""
        return f"Why {self.row.name} fired"

    def facts(self) -> Iterator[LineOfText]:
        """What it waits for."""
        if not isinstance(self.row, Unread):
            fired, refused = self.parts
            yield (Part(sentence(self.row, bool(fired), bool(refused))),)

    def open_part(self, section: Section, row: Any) -> None:
        """Opens a firing."""
        if section.name == "fired":
            self.dashboard.push_screen(Firing(firings_of(self.row), row))
        else:
            super().open_part(section, row)
