"""Reading flows."""

from podium.db.tables.flows import flows
from podium.db.unit import Row, Tx
from podium.server.queries.generic import Entity, find_by
from podium.wire.flows import Flow

FLOWS = Entity(flows, Flow, "Flow")


def find_flow(tx: Tx, name: str) -> Row | None:
    """The flow with this name, or None."""
    return find_by(tx, FLOWS, name=name)
