"""The columns of a state row, alike for flow runs and task runs."""

from typing import Any

from sqlalchemy import Column, Text

from podium.db.tables.metadata import EMPTY_OBJECT
from podium.db.types import Id, Json, Timestamp


def state_columns() -> list[Column[Any]]:
    """What a state says.

    ``data`` is what the client sent, null when it has no persisted result. A state with data has an artifact of type
    ``result`` with the same data (``result_artifact_id``), written with it; reading a state needs only its own row.
    """
    return [
        Column("type", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("message", Text),
        Column("state_details", Json(), nullable=False, server_default=EMPTY_OBJECT),
        Column("data", Json(verbatim=True)),
        Column("result_artifact_id", Id()),
    ]


def current_state_columns() -> list[Column[Any]]:
    """The run's current state, of which type, name and time are copied so that lists need no join.

    ``state_id`` has no foreign key: it would point at a table that may be partitioned by time. Together with
    ``state_timestamp`` it is the primary key of the state.
    """
    return [
        Column("state_id", Id()),
        Column("state_type", Text),
        Column("state_name", Text),
        Column("state_timestamp", Timestamp()),
    ]
