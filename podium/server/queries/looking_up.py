"""Looking up what a filter on few rows finds, before the many rows are read that belong to them.

PostgreSQL guesses how many flows have a part of a name, and reads all their runs where it guesses too few; of named
flows it knows how many runs each has.
"""

from typing import TypeVar

import msgspec
from sqlalchemy import select

from podium.db.unit import WORKSPACE, Tx
from podium.server.queries.filter_targets import FLOWS
from podium.server.queries.filtering import named_ids, own_conditions
from podium.wire.filters import AnyIdOrNot, FlowFilter, RunScope

MOST = 1000
"""Flows that are named one by one."""

B = TypeVar("B", bound=RunScope)


def with_flows_named(tx: Tx, body: B) -> B:
    """The same body, with the flows that its filter finds named by their ids, where they are not too many."""
    wanted = body.flows
    if tx.dialect == "sqlite" or wanted is None or named_ids([wanted]) is not None:
        return body
    flows = FLOWS.rows.c
    found = select(flows.id).where(flows.workspace_id == WORKSPACE, *own_conditions(FLOWS, wanted)).limit(MOST + 1)
    ids = tx.column(found)
    if len(ids) > MOST:
        return body
    return msgspec.structs.replace(body, flows=FlowFilter(id=AnyIdOrNot(any_=ids)))
