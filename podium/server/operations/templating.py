"""Jinja templates, rendered in a sandbox."""

from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_RENDERED = 1_000_000

_environment = ImmutableSandboxedEnvironment()


class Unrenderable(ValueError):
    """A text that is no template, or one that fails; the message says why."""


def render(source: str, **context: Any) -> str:
    """The template's text. Raises ``Unrenderable``, also when it grows past a million characters."""
    try:
        rendered = []
        length = 0
        for piece in _environment.from_string(source).generate(**context):
            rendered.append(piece)
            length += len(piece)
            if length > LONGEST_RENDERED:
                raise Unrenderable("the result is too long.")
        return "".join(rendered)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise Unrenderable(str(error)) from None


def syntax_problem(source: str) -> tuple[int, str] | None:
    """The line and what is wrong in it, for a text that is no template."""
    try:
        _environment.parse(source)
    except TemplateSyntaxError as error:
        return error.lineno, error.message or "not a template"
    return None
