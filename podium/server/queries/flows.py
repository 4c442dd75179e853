"""Reading and registering flows."""

from collections.abc import Mapping
from typing import Any

from podium.db.tables.flows import flows
from podium.db.unit import Row, Tx
from podium.server.queries.generic import Entity, add_if_absent, find_by
from podium.wire.flows import Flow

FLOWS = Entity(flows, Flow, "Flow")


def find_flow(tx: Tx, name: str) -> Row | None:
    """The flow with this name, or None."""
    return find_by(tx, FLOWS, name=name)


def register_flow(tx: Tx, values: Mapping[str, Any]) -> tuple[Row, bool]:
    """The flow with the name in ``values``, made of them when there is none; and whether it was made."""
    added = add_if_absent(tx, FLOWS, values)
    if added is not None:
        return added, True
    found = find_flow(tx, values["name"])
    if found is None:
        return register_flow(tx, values)
    return found, False
