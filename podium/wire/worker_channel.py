"""Frames of the worker channel: the WebSocket between a worker and its pool.

Each has a ``type``, an ``id``, the moment it was sent and a ``payload``; a field that is not named here is an error.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from podium.wire.scalars import Amount, Id, Json, PositiveAmount, Time
from podium.wire.work_pools import WorkPool

VERSION = "work_pool_worker_channel.v1"

HEARTBEAT = "worker_heartbeat.v1"
SNAPSHOT = "work_pool_snapshot.v1"
CLEANUP = "cleanup_delivery.v1"
REQUIRED = (HEARTBEAT, SNAPSHOT)
"""Capabilities without which there is no channel."""

CANCELLING_TIMEOUT = "cancelling_timeout_teardown.v1"

CleanupKind = Literal["cancelling_timeout_teardown.v1", "pending_claim_teardown.v1"]
Operation = Literal["ack", "renew", "release"]
Status = Literal[
    "accepted", "not_current", "not_found", "expired", "invalid_token", "unauthorized", "dead_lettered", "error"
]
SnapshotReason = Literal["initial", "work_pool_updated", "heartbeat_reconciliation"]

CloseReason = Literal[
    "authentication_failed",
    "authorization_failed",
    "unsupported_version",
    "protocol_error",
    "heartbeat_persistence_failed",
    "transient_server_error",
]
CLOSE_CODES: dict[CloseReason, int] = {
    "authentication_failed": 1008,
    "authorization_failed": 1008,
    "unsupported_version": 1008,
    "protocol_error": 1002,
    "heartbeat_persistence_failed": 1011,
    "transient_server_error": 1011,
}
"""The code each reason is closed with. After 1011 a worker connects again, after the others it does without."""

Text = Annotated[str, msgspec.Meta(min_length=1)]
Texts = Annotated[list[Text], msgspec.Meta(min_length=1)]


class Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A part of a frame."""


class Frame(Strict, tag_field="type"):
    """What all frames have."""

    id: UUID
    sent_at: Time


class HelloPayload(Strict):
    """Who connects and what it wants; no queue named is every queue."""

    consumer_id: UUID
    worker_name: Text
    worker_type: Text
    heartbeat_interval_seconds: PositiveAmount
    supported_channel_versions: Texts
    requested_capabilities: Texts
    work_queue_names: list[Text] = []
    handled_cleanup_kinds: list[CleanupKind] = []
    max_cleanup_concurrency: Amount = 0
    create_pool_if_not_found: bool = False
    default_base_job_template: Json = {}
    worker_metadata: Json | None = None

    def __post_init__(self) -> None:
        if CLEANUP not in self.requested_capabilities and (self.handled_cleanup_kinds or self.max_cleanup_concurrency):
            raise ValueError(f"Cleanup work is for those who request {CLEANUP}")


class HeartbeatPayload(Strict):
    """A sign of life of the worker that said hello."""

    consumer_id: UUID
    worker_name: Text
    heartbeat_interval_seconds: PositiveAmount


class CleanupPayload(Strict):
    """The reservation that an operation is about."""

    message_id: UUID
    reservation_token: Text


class CleanupReleasePayload(CleanupPayload):
    """A reservation that is given back, and why."""

    reason: Text


class Hello(Frame, tag="worker.hello.v1"):
    """The first frame of a worker."""

    payload: HelloPayload


class Heartbeat(Frame, tag="worker.heartbeat.v1"):
    """The worker lives."""

    payload: HeartbeatPayload


class CleanupAck(Frame, tag="cleanup.ack.v1"):
    """The work is done."""

    payload: CleanupPayload


class CleanupRenew(Frame, tag="cleanup.renew.v1"):
    """The work takes longer."""

    payload: CleanupPayload


class CleanupRelease(Frame, tag="cleanup.release.v1"):
    """The work is for somebody else."""

    payload: CleanupReleasePayload


WorkerFrame = Hello | Heartbeat | CleanupAck | CleanupRenew | CleanupRelease
"""Whatever a worker says."""


class SnapshotPayload(Strict):
    """The pool as it is; a later one has a higher number."""

    snapshot_sequence: int
    reason: SnapshotReason
    work_pool: WorkPool


class ResolvedWorkQueue(Strict):
    """A queue that the worker serves."""

    id: Id
    name: str


class ReadyPayload(Strict):
    """What the server agrees to."""

    consumer_id: UUID
    selected_channel_version: str
    effective_heartbeat_interval_seconds: int
    accepted_capabilities: list[str]
    rejected_capabilities: list[str]
    effective_max_cleanup_concurrency: int
    resolved_work_queues: list[ResolvedWorkQueue]
    initial_snapshot: SnapshotPayload
    worker_id: Id | None = None


class CleanupMessagePayload(Strict):
    """Work reserved for the worker until ``lease_expires_at``, the ``delivery_count``-th time."""

    message_id: Id
    reservation_token: str
    lease_expires_at: Time
    delivery_count: int
    work_queue_id: Id | None
    kind: str
    target: msgspec.Raw
    data: msgspec.Raw


class CleanupResultPayload(Strict):
    """What became of an operation; ``reason`` is missing only when it was accepted."""

    request_frame_id: UUID
    message_id: UUID
    operation: Operation
    status: Status
    lease_expires_at: Time | None = None
    reason: str | None = None
    detail: str | None = None


class Ready(Frame, tag="worker.ready.v1"):
    """The answer to the hello."""

    payload: ReadyPayload


class Snapshot(Frame, tag="work_pool.snapshot.v1"):
    """The pool has changed."""

    payload: SnapshotPayload


class CleanupMessage(Frame, tag="cleanup.message.v1"):
    """Work for the worker."""

    payload: CleanupMessagePayload


class CleanupResult(Frame, tag="cleanup.operation_result.v1"):
    """The answer to an ack, renewal or release."""

    payload: CleanupResultPayload
