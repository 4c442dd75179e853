"""Commands whose options come from the rows of nouns instead of a function's signature."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import typer

from podium.cli.context import DryRunOption, FormatOption, YesOption
from podium.client.nouns.noun import Filter, Noun

Parameter = inspect.Parameter


def parameter(name: str, annotation: Any, default: Any = None) -> Parameter:
    """A parameter of a command."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


CONTEXT = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
FORMAT = parameter("output", FormatOption, "table")
YES = parameter("yes", YesOption, False)
DRY_RUN = parameter("dry_run", DryRunOption, False)


def declared(function: Callable[..., Any], parameters: Iterable[Parameter], help: str) -> Callable[..., Any]:  # noqa: A002
    """The function with these parameters after its context, and this help, as typer reads them."""
    every = [CONTEXT, *parameters]
    function.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in every}
    function.__doc__ = help
    return function


def example(*lines: str) -> str:
    """The end of a command's help: what to type."""
    shown = "\n".join(f"  {line}" for line in lines)
    return f"\b\n{'Examples' if len(lines) > 1 else 'Example'}:\n{shown}"


def filter_parameter(each: Filter) -> Parameter:
    """The option of a filter."""
    kinds: dict[str, Any] = {
        "many": (list[str] | None, None),
        "one": (str | None, None),
        "number": (int | None, None),
        "flag": (bool | None, None),
    }
    kind, default = kinds[each.kind]
    metavar = None if each.kind == "flag" else each.metavar
    option = typer.Option(*each.flags, help=each.help, metavar=metavar, autocompletion=completing(each.noun))
    return parameter(each.key, Annotated[kind, option], default)


def filters_of(noun: Noun) -> list[Parameter]:
    """The options of a noun's filters."""
    return [filter_parameter(each) for each in noun.filters]


def sort_parameter(noun: Noun) -> Parameter:
    """The option for the order of a list; a noun the server does not sort is sorted by its columns."""
    words = tuple(noun.sorts) or tuple(f"{sign}{column.name}" for column in noun.columns for sign in ("", "-"))
    choice: Any = Literal.__getitem__(words)  # the words are known when the command is called
    help_ = f"The order: {', '.join(words)}."
    return parameter("sort", Annotated[choice | None, typer.Option("--sort", metavar="ORDER", help=help_)])


def several(noun: Noun) -> Parameter:
    """The argument that names some of a noun, or `-` for names on stdin."""
    help_ = f"Which {noun.plural}; - reads them from stdin."
    argument = typer.Argument(metavar=noun.metavar, help=help_, autocompletion=completing(noun.name))
    return parameter("given", Annotated[list[str] | None, argument])


def by_id(noun: Noun) -> Parameter:
    """The option that names one by its id, for those who are used to it."""
    option = typer.Option("--id", metavar="ID", help="The same as the argument.", hidden=True)
    return parameter("by_id", Annotated[list[str] | None, option])


def one(noun: Noun) -> Parameter:
    """The argument that names one of a noun."""
    argument = typer.Argument(metavar=noun.metavar, help=f"A {noun.words}.", autocompletion=completing(noun.name))
    return parameter("given", Annotated[str, argument], Parameter.empty)


def completing(noun: str) -> Callable[[Any, list[str], str], list[str]] | None:
    """What tells completion that names of this noun may stand there."""
    if not noun:
        return None

    def complete(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
        # Loaded on use: only completion asks, which keeps the answer.
        from podium.cli.words import NOUN

        return [f"{NOUN}{noun}"]

    return complete
