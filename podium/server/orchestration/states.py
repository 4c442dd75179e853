"""States as orchestration handles them, before and after they are rows."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from podium.db.ids import new_id
from podium.db.unit import Row
from podium.wire.states import TERMINAL, StateCreate, StateDetails, StateType

DEFAULT_NAMES: dict[str, str] = {
    "SCHEDULED": "Scheduled",
    "PENDING": "Pending",
    "RUNNING": "Running",
    "PAUSED": "Paused",
    "CANCELLING": "Cancelling",
    "COMPLETED": "Completed",
    "FAILED": "Failed",
    "CRASHED": "Crashed",
    "CANCELLED": "Cancelled",
}
MICROSECOND = timedelta(microseconds=1)

_decode_details = msgspec.json.Decoder(StateDetails).decode


class _Kind(msgspec.Struct):
    type: Any = None


_decode_kind = msgspec.json.Decoder(_Kind).decode


class State:
    """A state of a run: one it is in, or one proposed for it, which may still change.

    ``data`` is any JSON value or ``msgspec.Raw``; ``details`` is decoded once it is looked at.
    """

    __slots__ = ("_details", "_raw", "data", "id", "message", "name", "timestamp", "type")

    def __init__(
        self,
        kind: StateType,
        timestamp: datetime,
        name: str | None = None,
        message: str | None = None,
        data: Any = None,
        details: StateDetails | msgspec.Raw | None = None,
        state_id: str | None = None,
    ) -> None:
        self.type = kind
        self.timestamp = timestamp
        self.name = name or DEFAULT_NAMES[kind]
        # PostgreSQL has no NUL in a text; a run whose error says one must still be able to fail.
        self.message = message.replace("\0", "") if message else message
        self.data = data
        self.id = state_id or new_id()
        self._raw = details if isinstance(details, msgspec.Raw) else None
        self._details = None if isinstance(details, msgspec.Raw) else details or StateDetails()
        if kind == "SCHEDULED" and state_id is None and self.details.scheduled_time is None:
            self.details.scheduled_time = timestamp

    @property
    def details(self) -> StateDetails:
        """What the state carries for orchestration."""
        if self._details is None:
            assert self._raw is not None
            self._details = _decode_details(self._raw)
        return self._details

    @property
    def terminal(self) -> bool:
        return self.type in TERMINAL

    @property
    def has_result(self) -> bool:
        """Whether the data is a persisted result: an object that is not marked ``unpersisted``."""
        data = self.data
        if data is None:
            return False
        try:
            kind = _decode_kind(data).type if isinstance(data, msgspec.Raw) else msgspec.convert(data, _Kind).type
        except msgspec.ValidationError:
            return False
        return bool(kind != "unpersisted")

    @property
    def stored_data(self) -> Any:
        """The data to keep: none of an unpersisted result."""
        data = self.data
        return None if isinstance(data, dict) and data.get("type") == "unpersisted" else data

    def row(self) -> Row:
        """The state as its row and the wire name its parts."""
        return {
            "id": self.id,
            "type": self.type,
            "name": self.name,
            "timestamp": self.timestamp,
            "message": self.message,
            "state_details": self._raw if self._details is None else self._details,
            "data": self.data,
        }

    def copy(self, timestamp: datetime, name: str | None = None) -> "State":
        """A state that says the same under an id and time of its own, and is of no run yet."""
        details = msgspec.structs.replace(self.details, flow_run_id=None, task_run_id=None)
        return State(self.type, timestamp, name or self.name, self.message, self.data, details)


def proposed_state(proposal: StateCreate, now: datetime, state_id: str | None = None) -> State:
    """The state somebody proposes; its details are its own, so that the proposal can be used again."""
    details = msgspec.structs.replace(proposal.state_details)
    state = State(proposal.type, now, proposal.name, proposal.message, proposal.data, details)
    if state_id is not None:
        state.id = state_id
    return state
