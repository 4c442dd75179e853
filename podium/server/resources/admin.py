"""The server itself over HTTP: its version, settings and default result storage."""

from typing import Any

import msgspec

from podium.profiles import Settings, mask
from podium.profiles.registry import SETTINGS
from podium.server.http.call import Call
from podium.server.queries.result_storage import clear_result_storage, read_result_storage, set_result_storage
from podium.wire import admin as wire


async def read_version(call: Call) -> str:
    return call.runtime.settings.server.api.version_advertised


async def read_settings(call: Call) -> dict[str, Any]:
    return shown_settings(call.runtime.settings)


def shown_settings(settings: Settings) -> dict[str, Any]:
    """All settings as nested objects, secrets masked."""
    shown: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    for setting in SETTINGS.values():
        section, _, field = setting.path.rpartition(".")
        place = shown
        for part in section.split(".") if section else ():
            place = place.get(part, {})
        if isinstance(place.get(field), str):
            place[field] = mask(setting, place[field])
        elif setting.secret and place.get(field):
            place[field] = mask(setting, "set")
    return shown


async def read_storage(call: Call) -> dict[str, Any]:
    return {"default_result_storage_block_id": await call.read(read_result_storage)}


async def set_storage(call: Call, body: wire.ResultStorageUpdate) -> dict[str, Any]:
    block_id = str(body.default_result_storage_block_id)
    await call.write(set_result_storage, block_id)
    return {"default_result_storage_block_id": block_id}


async def clear_storage(call: Call) -> None:
    await call.write(clear_result_storage)


ROUTES = (
    (wire.READ_VERSION, read_version),
    (wire.READ_SETTINGS, read_settings),
    (wire.READ_STORAGE, read_storage),
    (wire.SET_STORAGE, set_storage),
    (wire.CLEAR_STORAGE, clear_storage),
)
