"""From bytes to the Structs of the wire and back.

A good body is decoded in one pass by msgspec. One it refuses is looked at again, since clients also say what their own
validators take: moments without an offset (read as UTC), ``5.0`` for 5, ``"5"`` for 5, NaN for null. What is refused
even then raises ``BadBody`` with the place and reason.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")
Path = tuple[str | int, ...]

EACH = "..."
"""Stands in a path for the keys of an object whose keys are free, as msgspec does not say which it was."""

_MAXIMUM_REPAIRS = 50
_PLACE = re.compile(r" - at `(?:key in )?`?(\$[^`]*)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_FIELD = re.compile(r"(?:missing required|contains unknown) field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`")

encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode
"""The JSON of anything the wire says: moments in UTC with ``Z``, ids as text, NaN as null."""


class BadBody(ValueError):
    """A request that is not what its endpoint takes.

    ``details`` has one object for each error: ``type``, ``loc`` (``["body", "flows", "name"]``), ``msg`` and ``input``.
    """

    def __init__(self, details: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in details))
        self.details = details


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """The prepared decoder of a type."""
    found = _decoders.get(kind)
    if found is None:
        found = _decoders[kind] = msgspec.json.Decoder(kind)
    return found


@overload
def decode(kind: type[T], data: bytes | str) -> T: ...
@overload
def decode(kind: Any, data: bytes | str) -> Any: ...
def decode(kind: Any, data: bytes | str) -> Any:
    """The value of type ``kind`` that ``data`` is the JSON of; raises ``BadBody``."""
    try:
        try:
            value = decoder(kind).decode(data)
        except msgspec.DecodeError as error:
            value = _decode_again(kind, data, error)
    except UnicodeDecodeError as error:
        raise BadBody([_detail("json_invalid", ("body", error.start), "The body is not UTF-8", {})]) from None
    except RecursionError:
        raise BadBody([_detail("recursion_loop", ("body",), "The body is nested too deeply", None)]) from None
    return value


@overload
def decode_optional(kind: type[T], data: bytes | str) -> T: ...
@overload
def decode_optional(kind: Any, data: bytes | str) -> Any: ...
def decode_optional(kind: Any, data: bytes | str) -> Any:
    """As ``decode``, for a body that may be left out or null: that is one without any field, or an empty text."""
    if data.strip() in (b"", b"null", "", "null"):
        data = b'""' if kind is str else b"{}"
    return decode(kind, data)


def decode_query(kind: type[T], values: dict[str, Any]) -> T:
    """The query parameters of an endpoint from their text (a list where one repeats); raises ``BadBody``."""
    try:
        value = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        value = _repair(kind, values, error, "query", strict=False)
    return value


def _decode_again(kind: Any, data: bytes | str, error: msgspec.DecodeError) -> Any:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        value = _decode_lenient(data)
    if isinstance(error, msgspec.ValidationError):
        return _repair(kind, value, error, "body")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as next_error:
        return _repair(kind, value, next_error, "body")


def _decode_lenient(data: bytes | str) -> Any:
    """The value of JSON that may say NaN or Infinity, each read as null."""
    import json  # start-up time: almost no process ever needs it

    try:
        value = json.loads(data, parse_constant=lambda _: None)
        encode(value)  # refuses text that is not Unicode, which the standard library lets through
    except RecursionError:
        raise BadBody([_detail("recursion_loop", ("body",), "The body is nested too deeply", None)]) from None
    except ValueError as error:
        where: Path = ("body", error.pos) if isinstance(error, json.JSONDecodeError) else ("body",)
        raise BadBody([_detail("json_invalid", where, f"JSON decode error: {error}", {})]) from None
    return value


def _repair(kind: Any, value: Any, error: msgspec.ValidationError, source: str, strict: bool = True) -> Any:
    """Convert ``value``, correcting what can be taken for what was meant, place by place."""
    seen: set[tuple[Path, str]] = set()
    for _ in range(_MAXIMUM_REPAIRS):
        message, path = place(str(error))
        if (path, message) in seen or not _correct(value, path, message):
            break
        seen.add((path, message))
        try:
            return msgspec.convert(value, kind, strict=strict)
        except msgspec.ValidationError as next_error:
            error = next_error
    raise BadBody([_explain(str(error), value, source)]) from None


def place(text: str) -> tuple[str, Path]:
    """The message of a validation error and the path it is about.

    Errors raised while a Struct looks at its own fields carry their own place before that of the Struct.
    """
    places = _PLACE.findall(text)
    steps = (step for part in reversed(places) for step in _STEP.finditer(part))
    path = tuple(step[1] if step[1] else EACH if step[2] == EACH else int(step[2]) for step in steps)
    return _PLACE.sub("", text), path


def _correct(value: Any, path: Path, message: str) -> bool:
    """Replace what stands at ``path``, and there in every sibling, by what was meant; False if nothing is."""
    if "datetime" in message:
        kinds = {"datetime"}
    else:
        expected = _EXPECTED.match(message)
        kinds = {kind.strip() for kind in expected[1].split("|")} if expected else set()
    corrected = False
    for holder, key in _holders(value, path):
        meant = _meant(holder[key], kinds)
        if meant is not None:
            holder[key] = meant
            corrected = True
    return corrected


def _holders(value: Any, path: Path) -> list[tuple[Any, Any]]:
    """Each (container, key) that ``path`` stands for, taking an index or ``EACH`` for any."""
    places: list[tuple[Any, Any]] = [([value], 0)]
    for step in path:
        inside = [holder[key] for holder, key in places]
        if isinstance(step, int):
            places = [(item, key) for item in inside if isinstance(item, list) for key in range(len(item))]
        elif step == EACH:
            places = [(item, key) for item in inside if isinstance(item, dict) for key in item]
        else:
            places = [(item, step) for item in inside if isinstance(item, dict) and step in item]
    return places if path else []


def _meant(value: Any, kinds: set[str]) -> Any:
    """What a value was meant to be among ``kinds``, None if that cannot be told."""
    if "datetime" in kinds and isinstance(value, str):
        return _moment(value)
    if "int" in kinds and isinstance(value, float) and value.is_integer():
        return int(value)
    if "int" in kinds and isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}", value):
        return int(value)
    if "float" in kinds and isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", value):
        return float(value)
    if "bool" in kinds and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _explain(text: str, value: Any, source: str) -> dict[str, Any]:
    message, path = place(text)
    if EACH in path:
        path = path[: path.index(EACH)]
    given = _at(value, path)
    field = _FIELD.search(message)
    if field:
        path = (*path, field[1])
    if field and "missing" in message:
        return _detail("missing", (source, *path), "Field required", given)
    if field:
        unknown = given.get(field[1]) if isinstance(given, dict) else None
        return _detail("extra_forbidden", (source, *path), "Extra inputs are not permitted", unknown)
    return _detail(_kind(message), (source, *path), message, given)


def _at(value: Any, path: Path) -> Any:
    """What stands at a path, or the last that does: a rule may be about a field that was left out."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    return value


def _kind(message: str) -> str:
    """The name of a kind of error, after the reason msgspec gives."""
    for part, kind in _KINDS.items():
        if part in message:
            return kind
    return "value_error"


_KINDS = {
    "UUID": "uuid_parsing",
    "uuid": "uuid_type",
    "datetime": "datetime_parsing",
    "enum value": "enum",
    "Invalid value": "union_tag_invalid",
    "matching regex": "string_pattern_mismatch",
    "of length": "too_long",
    ">=": "greater_than_equal",
    "<=": "less_than_equal",
    "`int` >": "greater_than",
    "`float` >": "greater_than",
    "Expected `int": "int_type",
    "Expected `float": "float_type",
    "Expected `bool": "bool_type",
    "Expected `str": "string_type",
    "Expected `object": "dict_type",
    "Expected `array": "list_type",
}


def _detail(kind: str, loc: Path, message: str, given: Any) -> dict[str, Any]:
    return {"type": kind, "loc": list(loc), "msg": message, "input": given}
