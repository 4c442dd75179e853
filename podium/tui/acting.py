"""Doing something to rows: why it cannot be done, the question, the doing, and what is told of it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from podium.client.nouns.noun import Names, Noun
from podium.tui.acts import Act, command, references

if TYPE_CHECKING:
    from podium.tui.app import Dashboard
    from podium.tui.screens.view import View

READ_ONLY = "The dashboard was started read-only; start it without --read-only."


def why_not(dashboard: "Dashboard", act: Act, rows: Sequence[Any]) -> str | None:
    """Why an act cannot be done to any of these rows; None where it can be to some."""
    if dashboard.read_only:
        return READ_ONLY
    if not rows:
        return "There is nothing under the cursor."
    reasons = [act.refused(row) for row in rows]
    if any(reason is None for reason in reasons):
        return None
    return reasons[0] if len(rows) == 1 else f"None of the {len(rows)} marked ones: {reasons[0]}"


def act_on(
    view: "View", noun: Noun, act: Act, rows: Sequence[Any], names: Names, done: Callable[[], None] | None = None
) -> None:
    """Asks, does it, tells the outcome and calls ``done``; where it cannot be done, says why."""
    from podium.tui.screens.confirm import Confirm

    dashboard = view.dashboard
    if reason := why_not(dashboard, act, rows):
        dashboard.say(f"{act.label} is not possible: {reason}")
        return
    able = [row for row in rows if act.refused(row) is None]
    told = command(noun, act.name, references(noun, able, names), dashboard.named_profile)
    question = Confirm(
        f"{act.label} {counted(noun, able, names)}?",
        [noun.told(row, names) for row in able],
        act.risk(len(able)),
        told,
        note=f"{len(rows) - len(able)} others are left alone: it is not possible for them." if able != rows else "",
        help_text=act.help,
    )

    def answered(yes: bool | None) -> None:
        if yes:
            view.run_worker(_do(view, noun, act, able, names, done), group="act")

    dashboard.push_screen(question, answered)


def counted(noun: Noun, rows: Sequence[Any], names: Names) -> str:
    """``flow run 'calm-otter'`` or ``12 flow runs``."""
    return f"{noun.words} {noun.told(rows[0], names)!r}" if len(rows) == 1 else f"{len(rows)} {noun.plural}"


async def _do(
    view: "View", noun: Noun, act: Act, rows: Sequence[Any], names: Names, done: Callable[[], None] | None
) -> None:
    """One after the other; all are tried."""
    from podium.client.errors import ClientError

    dashboard = view.dashboard
    failures, details = [], []
    for number, row in enumerate(rows, 1):
        if len(rows) > 1:
            view.say(f"{act.label}: {number} of {len(rows)} …")
        try:
            detail = await dashboard.connection.ask(lambda client, row=row: act.run(client, row))  # type: ignore[misc]
            details += [detail] if detail else []
        except ClientError as error:
            failures.append(f"{noun.told(row, names)}: {error}")
    view.say("")
    if done is not None:
        done()
    if failures:
        how_many = "It failed." if len(rows) == 1 else f"{len(failures)} of {len(rows)} failed."
        dashboard.say(f"{how_many} {failures[0]}", severity="error")
    else:
        more = f"; {details[0]}" if details and len(rows) == 1 else ""
        dashboard.say(f"{act.past} {counted(noun, rows, names)}{more}.")
