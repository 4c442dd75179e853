"""Changing what is there: by options, or in an editor with a look at the difference before it is sent.

What somebody wrote is never lost: where it was not sent, it stays in a file that is named.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from podium.cli.context import Invocation
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format
from podium.client.editor import Draft, EditorFailed
from podium.client.errors import Conflict, Invalid
from podium.client.nouns.editing import Fields, changed, difference, overwritten, send, text_of, values_of
from podium.client.nouns.noun import Noun, joined


def edit_row(invocation: Invocation, noun: Noun, row: Any, changes: Fields, output: Format) -> None:
    """Send the changes, or where there are none those made to the noun's fields in an editor. Raises Failure."""
    if changes:
        change_row(invocation, noun, row, changes, output)
    else:
        told = noun.told(row, joined(invocation.client, noun, [row]))
        _tell(invocation, noun, row, told, _edited(invocation, noun, row, f"{noun.words} {told}"), output)


def change_row(invocation: Invocation, noun: Noun, row: Any, changes: Fields, output: Format) -> None:
    """Send the changes, if there are any, and tell of them."""
    told = noun.told(row, joined(invocation.client, noun, [row]))
    if changes:
        send(invocation.client, noun, row, changes)
    _tell(invocation, noun, row, told, changes, output)


def _tell(invocation: Invocation, noun: Noun, row: Any, told: str, changes: Fields, output: Format) -> None:
    names = sorted(changes)
    about = f"{noun.words} {told!r}"
    invocation.diagnostics.note(f"Changed {', '.join(names)} of {about}." if names else "Nothing was changed.")
    if output != "table":
        record = {"id": getattr(row, "id", None), "name": told, "action": "edit", "changed": names}
        invocation.output.data(record, output, ("id", "name"))


def _edited(invocation: Invocation, noun: Noun, row: Any, title: str) -> Fields:
    """The fields that somebody changed in an editor and agreed to, once they are sent. Raises Failure, ClientError."""
    if not invocation.interactive:
        raise Failure("There is no terminal for an editor; say by options what to change.", ExitCode.USAGE)
    client, before = invocation.client, values_of(noun, row)
    with _draft(invocation, text_of(before, title)) as draft:
        while True:
            try:
                draft.edit()
                changes = changed(draft.read(), before)
                if changes:
                    _show(invocation, difference(before, changes))
                    invocation.confirm(f"Change {title}?", yes=False)
                    now = noun.find(client, str(row.id))
                    _check_conflict(invocation, title, before, changes, values_of(noun, now))
                    send(client, noun, now, changes)
            except EditorFailed as error:
                raise Failure(str(error)) from None
            except (ValueError, Invalid, Conflict) as error:
                invocation.diagnostics.error(str(error))
                if invocation.asks("Edit it again?", default=True):
                    continue
                if isinstance(error, ValueError):
                    raise Failure("Nothing was changed.", ExitCode.USAGE) from None
                raise
            return changes


@contextmanager
def _draft(invocation: Invocation, text: str) -> Iterator[Draft]:
    """A file with this text. It goes, unless something else is in it when all fails."""
    draft = Draft(text)
    try:
        yield draft
    except BaseException:
        if draft.is_touched:
            invocation.diagnostics.note(f"What you wrote is in {draft.file}.")
        else:
            draft.discard()
        raise
    draft.discard()


def _check_conflict(
    invocation: Invocation, title: str, before: Fields, changes: Fields, theirs: Mapping[str, Any]
) -> None:
    """Asks about fields that somebody else changed as well. Raises Failure."""
    both = overwritten(before, changes, theirs)
    if both:
        names = ", ".join(both)
        invocation.diagnostics.warning(f"Somebody else changed {names} of {title} meanwhile:")
        _show(invocation, difference({name: before.get(name) for name in both}, {name: theirs[name] for name in both}))
        if not invocation.asks("Change it all the same?"):
            raise Failure(f"Nothing was changed: {names} of {title} is another by now.", ExitCode.CONFLICT)


def _show(invocation: Invocation, lines: list[str]) -> None:
    for line in lines:
        invocation.diagnostics.stream.write(f"{line}\n")
