"""What answers without any entity: health, readiness, versions."""

from podium.server.health import find_troubles
from podium.server.http.call import Call, Reply
from podium.server.http.client_version import API_VERSION
from podium.wire import root as wire


async def read_health(call: Call) -> bool:
    return True


async def read_readiness(call: Call) -> Reply:
    troubles = await find_troubles(call.runtime)
    if not troubles:
        return Reply({"message": "OK"})
    if "database" in troubles:
        # The words that clients of a Prefect server know.
        return Reply({"message": "Database is not available", "troubles": troubles}, status=503)
    message = "; ".join(f"{part}: {reason}" for part, reason in troubles.items())
    return Reply({"message": f"Not ready: {message}", "troubles": troubles}, status=503)


async def read_version(call: Call) -> str:
    return ".".join(map(str, API_VERSION))


async def say_hello(call: Call) -> str:
    return "👋"


ROUTES = (
    (wire.HEALTH, read_health),
    (wire.READY, read_readiness),
    (wire.VERSION, read_version),
    (wire.HELLO, say_hello),
)
