"""What all parts of a flow run's screen share."""

from typing import TYPE_CHECKING, Any

from textual.containers import Vertical

from podium.tui.widgets.text import Searched

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.tui.screens.run import Run


class Pane(Vertical):
    """A part of the screen: while it is seen, what it shows is fetched beside the loop and shown on it."""

    @property
    def view(self) -> "Run":
        """The screen it is on."""
        view: Any = self.screen
        return view  # type: ignore[no-any-return]

    @property
    def searched(self) -> Searched | None:
        """What `/` searches; None where there is no text."""
        return None

    def fetch(self, client: "Client", run: Any) -> Any:
        """What is shown, asked of the server in a thread. May raise ClientError."""

    def show(self, told: Any) -> None:
        """Shows what was fetched; the screen has the run as it is then."""

    def attend(self) -> None:
        """It is seen from now on."""

    def leave(self) -> None:
        """It is hidden from now on."""

    def tick(self) -> None:
        """A second has gone by."""

    def refresh_ages(self) -> None:
        """Tells anew how long ago things were."""
