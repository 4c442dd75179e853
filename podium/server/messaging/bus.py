"""What the parts of a server tell each other: messages to whoever listens, and wake-up calls for those with work to do.

Nothing durable goes this way. Work is rows in the database; a wake-up call only saves its consumer the next look, and a
message that finds no listener is gone.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any, Protocol

EVENTS = "events"
"""Topic of the events that were just stored (``Event``)."""

LOGS = "logs"
"""Topic of the log lines that were just stored: (id of the workspace, ``LogLine``)."""

SCHEDULED_TASK_RUNS = "scheduled-task-runs"
"""Topic of background runs that wait for a task worker: (id of the workspace, task key)."""


WORK_POOL_SNAPSHOTS = "work-pool-worker-channel-snapshots"
"""Topic of work pools that changed or are gone: (id of the workspace, name of the pool)."""

CLEANUP_MESSAGES = "worker-cleanup-messages"
"""Topic of cleanup work that waits for a worker: (id of the workspace, id of the pool)."""


class Mark(Enum):
    """What a subscription may hold beside messages."""

    GAP = "gap"
    """Messages of other processes may be missing at this place; what is stored tells them all."""


class Subscription(Protocol):
    """The messages that one listener has still to take, at most as many as it asked for."""

    dropped: int
    """How many were lost because the listener was too slow."""

    async def get(self) -> Any:
        """The oldest message; waits until there is one."""

    def take(self) -> list[Any]:
        """All that wait, oldest first; does not wait."""


class Bus(Protocol):
    """Every method is called on the event loop; ``publish`` and ``wake`` return at once."""

    @property
    def trouble(self) -> str | None:
        """Why other processes cannot be reached at present; None while all is well."""

    async def start(self) -> None:
        """Begins to exchange messages with other processes; returns at once, also when they cannot be reached."""

    async def close(self) -> None:
        """Sends what still waits, for a moment at most, and leaves."""

    def publish(self, topic: str, messages: Sequence[Any]) -> None:
        """Gives the messages to all present subscriptions of the topic."""

    def subscribe(
        self, topic: str, maxsize: int, accepts: Callable[[Any], bool] | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        """Listens while the context is open; messages beyond ``maxsize``, or not accepted, are not kept."""

    def wake(self, name: str) -> None:
        """Ends one wait of that name, the next one if nobody waits."""

    async def wait(self, name: str, seconds: float) -> bool:
        """Waits for a wake-up call, at most that many ``seconds``; whether one came."""
