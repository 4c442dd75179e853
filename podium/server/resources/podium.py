"""Podium's own endpoints over HTTP: its version, and how it is."""

from podium import __version__
from podium.server.health import look
from podium.server.http.call import Call
from podium.wire import podium as wire


async def read_version(call: Call) -> wire.Version:
    return wire.Version(version=__version__)


async def read_status(call: Call) -> wire.Status:
    schema, services = await call.read(look)
    on_sqlite = call.runtime.database.dialect == "sqlite"
    return wire.Status(
        version=__version__,
        database="sqlite" if on_sqlite else "postgresql",
        services=services,
        schema=schema,
        time=call.runtime.database.clock(),
        ignored_fields=call.runtime.ignored_fields.counts(),
    )


ROUTES = ((wire.VERSION, read_version), (wire.STATUS, read_status))
