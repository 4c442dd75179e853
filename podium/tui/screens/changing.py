"""Changing and making things as text: the editor, what came of it, the question, and doing it.

What somebody wrote is never lost: where it was not sent, it stays in a file that is named.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from podium.client.editor import Draft, EditorFailed
from podium.client.nouns.command_lines import changing, creating, line
from podium.client.nouns.editing import changed, difference, overwritten, read, send, text_of, values_of
from podium.client.nouns.editing import make as send_new
from podium.client.nouns.noun import Names, Noun, joined
from podium.client.yaml_text import yaml_text
from podium.tui.screens.difference import Answer, Difference, toned
from podium.tui.widgets.text import LineOfText, Part

if TYPE_CHECKING:
    from podium.tui.app import Dashboard
    from podium.tui.screens.view import View


class Proposal(NamedTuple):
    """A change to be agreed to. ``does`` makes it and returns what was answered meanwhile; ``past`` tells of it."""

    question: str
    lines: list[LineOfText]
    command: str
    past: str
    does: Callable[[], Awaitable[Answer]]


def edit(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Has the fields of a row edited, asks with the difference, and sends it."""
    view.run_worker(_edit(view, noun, row, names), group="edit", exclusive=True)


def make(view: "View", noun: Noun, row: Any, names: Names) -> None:
    """Has a new one of a noun written, asks, and makes it. What a list is of stands in it already."""
    view.run_worker(_make(view, noun, _beginning(noun, getattr(view, "given", {}))), group="edit", exclusive=True)


def _beginning(noun: Noun, given: Mapping[str, Any]) -> dict[str, Any]:
    """The template of a noun, with what is known."""
    values = dict(noun.creates.template) if noun.creates else {}
    known = {name: value[0] if isinstance(value, list) else value for name, value in given.items() if value}
    return {name: known.get(name, value) for name, value in values.items()}


async def _edit(view: "View", noun: Noun, row: Any, names: Names) -> None:
    from podium.client.errors import ClientError

    reference = str(getattr(row, "id", None) or noun.reference(row, names))

    def fetch(client: Any) -> tuple[Any, Names]:
        fresh = noun.find(client, reference)
        return fresh, joined(client, noun, [fresh])

    try:
        row, names = await view.ask(fetch)
    except ClientError as error:
        view.failed(error)
        return
    before, told = values_of(noun, row), noun.told(row, names)
    title = f"{noun.words} {told}"

    def proposal(text: str) -> Proposal | None:
        changes = changed(text, before)
        if not changes:
            return None
        command = line(changing(noun, row, names, before, changes), view.dashboard.named_profile)

        async def does() -> Answer:
            now, _ = await view.ask(fetch)
            theirs = values_of(noun, now)
            if both := overwritten(before, changes, theirs):
                lines = toned(difference({name: before.get(name) for name in both}, {n: theirs[n] for n in both}))
                question = f"Somebody else changed {', '.join(both)} of {title} meanwhile. Change it all the same?"
                if (answer := await _asked(view.dashboard, Difference(question, lines, command))) != "yes":
                    return answer
            await view.ask(lambda client: send(client, noun, now, changes))
            return "yes"

        past = f"Changed {', '.join(sorted(changes))} of {noun.words} {told!r}."
        return Proposal(f"Change {title}?", toned(difference(before, changes)), command, past, does)

    await _propose(view, text_of(before, title), proposal, "Nothing was changed.")


async def _make(view: "View", noun: Noun, values: dict[str, Any]) -> None:
    def proposal(text: str) -> Proposal | None:
        wanted = read(text)
        if wanted in (values, {}):
            return None
        command = line(creating(noun, wanted), view.dashboard.named_profile)
        lines: list[LineOfText] = [(Part(each, "good"),) for each in yaml_text(wanted).splitlines()]

        async def does() -> Answer:
            await view.ask(lambda client: send_new(client, noun, wanted))
            return "yes"

        past = f"Made {noun.words} {next(iter(wanted.values()))!r}."
        return Proposal(f"Make this {noun.words}?", lines, command, past, does)

    heading = f"# A new {noun.words}: fill it in, save and close. As it is, nothing is made.\n"
    await _propose(view, heading + yaml_text(values), proposal, "Nothing was made.")


async def _propose(view: "View", text: str, proposal: Callable[[str], Proposal | None], nothing: str) -> None:
    """The editor and the question, again until it is done or left."""
    draft = Draft(text)
    try:
        done = await _proposed(view, draft, proposal, nothing)
    except BaseException:
        draft.discard()
        raise
    if done or not draft.is_touched:
        draft.discard()
    else:
        view.dashboard.say(f"What you wrote is in {draft.file}.")


async def _proposed(view: "View", draft: Draft, proposal: Callable[[str], Proposal | None], nothing: str) -> bool:
    """Whether it was done, or there was nothing to do."""
    from podium.client.errors import ClientError

    dashboard = view.dashboard
    while await edited(dashboard, draft):
        try:
            found = proposal(draft.read())
        except ValueError as error:
            if await _asked(dashboard, Difference("This cannot be used", (), problem=str(error))) == "again":
                continue
            return False
        if found is None:
            dashboard.say(nothing)
            return True
        answer = await _asked(dashboard, Difference(found.question, found.lines, found.command))
        if answer == "yes":
            try:
                answer = await found.does()
            except (ClientError, ValueError) as error:
                refused = Difference("It was not done", found.lines, problem=str(error))
                answer = "again" if await _asked(dashboard, refused) == "again" else "no"
        if answer == "yes":
            dashboard.say(found.past)
            view.reload()
        if answer != "again":
            return answer == "yes"
    return False


async def _asked(dashboard: "Dashboard", question: Difference) -> Answer:
    return await dashboard.push_screen_wait(question)


async def edited(dashboard: "Dashboard", draft: Draft) -> bool:
    """Has a draft edited, by the editor of EDITOR where that can have the terminal; whether that went well."""
    from textual.app import SuspendNotSupported

    from podium.tui.screens.editor import Editor

    failed = ""
    try:
        with dashboard.suspend():
            # An error that leaves this block would keep the screen from coming back.
            try:
                draft.edit()
            except EditorFailed as error:
                failed = str(error)
    except SuspendNotSupported:
        text = await dashboard.push_screen_wait(Editor(draft.read()))
        if text is not None:
            draft.write(text)
        return text is not None
    if failed:
        dashboard.say(failed, severity="error")
    return not failed
