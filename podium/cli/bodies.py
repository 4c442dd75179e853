"""Values that are typed as JSON, as KEY=VALUE, as times, or read from a file or stdin."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from podium.cli.diagnostics import ExitCode, Failure
from podium.client.nouns.values import loosely, moment, seconds


def json_value(text: str, option: str) -> Any:
    """The value of a JSON text; `@FILE` is that of a file, `-` that of stdin. Raises Failure."""
    try:
        return msgspec.json.decode(text_of(text, option))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{option}: this is not JSON: {error}", ExitCode.USAGE) from None


def json_object(text: str, option: str) -> dict[str, Any]:
    """The same for an object. Raises Failure."""
    value = json_value(text, option)
    if not isinstance(value, dict):
        raise Failure(f"{option}: Expected an object such as '{{\"key\": 1}}'.", ExitCode.USAGE)
    return value


def text_of(text: str, option: str) -> str:
    """The text itself, or that of `@FILE` or of stdin (`-`). Raises Failure."""
    if text == "-":
        return sys.stdin.read()
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{option}: {text[1:]} cannot be read: {error}", ExitCode.USAGE) from None


def assigned(pairs: Sequence[str] | None, option: str) -> dict[str, Any]:
    """``KEY=VALUE`` options as an object, values read as JSON where they are. Raises Failure."""
    values = {}
    for each in pairs or ():
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise Failure(f"{option}: {each!r} is not KEY=VALUE.", ExitCode.USAGE)
        values[key] = loosely(value)
    return values


def number_or_none(text: str, option: str) -> int | None:
    """A whole number that is not negative; None for the word `none`. Raises Failure."""
    if text.lower() in ("none", "null", "unlimited"):
        return None
    if not text.isdecimal():
        raise Failure(f"{option}: {text!r} is neither a whole number nor none.", ExitCode.USAGE)
    return int(text)


def seconds_of(text: str | None, option: str) -> float | None:
    """A span of time that was given, in seconds. Raises Failure."""
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise Failure(f"{option}: {error}", ExitCode.USAGE) from None


def moment_of(text: str | None, option: str) -> datetime | None:
    """A moment that was given. Raises Failure."""
    try:
        return None if text is None else moment(text)
    except ValueError as error:
        raise Failure(f"{option}: {error}", ExitCode.USAGE) from None


def said(**values: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in values.items() if value is not None}
