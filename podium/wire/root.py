"""What answers without any entity: health, readiness, versions."""

from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Answer, Endpoint


class Ready(Answer):
    """That the server can serve, or why it cannot; ``troubles`` are the parts that do not work and why."""

    message: str
    troubles: dict[str, str] | UnsetType = UNSET


HEALTH = Endpoint(method="GET", path="/health", summary="Tell that the server lives", answer=bool, permission="open")
READY = Endpoint(
    method="GET",
    path="/ready",
    summary="Tell that the server can serve",
    answer=Ready,
    statuses=(422, 503),
    problems={503: (Ready,)},
    permission="open",
)
VERSION = Endpoint(method="GET", path="/version", summary="Read the version of the API", answer=str, permission="open")
HELLO = Endpoint(method="GET", path="/hello", summary="Say hello", answer=str, statuses=(422,))
