"""When the task runs and subflows of a flow run ran."""

from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult

from podium.client.nouns.noun import endpoint
from podium.tui.panes.pane import Pane
from podium.tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.wire.graph import Graph


class TimelinePane(Pane):
    """A bar for each, on one scale."""

    def compose(self) -> ComposeResult:
        """The bars alone."""
        yield Timeline()

    @property
    def searched(self) -> Timeline:
        """The names."""
        return self.query_one(Timeline)

    def fetch(self, client: "Client", run: Any) -> "Graph":
        """The graph."""
        graph: Graph = client.call(endpoint("flow_runs.READ_GRAPH"), id=run.id)
        return graph

    def show(self, told: "Graph") -> None:
        """Shows the bars."""
        nodes = [node for _, node in told.nodes]
        self.view.found(nodes)
        self.searched.show(nodes, told.start_time, self.view.ended)

    def tick(self) -> None:
        """Has what is under way grow."""
        if self.searched.grows:
            self.searched.refresh()
