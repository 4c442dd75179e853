"""Settings and profiles: what the configuration is, and where each value comes from.

::

    settings = load_settings()                 # typed and read-only
    settings.server.api.port                   # 4200
    resolve().origin("server.api.port").where  # "PODIUM_SERVER_API_PORT", "environment", "…/profiles.toml:4", "default"
"""

from podium.profiles.errors import SettingsError
from podium.profiles.masking import mask_url
from podium.profiles.registry import mask
from podium.profiles.resolve import Resolved, load_settings, resolve
from podium.profiles.settings import Settings

__all__ = ["Resolved", "Settings", "SettingsError", "load_settings", "mask", "mask_url", "resolve"]
