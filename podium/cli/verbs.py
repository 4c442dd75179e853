"""The verbs that every noun has: `ls`, `inspect`, and actions such as `delete`, on some or all that filters select."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from podium.cli.context import Invocation, current
from podium.cli.declaring import (
    DRY_RUN,
    FORMAT,
    YES,
    Parameter,
    by_id,
    declared,
    example,
    filter_parameter,
    filters_of,
    parameter,
    several,
    sort_parameter,
)
from podium.cli.diagnostics import ExitCode, Failure, code_of
from podium.cli.output import Format
from podium.cli.progress import QUICK, progress_bar
from podium.client.errors import ClientError
from podium.client.nouns.noun import Action, Names, Noun
from podium.client.nouns.values import is_id

PREVIEWED = 10
"""How many are named before many are changed, and told one by one after it."""


def add_verbs(app: typer.Typer, noun: Noun, examples: Mapping[str, str]) -> None:
    """Give a group the verbs of its noun that ``examples`` name, with these lines for their help."""
    for verb, line in examples.items():
        if verb == "ls":
            command = ls(noun)
        elif verb == "inspect":
            command = inspect(noun)
        else:
            command = acting(noun, noun.action(verb))
        app.command(verb, epilog=example(line))(command)


def ls(noun: Noun) -> Callable[..., Any]:
    """The command that lists a noun."""
    most = f"How many at most; 0 for all. {f'Usually {noun.limit}.' if noun.limit else 'Usually all.'}"
    limit = Annotated[int, typer.Option("--limit", "-l", metavar="N", help=most, min=0, show_default=False)]
    page = Annotated[int, typer.Option("--page", metavar="N", help="Which page of so many.", min=1)]
    skip = Annotated[int, typer.Option("--offset", metavar="N", help="Leave out the first N.", min=0, hidden=True)]

    def run(context: typer.Context, **given: Any) -> None:
        invocation = current(context)
        # Loaded on use: help needs neither HTTP nor the wire.
        from podium.cli.showing import show_list
        from podium.client.nouns.selecting import Selection

        most = given["limit"] or None
        skip = given["offset"] + (given["page"] - 1) * (most or 0)
        selection = Selection(noun, given)
        rows = selection.rows(invocation.client, most and most + 1, skip, given["sort"])
        if given["output"] == "jsonl" and most is None:
            show_list(invocation, noun, rows, "jsonl")
            return
        found = list(rows)
        show_list(invocation, noun, found[:most], given["output"])
        if not found and given["output"] == "table" and sys.stderr.isatty():
            _tell_none(invocation, noun, selection)
        if most and len(found) > most and sys.stderr.isatty():
            invocation.diagnostics.note(f"There are more: `--page {given['page'] + 1}` shows them, `--limit 0` all.")

    parameters = [
        *filters_of(noun),
        sort_parameter(noun),
        parameter("limit", limit, noun.limit or 0),
        parameter("page", page, 1),
        parameter("offset", skip, 0),
        FORMAT,
    ]
    return declared(run, parameters, f"List {noun.plural}.")


def inspect(noun: Noun) -> Callable[..., Any]:
    """The command that shows everything about one of a noun."""

    def run(
        context: typer.Context, given: list[str] | None, by_id: list[str] | None, output: Format, **within: Any
    ) -> None:
        invocation = current(context)
        from podium.cli.selecting import named
        from podium.cli.showing import show_one

        names = _within(named(given, by_id), within.get(noun.within))
        if not names:
            raise Failure(f"Which {noun.words}? Give {noun.metavar}.", ExitCode.USAGE)
        rows = [noun.find(invocation.client, name) for name in names]
        show_one(invocation, noun, rows, output, alone=len(names) == 1)

    owner = [filter_parameter(each) for each in noun.filters if each.key == noun.within]
    return declared(
        run, [several(noun), by_id(noun), *owner, FORMAT], f"Show everything about a {noun.words}, or several."
    )


def acting(
    noun: Noun,
    action: Action,
    extra: Sequence[Parameter] = (),
    changed: Callable[[Mapping[str, Any]], Action] | None = None,
) -> Callable[..., Any]:
    """The command that does something to those it is given, or to all that its filters select.

    ``extra`` are options of its own, and ``changed`` the action that their values ask for.
    """
    every = Annotated[bool, typer.Option("--all", help=f"All {noun.plural}, if no filter is given.")]

    def run(context: typer.Context, **given: Any) -> None:
        act(current(context), noun, changed(given) if changed else action, given)

    all_of_them = parameter("every", every, False)
    parameters = [several(noun), by_id(noun), *filters_of(noun), all_of_them, *extra, DRY_RUN, YES, FORMAT]
    more = (
        "\n\nName some, or choose them with filters: they are counted and shown, and you are asked before it happens."
    )
    return declared(run, parameters, action.help + more)


def act(invocation: Invocation, noun: Noun, action: Action, given: Mapping[str, Any]) -> None:
    """Do something to those that are named or selected, one after the other; all are tried. Raises typer.Exit."""
    from podium.cli.selecting import named
    from podium.cli.showing import show_list
    from podium.client.nouns.noun import joined
    from podium.client.nouns.selecting import Selection

    names = named(given["given"], given["by_id"])
    if names and noun.within:
        given = {**given, noun.within: None, "given": _within(names, given[noun.within])}
        names = given["given"]
    selection = Selection(noun, given)
    if names and not selection.is_empty:
        raise Failure(f"Name {noun.plural} or choose them with filters, not both.", ExitCode.USAGE)
    if not names and given["given"]:
        return  # stdin held nothing
    if not names and selection.is_empty and not given["every"]:
        hint = f"Give {noun.metavar}, a filter such as {noun.filters[0].flags[0]}, or --all."
        raise Failure(f"Which {noun.plural}? {hint}", ExitCode.USAGE)
    worst = Worst(invocation)
    found = _named(invocation, noun, names, worst) if names else selection.rows(invocation.client)
    rows = _collected(invocation, noun, found, len(names) or None)
    labels = joined(invocation.client, noun, rows)
    if given["dry_run"]:
        show_list(invocation, noun, rows, given["output"])
        invocation.diagnostics.note(f"Would {action.name} {counted(len(rows), noun)}.")
        raise typer.Exit(worst.code)
    if rows and _must_ask(invocation, action, bool(names)):
        _ask(invocation, noun, action, rows, labels, given["yes"])
    _do(invocation, noun, action, rows, labels, worst, given["output"])
    if not rows and not names:
        _tell_none(invocation, noun, selection)
    raise typer.Exit(worst.code)


def _tell_none(invocation: Invocation, noun: Noun, selection: Any) -> None:
    """Say that nothing was found, and which word may be the reason: a state may have any name."""
    from difflib import get_close_matches

    from podium.cli.completing import STATES

    invocation.diagnostics.note(f"There are no {'' if selection.is_empty else 'such '}{noun.plural}.")
    known = [each.lower() for each in STATES]
    for each, value in selection.filters:
        for word in value if each.noun == "state" else ():
            near = get_close_matches(word.lower(), known, 1) if word.lower() not in known else []
            if near:
                invocation.diagnostics.note(f"Did you mean {each.flags[0]} {near[0]} by {word}?")


class Worst:
    """The exit code of a command that goes on after failures."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self.code = ExitCode.OK

    def note(self, error: Exception, about: str = "") -> None:
        """Say what failed and remember it; different failures are a failure."""
        code = error.code if isinstance(error, Failure) else code_of(error) or ExitCode.FAILURE
        self.code = code if self.code in (ExitCode.OK, code) else ExitCode.FAILURE
        self._invocation.diagnostics.error(f"{about}{error}")


def _within(names: list[str], owners: list[str] | None) -> list[str]:
    """Names with that of their owner before them, where it was given as an option."""
    if not owners:
        return names
    return [name if "/" in name or is_id(name) else f"{owners[0]}/{name}" for name in names]


def counted(number: int, noun: Noun) -> str:
    """``3 flow runs``."""
    return f"{number:,} {noun.words if number == 1 else noun.plural}"


def _named(invocation: Invocation, noun: Noun, names: list[str], worst: Worst) -> Iterator[Any]:
    for name in names:
        try:
            yield noun.find(invocation.client, name)
        except ClientError as error:
            if code_of(error) != ExitCode.NOT_FOUND:
                raise
            worst.note(error)


def _collected(invocation: Invocation, noun: Noun, found: Iterable[Any], total: int | None) -> list[Any]:
    rows = []
    with progress_bar(invocation, f"Finding {noun.plural}", QUICK) as step:
        for row in found:
            rows.append(row)
            if step:
                step("", len(rows), total)
    return rows


def _must_ask(invocation: Invocation, action: Action, were_named: bool) -> bool:
    """Many are never changed unasked; what was named is, unless it cannot be undone and somebody is there."""
    return not were_named or (action.asks and invocation.interactive)


def _ask(invocation: Invocation, noun: Noun, action: Action, rows: list[Any], names: Names, yes: bool) -> None:
    if len(rows) == 1:
        invocation.confirm(f"{action.name.capitalize()} {noun.words} {noun.told(rows[0], names)!r}?", yes=yes)
        return
    if not yes:
        for row in rows[:PREVIEWED]:
            invocation.diagnostics.note(f"  {_line(noun, row, names)}")
        if len(rows) > PREVIEWED:
            invocation.diagnostics.note(f"  … and {len(rows) - PREVIEWED:,} more")
    invocation.confirm(f"{action.name.capitalize()} {counted(len(rows), noun)}?", yes=yes)


def _line(noun: Noun, row: Any, names: Names) -> str:
    reference, told = noun.reference(row, names), noun.told(row, names)
    return told if reference == told else f"{reference} {told}"


def _do(
    invocation: Invocation, noun: Noun, action: Action, rows: list[Any], names: Names, worst: Worst, output: Format
) -> None:
    """One after the other, and tell what was done, also where somebody interrupts it."""
    outcomes: list[dict[str, Any]] = []
    try:
        with progress_bar(invocation, f"{action.past} {noun.plural}", QUICK) as step:
            for row in rows:
                outcomes.append(_done(invocation, noun, action, row, names, worst, len(rows)))
                if step:
                    step("", len(outcomes), len(rows))
    finally:
        _tell(invocation, noun, action, outcomes, len(rows), output)


def _done(
    invocation: Invocation, noun: Noun, action: Action, row: Any, names: Names, worst: Worst, total: int
) -> dict[str, Any]:
    told = noun.told(row, names)
    outcome = {"id": getattr(row, "id", None), "name": told, "action": action.name}
    try:
        detail = action.run(invocation.client, row)
    except ClientError as error:
        worst.note(error, f"{noun.words} {told!r}: " if total > 1 else "")
        return {**outcome, "result": "failed", "detail": str(error)}
    if total <= PREVIEWED:
        more = f"; {detail}" if detail else ""
        invocation.diagnostics.note(f"{action.past} {noun.words} {told!r}{more}.")
    return {**outcome, "result": "done", "detail": detail}


def _tell(
    invocation: Invocation, noun: Noun, action: Action, outcomes: list[dict[str, Any]], total: int, output: Format
) -> None:
    done = sum(outcome["result"] == "done" for outcome in outcomes)
    if output != "table":
        invocation.output.data(outcomes, output, ("id", "name"))
    if total > PREVIEWED:
        invocation.diagnostics.note(f"{action.past} {counted(done, noun)} of {total:,}.")
