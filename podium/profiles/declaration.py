"""How a setting is declared: a field of a section, with its type, its default and one sentence.

::

    class Api(Section):
        port: Annotated[int, setting("Port the server listens on.", ge=1, le=65535)] = 4200

A section is a frozen msgspec Struct, so `settings.server.api.port` is a plain typed attribute.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from podium.profiles.masking import MASK, mask_url

HOME: Final = "${PODIUM_HOME}"


class Kind:
    """Marks an annotation whose text form is more than its Python type tells."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Declaration:
    """What the registry knows of a setting besides its name, type and default.

    `secret` values are never shown. `guarded` settings say where data or credentials go, so files that come with a
    project directory cannot set them. `process` settings choose the files that are read, so no file can set them.
    """

    __slots__ = ("aliases", "bounds", "guarded", "process", "secret", "sentence")

    def __init__(
        self,
        sentence: str,
        aliases: tuple[str, ...],
        bounds: tuple[tuple[str, float], ...],
        *,
        secret: bool,
        guarded: bool,
        process: bool,
    ) -> None:
        self.sentence = sentence
        self.aliases = aliases
        self.bounds = bounds
        self.secret = secret
        self.guarded = guarded or secret or process
        self.process = process


def setting(
    sentence: str,
    *aliases: str,
    secret: bool = False,
    guarded: bool = False,
    process: bool = False,
    **bounds: float,
) -> Declaration:
    """Declare a setting: its sentence, older names (without prefix), and bounds (`ge`, `gt`, `le`, `lt`)."""
    return Declaration(sentence, aliases, tuple(bounds.items()), secret=secret, guarded=guarded, process=process)


Seconds = Annotated[float, Kind("seconds")]
"""A duration, held as seconds; written as seconds, `HH:MM:SS`, `D days, HH:MM:SS` or ISO 8601."""

Delays = Annotated[tuple[float, ...], Kind("delays")]
"""One delay or a list of them, in seconds."""

DatabaseUrl = Annotated[str, Kind("database URL")]
RedisUrl = Annotated[str, Kind("Redis URL")]
DocketUrl = Annotated[str, Kind("Docket URL")]
HttpUrl = Annotated[str, Kind("HTTP URL")]
FernetKeys = Annotated[str, Kind("Fernet keys")]

VacuumTargets = Annotated[frozenset[str], Kind("vacuum targets")]
"""What the vacuum deletes; written as words or as true/false."""

Backend = Annotated[Literal["memory", "redis"], Kind("backend")]
"""Where processes meet; import paths of modules that other servers load are read as the word they contain."""

LeaseStorage = Annotated[Literal["database", "memory", "filesystem", "redis"], Kind("backend")]

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def declaration_of(annotation: Any) -> Declaration | None:
    """The declaration inside an `Annotated[...]`, if there is one."""
    for item in getattr(annotation, "__metadata__", ()):
        if isinstance(item, Declaration):
            return item
    return None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A group of settings. Its representation never shows a secret."""

    def __repr__(self) -> str:
        shown = []
        for name in self.__struct_fields__:
            value = getattr(self, name)
            declared = declaration_of(type(self).__annotations__[name])
            if declared and declared.secret and value:
                value = MASK
            shown.append(f"{name}={(mask_url(value) if isinstance(value, str) else value)!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
