"""Reads what a client says about a task run in an event (contract: "Task run recorder")."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from podium.db.ids import canonical_id
from podium.db.unit import Row
from podium.server.events.event import RESOURCE_ID, RESOURCE_ROLE, Labels
from podium.wire.scalars import Time
from podium.wire.states import StateCreate
from podium.wire.task_runs import TaskRunPolicy

TASK_RUN = "prefect.task-run."
FLOW_RUN = "prefect.flow-run."
UNPERSISTED = "unpersisted"


class BadReport(ValueError):
    """An event that cannot become a state of a task run; the text says why."""


class _TaskRun(msgspec.Struct):
    """The columns of a task run that a client reports; one it does not send is left as it is.

    Null is a value for those that may be null, and means "not sent" for the others.
    """

    task_key: str
    dynamic_key: str
    name: str | UnsetType | None = UNSET
    task_version: str | UnsetType | None = UNSET
    cache_key: str | UnsetType | None = UNSET
    cache_expiration: Time | UnsetType | None = UNSET
    task_inputs: msgspec.Raw | UnsetType = UNSET
    empirical_policy: TaskRunPolicy | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    labels: dict[str, Any] | UnsetType | None = UNSET
    run_count: int | UnsetType | None = UNSET
    flow_run_run_count: int | UnsetType | None = UNSET
    expected_start_time: Time | UnsetType | None = UNSET
    next_scheduled_start_time: Time | UnsetType | None = UNSET
    start_time: Time | UnsetType | None = UNSET
    end_time: Time | UnsetType | None = UNSET
    total_run_time: float | UnsetType | None = UNSET


class _Payload(msgspec.Struct):
    task_run: _TaskRun
    validated_state: StateCreate


NULLABLE = frozenset(
    {
        "task_version",
        "cache_key",
        "cache_expiration",
        "expected_start_time",
        "next_scheduled_start_time",
        "start_time",
        "end_time",
    }
)

_decode_payload = msgspec.json.Decoder(_Payload).decode
_decode_related = msgspec.json.Decoder(list[Labels]).decode
_NULL = b"null"


@dataclass(slots=True)
class Report:
    """A state of a task run, and the run's columns at that time."""

    position: int
    workspace_id: str
    event_id: str
    timestamp: datetime
    task_run_id: str
    flow_run_id: str | None
    state: StateCreate
    columns: Row

    @property
    def natural_key(self) -> tuple[str | None, str, str]:
        return (self.flow_run_id, self.columns["task_key"], self.columns["dynamic_key"])

    def run_row(self) -> Row:
        """The columns of the task run, its current state among them."""
        return {
            **self.columns,
            "state_id": self.event_id,
            "state_type": self.state.type,
            "state_name": self.state.name or self.state.type.capitalize(),
            "state_timestamp": self.timestamp,
        }

    def state_row(self) -> Row:
        """The row of the state."""
        details = self.state.state_details
        details.flow_run_id, details.task_run_id = self.flow_run_id, self.task_run_id
        data = self.state.data
        return {
            "id": self.event_id,
            "workspace_id": self.workspace_id,
            "task_run_id": self.task_run_id,
            "timestamp": self.timestamp,
            "type": self.state.type,
            "name": self.state.name or self.state.type.capitalize(),
            "message": (self.state.message or "").replace("\0", "") or None,
            "state_details": details,
            "data": None if isinstance(data, dict) and data.get("type") == UNPERSISTED else data,
        }


def read_report(row: Row) -> Report:
    """The report in a delivery joined with its event; ``BadReport`` when it has none."""
    resource_id: str = row["resource_id"]
    task_run_id = canonical_id(resource_id.removeprefix(TASK_RUN))
    if not resource_id.startswith(TASK_RUN) or task_run_id is None:
        raise BadReport(f"{resource_id!r} is no task run")
    try:
        payload = _decode_payload(row["payload"])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadReport(str(error)) from None
    return Report(
        position=row["position"],
        workspace_id=row["workspace_id"],
        event_id=row["event_id"],
        timestamp=row["occurred"],
        task_run_id=task_run_id,
        flow_run_id=_flow_run_id(row["related"]),
        state=payload.validated_state,
        columns=_columns(payload.task_run),
    )


def _flow_run_id(related: msgspec.Raw) -> str | None:
    for labels in _decode_related(related):
        if labels.get(RESOURCE_ROLE) == "flow-run" and labels[RESOURCE_ID].startswith(FLOW_RUN):
            flow_run_id = canonical_id(labels[RESOURCE_ID].removeprefix(FLOW_RUN))
            if flow_run_id is None:
                raise BadReport(f"{labels[RESOURCE_ID]!r} is no flow run")
            return flow_run_id
    return None


def _columns(run: _TaskRun) -> Row:
    columns = {}
    for name in run.__struct_fields__:
        value = getattr(run, name)
        if value is UNSET or (value is None and name not in NULLABLE):
            continue
        if isinstance(value, msgspec.Raw) and bytes(value) == _NULL:
            continue
        columns[name] = value
    return columns
