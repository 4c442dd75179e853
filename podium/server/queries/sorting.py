"""The orders of lists: a sort name off the wire becomes ORDER BY, made total by the id."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement

from podium.db.tables.artifacts import artifacts, latest_artifacts
from podium.db.tables.automations import automations
from podium.db.tables.blocks import block_documents, block_types
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import START_TIME_OR_EXPECTED, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.logs import logs
from podium.db.tables.notifications import notifications, webhooks
from podium.db.tables.task_runs import task_runs
from podium.db.tables.variables import variables

Order = tuple[ColumnElement[Any], ...]
Sorts = Mapping[str, Order]


def _named(rows: Any) -> dict[str, Order]:
    return {
        "NAME_ASC": (rows.c.name, rows.c.id),
        "NAME_DESC": (rows.c.name.desc(), rows.c.id.desc()),
        "CREATED_DESC": (rows.c.created.desc(), rows.c.id.desc()),
        "UPDATED_DESC": (rows.c.updated.desc(), rows.c.id.desc()),
    }


def _runs(rows: Any) -> dict[str, Order]:
    """Nulls come last where a run without the time is of no interest, on both databases."""
    return {
        "ID_DESC": (rows.c.id.desc(),),
        "EXPECTED_START_TIME_ASC": (rows.c.expected_start_time, rows.c.id),
        "EXPECTED_START_TIME_DESC": (rows.c.expected_start_time.desc(), rows.c.id.desc()),
        "NAME_ASC": (rows.c.name, rows.c.id),
        "NAME_DESC": (rows.c.name.desc(), rows.c.id.desc()),
        "NEXT_SCHEDULED_START_TIME_ASC": (rows.c.next_scheduled_start_time.nulls_last(), rows.c.id),
        "END_TIME_DESC": (rows.c.end_time.desc().nulls_last(), rows.c.id.desc()),
    }


def _keyed(rows: Any) -> dict[str, Order]:
    return {
        "ID_DESC": (rows.c.id.desc(),),
        "CREATED_DESC": (rows.c.created.desc(), rows.c.id.desc()),
        "UPDATED_DESC": (rows.c.updated.desc(), rows.c.id.desc()),
        "KEY_DESC": (rows.c.key.desc().nulls_last(), rows.c.id.desc()),
        "KEY_ASC": (rows.c.key.nulls_last(), rows.c.id),
    }


FLOWS: Sorts = _named(flows)
DEPLOYMENTS: Sorts = _named(deployments)
VARIABLES: Sorts = _named(variables)
AUTOMATIONS: Sorts = _named(automations)
NOTIFICATIONS: Sorts = _named(notifications)
WEBHOOKS: Sorts = _named(webhooks)
TASK_RUNS: Sorts = _runs(task_runs)
FLOW_RUNS: Sorts = {
    **_runs(flow_runs),
    "START_TIME_ASC": (START_TIME_OR_EXPECTED, flow_runs.c.id),
    "START_TIME_DESC": (START_TIME_OR_EXPECTED.desc(), flow_runs.c.id.desc()),
}
LOGS: Sorts = {
    "TIMESTAMP_ASC": (logs.c.timestamp, logs.c.id),
    "TIMESTAMP_DESC": (logs.c.timestamp.desc(), logs.c.id.desc()),
}
ARTIFACTS: Sorts = _keyed(artifacts)
LATEST_ARTIFACTS: Sorts = _keyed(latest_artifacts)
BLOCK_DOCUMENTS: Sorts = {
    "NAME_ASC": (block_documents.c.name, block_documents.c.id),
    "NAME_DESC": (block_documents.c.name.desc(), block_documents.c.id.desc()),
    "BLOCK_TYPE_AND_NAME_ASC": (block_types.c.name, block_documents.c.name, block_documents.c.id),
}
"""The last order needs the query to join the block types."""
