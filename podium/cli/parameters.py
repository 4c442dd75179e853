"""Reading the values of options and arguments.

Typer reads every value through pydantic, whose import takes longer than most commands run. The types that commands
use are read here instead; anything else is left to typer.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import typer
from typer.models import ParameterInfo

TRUE: Final = frozenset({"1", "true", "yes", "on", "t", "y"})
FALSE: Final = frozenset({"0", "false", "no", "off", "f", "n"})
_CHECKED_PATH: Final = ("exists", "writable", "resolve_path", "allow_dash", "path_type")

Read = Callable[[Any], Any]


class Reader:
    """Reads the value of one parameter; stands in for what typer would build."""

    def __init__(self, read: Read) -> None:
        self.read = read

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the function gets it. Raises BadParameter."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        try:
            return [self.read(each) for each in value] if several else self.read(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None


def lighten(command: Any) -> None:
    """Give the parameters of a command, and of the commands under it, readers that import nothing."""
    make_help_option = command.get_help_option
    command.get_help_option = lambda context: _lightened(make_help_option(context))
    for param in command.params:
        _lightened(param)
    for each in getattr(command, "commands", {}).values():
        lighten(each)


def _lightened(param: Any) -> Any:
    descriptor = getattr(param, "type_descriptor", None)
    read = _read_for(descriptor.annotation, descriptor.parameter_info) if descriptor else None
    if read:
        reader = Reader(read)
        param.get_runtime_param = lambda: reader
    return param


def _read_for(annotation: Any, info: ParameterInfo) -> Read | None:
    if info.parser is not None or getattr(info, "click_type", None) is not None:
        return None
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list and len(arguments) == 1:
        return _read_for(arguments[0], info)
    if origin is Literal:
        return _choice(arguments, info.case_sensitive)
    if annotation in (int, float):
        return _number(annotation, info)
    if annotation is Path and not any(getattr(info, check) for check in _CHECKED_PATH):
        return Path
    readers: dict[Any, Read] = {str: str, bool: _bool}
    return readers.get(annotation)


def _bool(value: Any) -> bool:
    word = str(value).lower()
    if word in TRUE | FALSE:
        return word in TRUE
    raise ValueError(f"{value!r} is neither true nor false.")


def _choice(words: tuple[Any, ...], case_sensitive: bool) -> Read:
    known = {str(word) if case_sensitive else str(word).lower(): word for word in words}

    def read(value: Any) -> Any:
        try:
            return known[str(value) if case_sensitive else str(value).lower()]
        except KeyError:
            raise ValueError(f"{value!r} is not one of {', '.join(map(str, words))}.") from None

    return read


def _number(kind: type[int] | type[float], info: ParameterInfo) -> Read:
    name = "whole number" if kind is int else "number"

    def read(value: Any) -> Any:
        try:
            number = kind(value)
        except (TypeError, ValueError):
            raise ValueError(f"{value!r} is not a {name}.") from None
        if info.clamp:
            number = kind(max(number, number if info.min is None else info.min))
            number = kind(min(number, number if info.max is None else info.max))
        if info.min is not None and number < info.min:
            raise ValueError(f"{value} is less than {info.min}.")
        if info.max is not None and number > info.max:
            raise ValueError(f"{value} is more than {info.max}.")
        return number

    return read
