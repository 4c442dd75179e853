"""Reading and sending the frames of a worker's channel."""

import uuid
from typing import Any

import falcon
from falcon.asgi import WebSocket

from podium.db.unit import Clock
from podium.wire import worker_channel as wire
from podium.wire.decoding import BadBody, decode, encode
from podium.wire.texts import check_texts

Operation = wire.CleanupAck | wire.CleanupRenew | wire.CleanupRelease

OPERATIONS: dict[type, wire.Operation] = {
    wire.CleanupAck: "ack",
    wire.CleanupRenew: "renew",
    wire.CleanupRelease: "release",
}


class Refused(Exception):
    """The channel is to be closed for this reason."""

    def __init__(self, reason: wire.CloseReason) -> None:
        super().__init__(reason)
        self.reason: wire.CloseReason = reason


class Frames:
    """The frames of one connection."""

    def __init__(self, ws: WebSocket, clock: Clock) -> None:
        self._ws = ws
        self._clock = clock

    async def receive(self) -> wire.WorkerFrame:
        """The worker's next frame; ``Refused`` when it is none."""
        try:
            text = await self._ws.receive_text()
            frame: wire.WorkerFrame = decode(wire.WorkerFrame, text)
            check_texts(wire.WorkerFrame, frame, text.encode())
        except (BadBody, falcon.PayloadTypeError):
            raise Refused("protocol_error") from None
        return frame

    async def send(self, kind: Any, payload: Any) -> None:
        """Sends a frame of this kind."""
        frame = kind(id=uuid.uuid4(), sent_at=self._clock(), payload=payload)
        await self._ws.send_text(encode(frame).decode())

    async def answer(self, request: Operation, status: wire.Status, reason: str | None = None, **values: Any) -> None:
        """Tells what became of an operation."""
        result = wire.CleanupResultPayload(
            request_frame_id=request.id,
            message_id=request.payload.message_id,
            operation=OPERATIONS[type(request)],
            status=status,
            reason=reason,
            **values,
        )
        await self.send(wire.CleanupResult, result)
