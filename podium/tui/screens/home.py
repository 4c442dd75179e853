"""Home."""

from collections.abc import Iterator

from textual.widget import Widget

from podium.tui.screens.view import View
from podium.tui.views import ViewRow
from podium.tui.widgets.text import Text


class Home(View):
    """What is going on."""

    heading = "Home"
    concerns = ("prefect.flow-run.",)

    def __init__(self, row: ViewRow, filter_text: str = "") -> None:
        super().__init__()

    def body(self) -> Iterator[Widget]:
        """The text alone."""
        yield Text()
