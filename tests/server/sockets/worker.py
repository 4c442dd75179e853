"""A worker on its channel, for tests."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.conftest import LiveServer
from tests.server.sockets.client import Peer

REQUIRED = ["worker_heartbeat.v1", "work_pool_snapshot.v1"]
TEARDOWN = "cancelling_timeout_teardown.v1"


def hello(**given: Any) -> dict[str, Any]:
    """The hello of a process worker, with some of it as given."""
    return {
        "consumer_id": str(uuid4()),
        "worker_name": "worker",
        "worker_type": "process",
        "heartbeat_interval_seconds": 30,
        "supported_channel_versions": ["work_pool_worker_channel.v1"],
        "requested_capabilities": REQUIRED,
        **given,
    }


def for_cleanup(most: int = 1, **given: Any) -> dict[str, Any]:
    """The hello of a worker that takes so many pieces of cleanup work at a time."""
    capabilities = [*REQUIRED, "cleanup_delivery.v1"]
    kinds = [TEARDOWN, "pending_claim_teardown.v1"]
    return hello(
        requested_capabilities=capabilities, handled_cleanup_kinds=kinds, max_cleanup_concurrency=most, **given
    )


class Worker(Peer):
    """A connection that says hello and keeps the answer in ``ready``."""

    def __init__(self, server: LiveServer, pool: str, given: dict[str, Any] | None = None) -> None:
        super().__init__(server, f"/work_pools/{pool}/workers/connect")
        self.admitted()
        self.hello = hello() if given is None else given
        self.say("worker.hello", **self.hello)

    def ready(self) -> Any:
        """The payload of the answer to the hello."""
        return self.next("worker.ready")

    def say(self, kind: str, **payload: Any) -> str:
        """Sends a frame and returns its id."""
        frame_id = str(uuid4())
        self.send(type=f"{kind}.v1", id=frame_id, sent_at=datetime.now(UTC), payload=payload)
        return frame_id

    def beat(self, **given: Any) -> None:
        names = ("consumer_id", "worker_name", "heartbeat_interval_seconds")
        self.say("worker.heartbeat", **{**{name: self.hello[name] for name in names}, **given})

    def next(self, kind: str) -> Any:
        """The payload of the next frame, which is of this kind."""
        frame = self.receive()
        assert set(frame) == {"type", "id", "sent_at", "payload"}
        assert frame["type"] == f"{kind}.v1", frame
        return frame["payload"]

    def work(self) -> Any:
        """The next piece of cleanup work."""
        return self.next("cleanup.message")

    def operate(self, operation: str, work: Any, token: str | None = None) -> tuple[str, str | None]:
        """Asks something about a piece of work; status and reason of the answer."""
        given = {"message_id": work["message_id"], "reservation_token": token or work["reservation_token"]}
        if operation == "release":
            given["reason"] = "busy"
        frame_id = self.say(f"cleanup.{operation}", **given)
        result = self.next("cleanup.operation_result")
        assert (result["request_frame_id"], result["message_id"]) == (frame_id, work["message_id"])
        assert result["operation"] == operation
        assert (result["lease_expires_at"] is not None) == (operation == "renew" and result["status"] == "accepted")
        return result["status"], result["reason"]

    def ended(self) -> tuple[int, str]:
        """Code and reason with which the server closes, whatever it says before."""
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                self.receive()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason
