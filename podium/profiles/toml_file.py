"""TOML files with the line of every key, so that a message can name the place to change."""

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from podium.profiles.errors import InvalidFile

Keys = tuple[str, ...]

_HEADER: Final = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_NAME: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY: Final = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_PART: Final = re.compile(_NAME)
_AT: Final = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


class TomlFile(NamedTuple):
    """A parsed file and the line, counted from 1, that each key stands on."""

    path: Path
    content: dict[str, Any]
    lines: dict[Keys, int]

    def where(self, keys: Keys, shown: str | None = None) -> str:
        """`file:line` of a key."""
        line = self.lines.get(keys)
        return f"{shown or self.path}:{line}" if line else str(shown or self.path)


def read_toml(path: Path, shown: str | None = None) -> TomlFile | None:
    """The file, or None when it does not exist. Raises InvalidFile."""
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidFile(shown or str(path), f"cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidFile(shown or str(path), "is not UTF-8 text.") from None
    return parse_toml(text, path, shown)


def parse_toml(text: str, path: Path, shown: str | None = None) -> TomlFile:
    """The file with this text. Raises InvalidFile with the line of the mistake."""
    # Loaded on use: without any TOML file there is nothing to pay for.
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = _AT.search(message)
        line = found[1] if found and found[1] else str(text.count("\n") + 1)
        raise InvalidFile(f"{shown or path}:{line}", f"not valid TOML: {_AT.sub('', message)}.") from None
    return TomlFile(path, content, _lines(text))


def header_of(line: str) -> Keys | None:
    """The table that a line opens, or None."""
    found = _HEADER.match(line)
    return _split(found[1]) if found else None


def key_of(line: str) -> Keys | None:
    """The (dotted) key that a line gives a value, or None."""
    found = _KEY.match(line)
    return _split(found[1]) if found else None


def _lines(text: str) -> dict[Keys, int]:
    lines: dict[Keys, int] = {}
    table: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if (header := header_of(line)) is not None:
            table = header
            lines.setdefault(table, number)
        elif key := key_of(line):
            lines.setdefault(table + key, number)
    return lines


def _split(dotted: str) -> Keys:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
