"""Every setting, flattened from the sections: its names, type, default and sentence."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

from podium.profiles.declaration import Declaration, Section, declaration_of, setting
from podium.profiles.masking import MASK, mask_url, sounds_secret
from podium.profiles.sections.prefect_client import ROWS
from podium.profiles.settings import Settings

OWN: Final = "PODIUM_"
ALIAS: Final = "PREFECT_"

FORMER_STEMS: Final = {"SERVER_SERVICES_": "API_SERVICES_", "SERVER_DATABASE_": "API_DATABASE_"}
"""Stems that whole families of names once had."""

CLIENTS_OWN: Final = frozenset({"PREFECT_HOME", "PREFECT_PROFILES_PATH"})
"""Names that say where the `prefect` client keeps its files. They do not move Podium's: two programs that write one
profile file and one directory would surprise both."""

_OF_THE_CLIENT: Final = setting("Used by the prefect client.")


class Setting:
    """One setting.

    `path` is its place in `Settings` and in TOML tables, `name` the canonical variable, `names` every accepted
    variable in the order they win, `annotation` its type, `default` its default. `section` is None for settings that
    only the client reads.
    """

    __slots__ = ("annotation", "declaration", "default", "name", "names", "path", "section")

    def __init__(
        self, path: str, annotation: Any, declaration: Declaration, default: Any, section: type[Section] | None
    ) -> None:
        self.path = path
        self.annotation = annotation
        self.declaration = declaration
        self.default = default
        self.section = section
        stem = path.upper().replace(".", "_")
        self.name = OWN + stem
        self.names = _names(stem, declaration.aliases)

    @property
    def secret(self) -> bool:
        """The value is never shown."""
        return self.declaration.secret

    @property
    def sentence(self) -> str:
        """What the setting does."""
        return self.declaration.sentence

    def __repr__(self) -> str:
        return f"Setting({self.path})"


def _names(stem: str, aliases: tuple[str, ...]) -> tuple[str, ...]:
    stems = [stem, *(alias for alias in aliases if not alias.startswith("ORION_"))]
    stems += [former + stem[len(now) :] for now, former in FORMER_STEMS.items() if stem.startswith(now)]
    verbatim = [alias for alias in aliases if alias.startswith("ORION_")]
    prefixed = [prefix + each for prefix in (OWN, ALIAS) for each in dict.fromkeys(stems)]
    return tuple(name for name in [*prefixed, *verbatim] if name not in CLIENTS_OWN)


def _flatten(section: type[Section], prefix: str) -> Iterator[Setting]:
    blank = section()
    for field, annotation in section.__annotations__.items():
        declared = declaration_of(annotation)
        if declared is None:
            yield from _flatten(annotation, f"{prefix}{field}.")
        else:
            yield Setting(prefix + field, annotation, declared, getattr(blank, field), section)


def _client_setting(path: str, annotation: Any, *aliases: str) -> Setting:
    declaration = setting(_OF_THE_CLIENT.sentence, *aliases) if aliases else _OF_THE_CLIENT
    return Setting(path, annotation, declaration, None, None)


SETTINGS: Final = {each.path: each for each in _flatten(Settings, "")}
"""The settings Podium reads, by path."""

CLIENT_SETTINGS: Final = {row[0]: _client_setting(*row) for row in ROWS}
"""The settings only the `prefect` client reads, by path."""

ALL: Final = {**SETTINGS, **CLIENT_SETTINGS}

BY_NAME: Final = {name: each for each in ALL.values() for name in each.names}


def find(key: str) -> Setting | None:
    """The setting with this name, alias or path, or None."""
    return BY_NAME.get(key) or ALL.get(key) or BY_NAME.get(key.upper()) or ALL.get(key.lower())


def near_miss(key: str) -> str | None:
    """The known name most like an unknown one, if any is close."""
    if "." in key:
        candidates, wanted = list(ALL), key.lower()
    else:
        candidates, wanted = [name for name in BY_NAME if name.startswith(OWN)], OWN + stem_of(key.upper())
    found = get_close_matches(wanted, candidates, n=1, cutoff=0.8)
    return found[0] if found else None


def stem_of(name: str) -> str:
    """A variable's name without its prefix."""
    for prefix in (OWN, ALIAS):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def own_form(name: str) -> str:
    """The name as Podium spells it: PREFECT_API_URL is PODIUM_API_URL."""
    return OWN + stem_of(name)


def mask(key: Setting | str, value: str) -> str:
    """The value as it may be shown: secrets as asterisks, other values with the credentials inside URLs hidden.

    Values of unknown keys are hidden when the key sounds like a secret.
    """
    known = find(key) if isinstance(key, str) else key
    if value and (known.secret if known else sounds_secret(str(key))):
        return MASK
    return mask_url(value)
