"""What answers without any entity: health, readiness, versions."""

from sqlalchemy import literal, select

from podium.db.errors import DatabaseUnavailable
from podium.db.unit import Tx
from podium.server.http.call import Call, Reply
from podium.server.http.client_version import API_VERSION
from podium.wire import root as wire

_PROBE = select(literal(1))


async def read_health(call: Call) -> bool:
    return True


async def read_readiness(call: Call) -> Reply:
    try:
        await call.read(_probe)
    except DatabaseUnavailable:
        return Reply({"message": "Database is not available"}, status=503)
    return Reply({"message": "OK"})


def _probe(tx: Tx) -> None:
    tx.value(_PROBE)


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
