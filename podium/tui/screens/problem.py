"""A server that cannot be used: why, and what to do about it."""

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from podium.tui.connection import Condition

if TYPE_CHECKING:
    from podium.tui.app import Dashboard

TITLES = {
    Condition.REFUSED: "The server does not let us in",
    Condition.FOREIGN: "What answers is not the API",
}
FIXES = {
    Condition.REFUSED: "Set PODIUM_API_AUTH_STRING or PODIUM_API_KEY in the profile "
    "(`podium config set PODIUM_API_AUTH_STRING=…`), or choose another profile.",
    Condition.FOREIGN: "Check PODIUM_API_URL, which ends in /api, and what lies between; or choose another profile.",
}


class Problem(ModalScreen[None]):
    """What is wrong and the keys that help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", "try again"),
        Binding("p", "profiles", "other profile"),
        Binding("q", "app.quit", "quit"),
    ]

    def __init__(self, title: str, reason: str, fix: str, *, can_continue: bool = False) -> None:
        super().__init__()
        self.problem_title, self.reason, self.fix, self.can_continue = title, reason, fix, can_continue

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box high"):
            yield Static(self.problem_title, classes="question", markup=False)
            yield Static(self.reason, markup=False)
            yield Static(self.fix, classes="dim", markup=False)
            more = "enter go on   " if self.can_continue else ""
            yield Static(f"{more}r try again   p another profile   q quit", classes="answers", markup=False)

    @property
    def dashboard(self) -> "Dashboard":
        """The application."""
        dashboard: Any = self.app
        return dashboard  # type: ignore[no-any-return]

    def key_enter(self) -> None:
        """Goes on where that is possible."""
        if self.can_continue:
            self.dismiss()

    def action_retry(self) -> None:
        """Asks the server again; settings are read anew."""
        self.dismiss()
        self.dashboard.switch_profile(None)

    def action_profiles(self) -> None:
        """Chooses another profile."""
        self.dismiss()
        self.dashboard.go("profile")
