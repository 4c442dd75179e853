"""The root of all settings."""

from pathlib import Path
from typing import Annotated

import msgspec

from podium.profiles.declaration import HOME, HttpUrl, Section, setting
from podium.profiles.sections.client import Api, Cli, Client, Logging
from podium.profiles.sections.redis import Redis
from podium.profiles.sections.server import Server


class Settings(Section, frozen=True):
    """All settings of a process, read-only: `settings.server.api.port`."""

    home: Annotated[Path, setting("Directory of profiles, the SQLite file and logs.", process=True)] = Path("~/.podium")
    profiles_path: Annotated[Path, setting("File of the profiles.", process=True)] = Path(f"{HOME}/profiles.toml")
    profile: Annotated[str, setting("Profile to use; wins over the active one of the file.", process=True)] = (
        "ephemeral"
    )
    ui_url: Annotated[
        HttpUrl | None,
        setting("Where people see the pages, for links in messages; empty: where the API is.", guarded=True),
    ] = None
    api: Api = msgspec.field(default_factory=Api)
    client: Client = msgspec.field(default_factory=Client)
    cli: Cli = msgspec.field(default_factory=Cli)
    logging: Logging = msgspec.field(default_factory=Logging)
    server: Server = msgspec.field(default_factory=Server)
    redis: Redis = msgspec.field(default_factory=Redis)
