"""The sources of settings, each read into a layer: which keys it gives, where they stand, and what it may not give."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from podium.profiles.errors import InvalidFile, SettingsError, UnknownKey
from podium.profiles.registry import BY_NAME, CLIENTS_OWN, OWN, Setting, find, near_miss
from podium.profiles.toml_file import TomlFile, read_toml
from podium.profiles.values import Unreadable, parse

Source = Literal["flag", "env", ".env", "podium.toml", "prefect.toml", "pyproject.toml", "profile", "default"]

PROJECT_SOURCES: Final = frozenset({".env", "podium.toml", "prefect.toml", "pyproject.toml"})
"""Sources that come with a directory, which may be somebody else's."""

_PREFIXES: Final = ("PODIUM_", "PREFECT_", "ORION_")


class Candidate(NamedTuple):
    """A value that a source offers for a setting.

    `where` is the place to look ("environment", a file and line), `key` the name it was given under. `ignored` says why
    the source may not give it; empty if it may. `nested` tells a TOML path from a variable's name.
    """

    source: Source
    where: str
    key: str
    raw: Any
    ignored: str = ""
    nested: bool = False


class Layer(NamedTuple):
    """What one source gives, by setting path, best first; and what is wrong with it."""

    source: Source
    candidates: dict[str, list[Candidate]]
    problems: list[SettingsError]
    notices: list[str]


Given = tuple[str, Any, str]
"""key, raw value, place."""


def layer(source: Source, given: Iterable[Given], *, strict: bool) -> Layer:
    """The layer of what a source gives. Unknown keys are a problem if strict, else a notice when a name is close."""
    result = Layer(source, {}, [], [])
    for key, raw, where in given:
        setting = find(key)
        if setting is None:
            _unknown(result, key, where, strict=strict)
            continue
        if raw == "" and not _has_empty(setting):
            continue
        candidate = Candidate(source, where, key, raw, _forbidden(source, setting), key not in BY_NAME)
        if candidate.ignored:
            result.notices.append(f"{where}: {key} is ignored: {candidate.ignored}.")
        result.candidates.setdefault(setting.path, []).append(candidate)
    for path, candidates in result.candidates.items():
        if len(candidates) > 1:
            names = find(path).names  # type: ignore[union-attr]  # the path came from a setting
            candidates.sort(key=lambda each: names.index(each.key) if each.key in names else -1)
    return result


def _has_empty(setting: Setting) -> bool:
    """Whether nothing at all is a value; otherwise `NAME=` is the same as no NAME, as compose files write it."""
    try:
        parse(setting, "")
    except Unreadable:
        return False
    return True


def _unknown(result: Layer, key: str, where: str, *, strict: bool) -> None:
    if key in CLIENTS_OWN:
        result.notices.append(f"{where}: {key} is ignored: it moves the prefect client's files; use {_own(key)}.")
        return
    similar = near_miss(key)
    if strict and not key.startswith("PREFECT_"):
        result.problems.append(UnknownKey(where, key, similar))
    elif similar and not key.startswith(("PODIUM__", "PREFECT__")):
        result.notices.append(f"{where}: {key} is not a setting. Did you mean {similar}?")


def _own(key: str) -> str:
    return OWN + key.removeprefix("PREFECT_")


def _forbidden(source: Source, setting: Setting) -> str:
    if source in PROJECT_SOURCES and setting.declaration.guarded:
        return "project files may not say where data and credentials go; use the environment or a profile"
    if source == "profile" and setting.declaration.process:
        return "it chooses the profile file, so only the environment can set it"
    return ""


def flag_layer(flags: Mapping[str, Any]) -> Layer:
    """What the command line gives; options that were not given (None) are left out."""
    given = [(key, value, "command line") for key, value in flags.items() if value is not None]
    return layer("flag", given, strict=True)


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """What the environment gives."""
    given = [(name, value, "environment") for name, value in environ.items() if name.startswith(_PREFIXES)]
    return layer("env", given, strict=False)


def project_layers(directory: Path) -> Iterator[Layer]:
    """The layers of the files in a directory, best first; files that do not exist cost one look each."""
    if dotenv := _dotenv_layer(directory / ".env"):
        yield dotenv
    yield from _toml_layer("podium.toml", directory, (), strict=True)
    yield from _toml_layer("prefect.toml", directory, (), strict=False)
    for tool in ("podium", "prefect"):
        yield from _toml_layer("pyproject.toml", directory, ("tool", tool), strict=tool == "podium")


def _dotenv_layer(path: Path) -> Layer | None:
    try:
        text = path.read_text("utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        return Layer(".env", {}, [], [f".env: cannot be read: {error.strerror}."])
    return layer(".env", _dotenv(text), strict=False)


def _dotenv(text: str) -> Iterator[Given]:
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip().startswith(_PREFIXES):
            yield name.strip(), _unquoted(value.strip()), f".env:{number}"


def _unquoted(value: str) -> str:
    if value[:1] in {"'", '"'} and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return value.split(" #", 1)[0].rstrip()


def _toml_layer(source: Source, directory: Path, table: tuple[str, ...], *, strict: bool) -> Iterator[Layer]:
    path = directory / source
    try:
        if table and f"[{'.'.join(table)}".encode() not in path.read_bytes():
            return
        file = read_toml(path, source)
    except OSError:
        return
    except InvalidFile as error:
        yield Layer(source, {}, [error], [])
        return
    content: Any = file.content if file else {}
    for name in table:
        content = content.get(name, {})
    if file and isinstance(content, dict):
        yield layer(source, flatten(file, content, table, source), strict=strict)


def flatten(
    file: TomlFile, content: dict[str, Any], table: tuple[str, ...], shown: str | None = None
) -> Iterator[Given]:
    """The keys of a TOML table: variables' names, and nested tables as dotted paths."""
    pending: list[tuple[tuple[str, ...], Any]] = [((key,), value) for key, value in content.items()]
    while pending:
        keys, value = pending.pop(0)
        key = ".".join(keys)
        if isinstance(value, dict) and find(key) is None:
            pending.extend(((*keys, inner), each) for inner, each in value.items())
        else:
            yield key, value, file.where(table + keys, shown)
