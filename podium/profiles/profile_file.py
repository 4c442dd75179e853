"""Reading the profile file, and the profiles that are built in."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

from podium.profiles.errors import InvalidFile
from podium.profiles.registry import find
from podium.profiles.toml_file import TomlFile, read_toml

DEFAULT_PROFILE: Final = "ephemeral"

BUILT_IN: Final[dict[str, dict[str, str]]] = {
    "ephemeral": {"PODIUM_SERVER_EPHEMERAL_ENABLED": "true"},
    "local": {"PODIUM_API_URL": "http://127.0.0.1:4200/api"},
    "test": {"PODIUM_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///:memory:"},
}
"""Profiles that are always there. A table of the same name in the file adds to one."""


class ProfileFile(NamedTuple):
    """What the profile file says; empty when it does not exist. Built-in profiles are not in `profiles`."""

    file: TomlFile
    active: str | None
    profiles: dict[str, dict[str, Any]]

    def names(self) -> list[str]:
        """All profiles: the built-in ones, then those of the file in its order."""
        return list(dict.fromkeys([*BUILT_IN, *self.profiles]))

    def values(self, name: str) -> dict[str, Any]:
        """The keys of a profile as they are written, over those that are built in."""
        own = self.profiles.get(name, {})
        covered = {setting.path for key in own if (setting := find(key))}
        built_in = {k: v for k, v in BUILT_IN.get(name, {}).items() if getattr(find(k), "path", k) not in covered}
        return {**built_in, **own}

    def where(self, *keys: str) -> str:
        """`file:line` of a key."""
        return self.file.where(keys)


def read_profiles(path: Path) -> ProfileFile:
    """Read the profile file. Raises InvalidFile."""
    return profile_file(read_toml(path) or TomlFile(path, {}, {}))


def profile_file(file: TomlFile) -> ProfileFile:
    active = file.content.get("active")
    if active is not None and not isinstance(active, str):
        raise InvalidFile(file.where(("active",)), "active must be the name of a profile.")
    profiles = file.content.get("profiles", {})
    if not isinstance(profiles, dict):
        raise InvalidFile(file.where(("profiles",)), "profiles must be a table of tables.")
    for name, content in profiles.items():
        if not isinstance(content, dict):
            raise InvalidFile(file.where(("profiles", name)), f"profiles.{name} must be a table of settings.")
    return ProfileFile(file, active or None, profiles)


def similar_profile(name: str, known: list[str]) -> str | None:
    """The profile most like an unknown name."""
    found = get_close_matches(name, known, n=1)
    return found[0] if found else None
