"""The artifacts of a flow run: which there are, and what the one under the cursor holds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from textual.app import ComposeResult

from podium.client.nouns.cells import cell
from podium.client.nouns.noun import Column, endpoint
from podium.tui.panes.pane import Pane
from podium.tui.widgets.artifact import ArtifactBody
from podium.tui.widgets.table import Line, Table
from podium.tui.widgets.text import Searched, Text

if TYPE_CHECKING:
    from podium.client.api import Client

MOST: Final = 100
"""Artifacts that are listed: the newest."""
COLUMNS: Final = (
    Column("key", lambda artifact, names: artifact.key or "without a key", cut=True),
    Column("type", cut=True),
    Column("updated", kind="moment", rank=1),
    Column("description", rank=2, cut=True),
)
LOOK_EVERY: Final = 3
"""Seconds between looks while the run goes on: nothing tells of artifacts without a key."""


class Artifacts(Pane):
    """A list above, the artifact below."""

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[str, Any] = {}
        self._seconds = 0

    def compose(self) -> ComposeResult:
        """Both."""
        yield Table(COLUMNS, id="artifacts")
        yield ArtifactBody()

    @property
    def searched(self) -> Searched | None:
        """The text of the artifact."""
        texts = self.query_one(ArtifactBody).query(Text)
        return texts.last() if texts else None

    @property
    def table(self) -> Table:
        """The list."""
        return self.query_one("#artifacts", Table)

    @property
    def current(self) -> Any:
        """The artifact under the cursor; None where there is none."""
        line = self.table.current
        return self._held.get(line.key) if line else None

    def fetch(self, client: "Client", run: Any) -> Sequence[Any]:
        """The newest artifacts with what they hold; stored results are none."""
        wanted = {"flow_run_id": {"any_": [run.id]}, "type": {"not_any_": ["result"]}}
        body = {"artifacts": wanted, "sort": "ID_DESC"}
        return list(client.pages(endpoint("artifacts.FILTER"), body, MOST))

    def show(self, told: Sequence[Any]) -> None:
        """Lists them, and shows the one under the cursor."""
        self._held = {artifact.id: artifact for artifact in told}
        self.refresh_ages()
        self.table.styles.height = min(len(told), self.screen.size.height // 3) + 1
        self.on_table_moved()

    def refresh_ages(self) -> None:
        """Tells ages anew."""
        now = datetime.now(UTC)
        rows = self._held.values()
        lines = [Line(row.id, tuple(cell(column.of(row, {}), column.kind, now) for column in COLUMNS)) for row in rows]
        self.table.show(0, lines, len(lines))

    def on_table_moved(self) -> None:
        """Shows the artifact under the cursor."""
        self.query_one(ArtifactBody).show(self.current)

    def on_table_opened(self) -> None:
        """Opens the artifact on a screen of its own."""
        if self.current is not None:
            from podium.client.nouns.registry import noun_of
            from podium.tui.views import screen_of

            self.view.dashboard.push_screen(screen_of(noun_of("artifact"), self.current))

    def tick(self) -> None:
        """Looks again now and then while the run goes on."""
        self._seconds += 1
        if self._seconds % LOOK_EVERY == 0 and not self.view.is_over:
            self.view.reload(now=False)
