"""The parameters that a deployment declares in a JSON Schema, and reading what somebody types for them."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, Literal, NamedTuple

import msgspec

from podium.client.nouns.values import iso, loosely, moment

Kind = Literal["text", "integer", "number", "flag", "choice", "moment", "date", "list", "object", "any"]

ABSENT: Final = object()
"""No value: the default applies."""

NOTES: Final[Mapping[Kind, str]] = {
    "text": "text",
    "integer": "integer",
    "number": "number",
    "flag": "true or false",
    "choice": "",
    "moment": "date and time",
    "date": "date",
    "list": "JSON list",
    "object": "JSON object",
    "any": "JSON or text",
}
"""What a kind takes, in a word or two."""

_TYPES: Final[Mapping[str, Kind]] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "flag",
    "array": "list",
    "object": "object",
}
_FORMATS: Final[Mapping[str, Kind]] = {"date-time": "moment", "date": "date"}
_DEEPEST: Final = 8
"""References that are followed before a schema is taken for one that goes in circles."""


class Parameter(NamedTuple):
    """A parameter. ``default`` is ``ABSENT`` where there is none; a secret is not shown while it is typed."""

    name: str
    kind: Kind
    required: bool = False
    nullable: bool = False
    default: Any = ABSENT
    help: str = ""
    choices: tuple[Any, ...] = ()
    secret: bool = False

    @property
    def note(self) -> str:
        """What it takes."""
        return f"{NOTES[self.kind]} or null" if self.nullable and NOTES[self.kind] else NOTES[self.kind]


def parameters_of(schema: Mapping[str, Any] | None, given: Mapping[str, Any]) -> list[Parameter]:
    """The parameters in their order. ``given`` are values that stand for the defaults of the schema.

    What the schema does not know takes any value.
    """
    schema = schema or {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = schema.get("required") or ()
    order = sorted(properties, key=lambda name: _position(properties[name]))
    found = [_parameter(schema, name, properties[name], name in required, given) for name in order]
    further = [Parameter(name, "any", default=value) for name, value in given.items() if name not in properties]
    return found + further


def _position(piece: Any) -> float:
    place = piece.get("position") if isinstance(piece, Mapping) else None
    return place if isinstance(place, int) else float("inf")


def _parameter(schema: Mapping[str, Any], name: str, piece: Any, required: bool, given: Mapping[str, Any]) -> Parameter:
    whole = piece if isinstance(piece, Mapping) else {}
    inner, nullable = _resolved(schema, whole)
    default = given.get(name, whole.get("default", inner.get("default", ABSENT)))
    choices = tuple(inner["enum"]) if inner.get("enum") else (inner["const"],) if "const" in inner else ()
    nullable = nullable or None in choices
    choices = tuple(each for each in choices if each is not None)
    return Parameter(
        name,
        "choice" if choices else _kind(inner),
        required and default is ABSENT,
        nullable,
        default,
        _help(whole, inner),
        choices,
        bool(inner.get("writeOnly")) or inner.get("format") == "password",
    )


def _help(whole: Mapping[str, Any], inner: Mapping[str, Any]) -> str:
    """What the schema says of it; of an object also the keys it takes, those with a * always."""
    said = str(whole.get("description") or inner.get("description") or "")
    required = inner.get("required") or ()
    keys = [f"{name} *" if name in required else str(name) for name in inner.get("properties") or ()]
    return "\n".join(part for part in (said.strip(), f"Keys: {', '.join(keys)}." if keys else "") if part)


def _resolved(schema: Mapping[str, Any], piece: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What a piece of a schema comes to, references followed; and whether it may be null."""
    nullable = False
    for _ in range(_DEEPEST):
        if isinstance(reference := piece.get("$ref"), str):
            piece = _referred(schema, reference)
            continue
        several = piece.get("anyOf") or piece.get("oneOf") or piece.get("allOf") or ()
        rest = [each for each in several if isinstance(each, Mapping) and each.get("type") != "null"]
        nullable = nullable or len(rest) < len(several)
        if len(rest) != 1:
            break
        piece = rest[0]
    kinds = piece.get("type")
    if isinstance(kinds, list):
        rest_of = [kind for kind in kinds if kind != "null"]
        nullable = nullable or len(rest_of) < len(kinds)
        piece = {**piece, "type": rest_of[0] if len(rest_of) == 1 else None}
    return piece, nullable


def _referred(schema: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    found: Any = schema
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _kind(piece: Mapping[str, Any]) -> Kind:
    kind = _TYPES.get(str(piece.get("type")), "any")
    return _FORMATS.get(str(piece.get("format")), kind) if kind == "text" else kind


def read(parameter: Parameter, text: str) -> Any:
    """The value of what was typed; ``ABSENT`` for nothing. Raises ValueError with what is expected."""
    if not text.strip():
        if parameter.required:
            raise ValueError("It is required.")
        return ABSENT
    if parameter.nullable and text.strip() == "null":
        return None
    if parameter.kind == "choice":
        return _choice(parameter, text)
    if parameter.kind == "text":
        quoted = loosely(text) if text.startswith('"') else text
        return quoted if isinstance(quoted, str) else text
    return _READERS[parameter.kind](text.strip())


def _choice(parameter: Parameter, text: str) -> Any:
    for choice in parameter.choices:
        if text in (choice, written(choice)):
            return choice
    raise ValueError(f"Expected one of {', '.join(map(written, parameter.choices))}.")


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError("Expected a whole number.")
    return int(text)


def _number(text: str) -> float:
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text.lower()):
        raise ValueError("Expected a number.")
    return float(text)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise ValueError("Expected true or false.")
    return text.lower() in ("true", "yes")


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    if text not in ("today", "yesterday", "tomorrow"):
        raise ValueError("Expected a date such as 2026-05-06, or yesterday.")
    return moment(text).date().isoformat()


def _moment(text: str) -> str:
    return iso(moment(text))


def _list(text: str) -> Any:
    return _json(text, list, 'a JSON list such as ["a", "b"]')


def _object(text: str) -> Any:
    return _json(text, dict, 'a JSON object such as {"key": 1}')


def _json(text: str, kind: type, expected: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"Expected {expected}: {error}.") from None
    if not isinstance(value, kind):
        raise ValueError(f"Expected {expected}.")
    return value


_READERS: Final = {
    "integer": _integer,
    "number": _number,
    "flag": _flag,
    "date": _date,
    "moment": _moment,
    "list": _list,
    "object": _object,
    "any": loosely,
}


def written(value: Any) -> str:
    """A value as it is typed: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def shown(parameter: Parameter) -> str:
    """What stands in the field of a parameter at first: its default, as it would be typed; nothing for null."""
    if parameter.default is ABSENT or parameter.default is None:
        return ""
    text = written(parameter.default)
    if parameter.kind not in ("text", "any") or (text.isprintable() and read(parameter, text) == parameter.default):
        return text
    return msgspec.json.encode(parameter.default).decode()


def chosen(parameters: Iterable[Parameter], texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that are others than the defaults, and what is wrong with fields, by name."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for parameter in parameters:
        text = texts.get(parameter.name, "")
        if text == shown(parameter) and not (parameter.required and not text):
            continue
        try:
            value = read(parameter, text)
        except ValueError as error:
            wrong[parameter.name] = str(error)
            continue
        if value is not ABSENT:
            values[parameter.name] = value
    return values, wrong
