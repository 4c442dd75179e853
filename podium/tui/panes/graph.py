"""What the task runs and subflows of a flow run waited for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult

from podium.client.nouns.noun import endpoint
from podium.tui.layering import Placed, layered
from podium.tui.panes.pane import Pane
from podium.tui.widgets.graph import Graph

if TYPE_CHECKING:
    from podium.client.api import Client


class GraphPane(Pane):
    """A line for each, below the last that it waited for."""

    def compose(self) -> ComposeResult:
        """The lines alone."""
        yield Graph()

    @property
    def searched(self) -> Graph:
        """The names."""
        return self.query_one(Graph)

    def fetch(self, client: "Client", run: Any) -> Sequence[Placed]:
        """The lines of the graph."""
        graph = client.call(endpoint("flow_runs.READ_GRAPH"), id=run.id)
        return layered([node for _, node in graph.nodes])

    def show(self, told: Sequence[Placed]) -> None:
        """Shows the lines."""
        self.view.found([line.node for line in told])
        self.searched.show(told, self.view.ended)

    def tick(self) -> None:
        """Tells anew how long what is under way takes."""
        if self.searched.grows:
            self.searched.refresh()
