"""Values between text and Python: reading what somebody wrote, and writing it back."""

import binascii
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from podium.profiles.declaration import Kind
from podium.profiles.registry import Setting

TRUE: Final = frozenset({"true", "1", "yes", "on", "t", "y"})
FALSE: Final = frozenset({"false", "0", "no", "off", "f", "n"})
VACUUM_TARGETS: Final = frozenset({"events", "flow_runs", "orphans"})
SCHEMES: Final = {
    "database URL": (
        ("sqlite", "sqlite+aiosqlite", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgres"),
        "a database URL (sqlite:///… or postgresql://…)",
    ),
    "Redis URL": (
        ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"),
        "a Redis URL (redis://… or rediss://…)",
    ),
    "Docket URL": (
        ("memory", "redis", "rediss", "redis+sentinel", "rediss+sentinel"),
        "memory:// or a Redis URL (redis://… or rediss://…)",
    ),
    "HTTP URL": (("http", "https"), "an http:// or https:// URL"),
}
# Kept as text: `re` compiles a pattern when a duration is first read, which most commands never do.
_CLOCK: Final = r"(?i)(?:(\d+)\s*d(?:ays?)?,?\s*)?(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?)"
_DAYS: Final = r"(?i)(\d+)\s*d(?:ays?)?"
_NUM: Final = r"(\d+(?:[.,]\d+)?)"
_ISO: Final = rf"(?i)P(?:{_NUM}W)?(?:{_NUM}D)?(?:T(?:{_NUM}H)?(?:{_NUM}M)?(?:{_NUM}S)?)?"
_BOUND_WORDS: Final = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


class Unreadable(ValueError):
    """The value does not have the expected form; the message is what was expected."""


class Reader(NamedTuple):
    """How values of a type are read: what to call the type, and the function (raises Unreadable)."""

    expected: str
    read: Callable[[Any], Any]
    nullable: bool = False


def parse(setting: Setting, raw: Any) -> Any:
    """The value a setting gets from text or from a TOML value. Raises Unreadable."""
    reader = reader_of(setting.annotation)
    if reader.nullable and (raw is None or (isinstance(raw, str) and not raw.strip())):
        return None
    try:
        value = reader.read(raw.strip() if isinstance(raw, str) else raw)
    except Unreadable:
        raise Unreadable(expected(setting)) from None
    for item in _numbers(value):
        if not all(_within(item, bound, limit) for bound, limit in setting.declaration.bounds):
            raise Unreadable(expected(setting))
    return value


def expected(setting: Setting) -> str:
    """What values a setting takes, in words: "a whole number, at least 1"."""
    reader = reader_of(setting.annotation)
    bounds = [f"{_BOUND_WORDS[bound]} {limit:g}" for bound, limit in setting.declaration.bounds]
    return ", ".join([reader.expected, *bounds])


def text(value: Any) -> str:
    """A value as the text that reads back as it. None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, frozenset | set):
        return ",".join(sorted(map(text, value)))
    if isinstance(value, list | tuple):
        return ",".join(map(text, value))
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return str(value)


@cache
def reader_of(annotation: Any) -> Reader:
    """The reader of a field's annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        kind = next((item for item in annotation.__metadata__ if isinstance(item, Kind)), None)
        inner = get_args(annotation)[0]
        return _reader_of_kind(kind.name, inner) if kind else reader_of(inner)
    if origin in (Union, UnionType):
        inner = next(arg for arg in get_args(annotation) if arg is not NoneType)
        return reader_of(inner)._replace(nullable=True)
    if origin is Literal:
        return _choice(get_args(annotation))
    if origin in (frozenset, tuple):
        return _collection(origin, reader_of(get_args(annotation)[0]))
    if origin is dict:
        return _mapping(reader_of(get_args(annotation)[1]))
    return _PLAIN[annotation]


def _reader_of_kind(name: str, inner: Any) -> Reader:
    if name in SCHEMES:
        return _url(*SCHEMES[name])
    if name == "backend":
        return _backend(get_args(inner))
    return _KINDS[name]


def _bool(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise Unreadable


def _int(raw: Any) -> int:
    if isinstance(raw, bool):
        raise Unreadable
    try:
        return int(raw) if isinstance(raw, int | str) else _whole(float(raw))
    except (TypeError, ValueError, OverflowError):
        raise Unreadable from None


def _whole(number: float) -> int:
    if not number.is_integer():
        raise Unreadable
    return int(number)


def _float(raw: Any) -> float:
    if isinstance(raw, bool):
        raise Unreadable
    try:
        number = float(raw)
    except (TypeError, ValueError, OverflowError):
        raise Unreadable from None
    if not math.isfinite(number):
        raise Unreadable
    return number


def _str(raw: Any) -> str:
    if isinstance(raw, bool | int | float):
        return text(raw)
    if not isinstance(raw, str) or "\0" in raw:
        raise Unreadable
    return raw


def _path(raw: Any) -> Path:
    written = _str(str(raw) if isinstance(raw, Path) else raw)
    if not written:
        raise Unreadable
    return Path(written)


def _seconds(raw: Any) -> float:
    if not isinstance(raw, str):
        return _float(raw)
    if found := re.fullmatch(_CLOCK, raw):
        days, hours, minutes, seconds = found.groups(default="0")
        return int(days) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if found := re.fullmatch(_DAYS, raw):
        return int(found[1]) * 86400.0
    if (found := re.fullmatch(_ISO, raw)) and any(found.groups()) and not raw.upper().endswith("T"):
        parts = [float(part.replace(",", ".")) for part in found.groups(default="0")]
        return sum(part * unit for part, unit in zip(parts, (604800, 86400, 3600, 60, 1), strict=True))
    return _float(raw)


def _delays(raw: Any) -> tuple[float, ...]:
    return tuple(_seconds(item) for item in _items(raw))


def _vacuum_targets(raw: Any) -> frozenset[str]:
    """True means everything; false and empty mean events only, as the setting has always been read."""
    if isinstance(raw, str) and raw.lower() in {"null", "none"}:
        return frozenset()
    if isinstance(raw, bool) or (isinstance(raw, str) and raw.lower() in TRUE | FALSE | {""}):
        return VACUUM_TARGETS if raw != "" and _bool(raw) else frozenset({"events"})
    words = frozenset(str(item).lower() for item in _items(raw))
    if not words <= VACUUM_TARGETS:
        raise Unreadable
    return words | {"orphans"} if "flow_runs" in words else words


def _fernet_keys(raw: Any) -> str:
    keys = [key.strip() for key in _str(raw).split(",")]
    for key in keys:
        try:
            decoded = binascii.a2b_base64(key.translate({45: 43, 95: 47}))
        except (binascii.Error, ValueError):
            raise Unreadable from None
        if len(decoded) != 32:
            raise Unreadable
    return ",".join(keys)


def _choice(words: tuple[str, ...]) -> Reader:
    by_lower = {word.lower(): word for word in words}

    def read(raw: Any) -> str:
        try:
            return by_lower[str(raw).lower()]
        except KeyError:
            raise Unreadable from None

    return Reader(f"one of {', '.join(words)}", read)


def _backend(words: tuple[str, ...]) -> Reader:
    def read(raw: Any) -> str:
        written = _str(raw).lower()
        for word in words:
            if written == word or (("." in written or "_" in written) and word in written):
                return word
        raise Unreadable

    return Reader(f"one of {', '.join(words)}", read)


def _url(schemes: tuple[str, ...], words: str) -> Reader:
    def read(raw: Any) -> str:
        written = _str(raw)
        if written.partition("://")[0].lower() not in schemes or "://" not in written:
            raise Unreadable
        return written

    return Reader(words, read)


def _items(raw: Any) -> list[Any]:
    """The items of a list: a TOML list, a JSON list, or words by comma."""
    if isinstance(raw, list | tuple | set | frozenset):
        return list(raw)
    if isinstance(raw, str) and raw.startswith("["):
        try:
            return list(msgspec.json.decode(raw, type=list[Any]))
        except msgspec.DecodeError:
            raise Unreadable from None
    return [item.strip() for item in _str(raw).split(",") if item.strip()]


def _collection(origin: Callable[[list[Any]], Any], item: Reader) -> Reader:
    return Reader(
        f"a list by comma, each {item.expected}", lambda raw: origin([item.read(each) for each in _items(raw)])
    )


def _mapping(item: Reader) -> Reader:
    def read(raw: Any) -> dict[str, Any]:
        if isinstance(raw, str):
            try:
                raw = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
            except msgspec.DecodeError:
                raise Unreadable from None
        if not isinstance(raw, Mapping):
            raise Unreadable
        return {str(key): item.read(each) for key, each in raw.items()}

    return Reader(f"a JSON object, each value {item.expected}", read)


def _numbers(value: Any) -> list[float]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, frozenset | tuple) else (value,)
    return [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]


def _within(number: float, bound: str, limit: float) -> bool:
    return {"ge": number >= limit, "gt": number > limit, "le": number <= limit, "lt": number < limit}[bound]


_PLAIN: Final[dict[Any, Reader]] = {
    str: Reader("a text", _str),
    bool: Reader("true or false", _bool),
    int: Reader("a whole number", _int),
    float: Reader("a number", _float),
    Path: Reader("a path", _path),
}
_KINDS: Final[dict[str, Reader]] = {
    "seconds": Reader("a duration (seconds, HH:MM:SS, 'D days, HH:MM:SS' or ISO 8601 such as PT15S)", _seconds),
    "delays": Reader("a duration or a list of them", _delays),
    "vacuum targets": Reader("true, false, or words of events, flow_runs, orphans", _vacuum_targets),
    "Fernet keys": Reader("Fernet keys (32 bytes as URL-safe base64 each), by comma", _fernet_keys),
}
