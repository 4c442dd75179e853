"""Writing YAML: what JSON can say, in block style, for people to read and other tools to load.

A library for this is no dependency, and would take as long to import as a command runs.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

# What no reader of YAML 1.1 or 1.2 takes for anything but text.
_SAFE: Final = re.compile(r"[A-Za-z_/](?:[\w ./+@()%-]|:(?! |$))*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def yaml_text(value: Any) -> str:
    """The document of a value made of dicts, lists, texts, numbers, booleans and None."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{_scalar(str(key))}:", item)
    elif isinstance(value, list) and value:
        for item in value:
            if isinstance(item, dict | list) and item:
                first, *rest = _lines(item)
                yield f"- {first}"
                yield from _indented(rest)
            else:
                yield from _entry("-", item)
    else:
        yield _scalar(value)


def _entry(label: str, item: Any) -> Iterator[str]:
    if isinstance(item, dict | list) and item:
        yield label
        yield from _indented(_lines(item))
    elif isinstance(item, str) and "\n" in item and _fits_block(item):
        body = item.removesuffix("\n")
        yield f"{label} |{'-' if body == item else ''}"
        yield from _indented(body.split("\n"))
    else:
        yield f"{label} {_scalar(item)}"


def _indented(lines: Any) -> Iterator[str]:
    return (f"  {line}" if line else "" for line in lines)


def _fits_block(text: str) -> bool:
    """Whether a text keeps every character as a block of lines."""
    lines = text.removesuffix("\n").split("\n")
    return (
        all(map(str.isprintable, lines)) and bool(lines[0]) and not lines[0].startswith(" ") and bool(lines[-1].strip())
    )


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        text = value.strip()
        plain = value == text and value.lower() not in _WORDS and _SAFE.fullmatch(value) and value.isascii()
        return value if plain else _quoted(value)
    if isinstance(value, float) and "e" in (text := repr(value)) and "." not in text:
        return text.replace("e", ".0e")  # without the point YAML 1.1 takes it for text
    return json.dumps(value, ensure_ascii=False)


def _quoted(value: str) -> str:
    """Text in double quotes; what YAML does not print is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
