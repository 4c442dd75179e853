"""What would change on a server, and what did: the lines for people, the records for programs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from podium.cli.context import Invocation
from podium.cli.diagnostics import ExitCode, Failure, code_of
from podium.cli.output import Format
from podium.cli.progress import QUICK, progress_bar
from podium.client.nouns.cells import compact
from podium.client.nouns.printing import printable

if TYPE_CHECKING:
    from podium.client.manifests.applying import Outcome
    from podium.client.manifests.kind import Difference
    from podium.client.manifests.planning import Change, Plan

SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
PAST: Final = {"create": "created", "update": "changed", "delete": "deleted"}
TO_DO: Final = {"create": "to create", "update": "to change", "delete": "to delete"}
SECRET: Final = "(secret)"  # noqa: S105  # what is shown in place of one
_COLOURS: Final = {"create": "\x1b[32m", "update": "\x1b[33m", "delete": "\x1b[31m"}
_RESET: Final = "\x1b[0m"
LONGEST: Final = 60
"""Characters of a value that are shown."""


def lines_of(changes: Iterable["Change"], *, coloured: bool) -> Iterator[str]:
    """A line for each change, and below it one for each difference."""
    for change in changes:
        start, end = (_COLOURS[change.action], _RESET) if coloured else ("", "")
        yield f"{start}{SIGNS[change.action]} {printable(change.about)}{end}"
        for each in change.differences:
            yield f"    {printable(_line(each, new=change.action == 'create'))}"


def _line(difference: "Difference", *, new: bool) -> str:
    if difference.secret:
        return f"{difference.path}: {SECRET}" if new else f"{difference.path}: {SECRET} → {SECRET}"
    after = _cut(difference.after)
    return f"{difference.path}: {after}" if new else f"{difference.path}: {_cut(difference.before)} → {after}"


def _cut(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) and value else compact(value)
    text = " ".join(str(text).split()) or '""'
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def show_plan(invocation: Invocation, plan: "Plan", output: Format, *, yes: bool) -> None:
    """Write what would change: on stdout for people, and where stdout is for a program on stderr before a question."""
    for warning in plan.warnings:
        invocation.diagnostics.warning(warning)
    out = invocation.output
    if output == "table":
        for line in lines_of(plan.changes, coloured=out.is_terminal and out.style.colors):
            out.raw(f"{line}\n")
    elif invocation.interactive and not yes:
        for line in lines_of(plan.changes, coloured=False):
            invocation.diagnostics.stream.write(f"{line}\n")


def record_of(change: "Change", result: str, detail: str | None = None) -> dict[str, Any]:
    """A change for a program."""
    return {
        "kind": change.kind,
        "name": change.name,
        "action": change.action,
        "result": result,
        "detail": detail,
        "changes": [
            {"field": each.path, "before": SECRET, "after": SECRET}
            if each.secret
            else {"field": each.path, "before": each.before, "after": each.after}
            for each in change.differences
        ],
    }


def counted(changes: Sequence["Change"], unchanged: int, words: dict[str, str]) -> str:
    """``2 created, 1 changed, 5 as they should be``."""
    parts = [f"{number:,} {words[action]}" for action in SIGNS if (number := sum(c.action == action for c in changes))]
    if unchanged or not parts:
        parts.append(f"{unchanged:,} as they should be")
    return ", ".join(parts)


def refuse(invocation: Invocation, plan: "Plan") -> None:
    """Say what is wrong with the documents, if anything. Raises Failure."""
    for problem in plan.problems:
        invocation.diagnostics.error(str(problem))
    if plan.problems:
        raise Failure("Nothing was done.", ExitCode.USAGE)


def code_for(outcomes: Iterable["Outcome"]) -> ExitCode:
    """The exit code: that of the failures if they are of one kind."""
    codes = {code_of(each.error) or ExitCode.FAILURE for each in outcomes if each.error}
    return ExitCode.OK if not codes else codes.pop() if len(codes) == 1 else ExitCode.FAILURE


def carry_out(invocation: Invocation, inventory: Any, changes: Sequence["Change"], label: str) -> list["Outcome"]:
    """Do the changes with a bar on stderr; what fails is told at once."""
    from podium.client.manifests.applying import applied

    outcomes = []
    with progress_bar(invocation, label, QUICK) as step:
        for done, outcome in enumerate(applied(inventory, changes), 1):
            outcomes.append(outcome)
            if step:
                step("", done, len(changes))
    for outcome in outcomes:
        if outcome.error:
            invocation.diagnostics.error(f"{outcome.change.about}: {outcome.detail}")
        elif outcome.detail:
            invocation.diagnostics.note(f"{outcome.change.about}: {outcome.detail}")
    return outcomes
