"""Changing what is there: by options, or in an editor with a look at the difference before it is sent.

What somebody wrote is never lost: where it was not sent, it stays in a file that is named.
"""

import difflib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from podium.cli.context import Invocation
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format
from podium.cli.yaml_text import yaml_text
from podium.client.errors import Conflict, Invalid
from podium.client.manifests.documents import yaml_value
from podium.client.nouns.noun import Noun, attribute, joined
from podium.client.nouns.printing import printable
from podium.wire.endpoint import Endpoint

Fields = dict[str, Any]


def edit_row(
    invocation: Invocation,
    noun: Noun,
    row: Any,
    fields: Sequence[str],
    changes: Fields,
    update: Endpoint,
    path: Mapping[str, Any],
    output: Format,
) -> None:
    """Send the changes, or where there are none those made to these fields in an editor. Raises Failure."""
    told = noun.told(row, joined(invocation.client, noun, [row]))
    (key,) = path.values()

    def read(row: Any) -> Fields:
        return {name: attribute(row, name) for name in fields}

    if changes:
        invocation.client.call(update, changes, **path)
    else:
        changes = edited(
            invocation,
            f"{noun.words} {told}",
            read(row),
            lambda: read(noun.find(invocation.client, str(key))),
            lambda changes, _: invocation.client.call(update, changes, **path),
        )
    tell_changes(invocation, f"{noun.words} {told!r}", {"id": getattr(row, "id", None), "name": told}, changes, output)


def tell_changes(invocation: Invocation, about: str, record: Fields, changes: Fields, output: Format) -> None:
    """Say which fields were changed."""
    names = sorted(changes)
    invocation.diagnostics.note(f"Changed {', '.join(names)} of {about}." if names else "Nothing was changed.")
    if output != "table":
        invocation.output.data({**record, "action": "edit", "changed": names}, output, ("id", "name"))


def edited(
    invocation: Invocation,
    title: str,
    values: Mapping[str, Any],
    read: Callable[[], Fields],
    send: Callable[[Fields, Fields], Any],
) -> Fields:
    """The fields of ``values`` that somebody changed in an editor and agreed to, once they are sent.

    ``send`` gets them, and what all fields are by then, which ``read`` tells. Raises Failure, ClientError.
    """
    if not invocation.interactive:
        raise Failure("There is no terminal for an editor; say by options what to change.", ExitCode.USAGE)
    before = msgspec.to_builtins(values)
    heading = f"# {title}: change what you like, save and close. Fields that are left out stay as they are.\n"
    with _draft(invocation, heading + yaml_text(before)) as file:
        while True:
            _open_editor(file)
            try:
                changes = _changes(file.read_text("utf-8"), before)
                if changes:
                    _agree(invocation, title, before, changes)
                    theirs = msgspec.to_builtins(read())
                    _check_conflict(invocation, title, before, changes, theirs)
                    send(changes, theirs)
            except (ValueError, Invalid, Conflict) as error:
                invocation.diagnostics.error(str(error))
                if invocation.asks("Edit it again?", default=True):
                    continue
                if isinstance(error, ValueError):
                    raise Failure("Nothing was changed.", ExitCode.USAGE) from None
                raise
            return changes


@contextmanager
def _draft(invocation: Invocation, text: str) -> Iterator[Path]:
    """A file with this text that nobody else may read. It goes, unless something else is in it when all fails."""
    folder = Path(tempfile.mkdtemp(prefix="podium-edit-"))
    file = folder / "edit.yaml"
    file.write_text(text, "utf-8")
    try:
        yield file
    except BaseException:
        if file.exists() and file.read_bytes() != text.encode():
            invocation.diagnostics.note(f"What you wrote is in {file}.")
            raise
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _open_editor(file: Path) -> None:
    """Returns when the editor of VISUAL or EDITOR closed. Raises Failure."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    # Ctrl+C is the editor's; a handler, unlike ignoring it, is not inherited.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        # Stdout may go to a program.
        code = subprocess.call([*command, str(file)], stdout=None if sys.stdout.isatty() else sys.stderr)
    except OSError as error:
        raise Failure(f"The editor {command[0]!r} does not start ({error}); set EDITOR.") from None
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise Failure(f"The editor {command[0]!r} failed with code {code}; nothing was changed.")


def _changes(text: str, before: Fields) -> Fields:
    """The fields that are not as they were. Raises ValueError for what is not YAML of these fields."""
    after = yaml_value(text)
    if after is None:  # everything was deleted, as one does to give up
        return {}
    if not isinstance(after, dict):
        raise ValueError("Expected fields with their values.")
    if unknown := [name for name in after if name not in before]:
        raise ValueError(f"{', '.join(unknown)} cannot be edited; known are {', '.join(before)}.")
    return {name: value for name, value in after.items() if value != before[name]}


def _agree(invocation: Invocation, title: str, before: Fields, changes: Fields) -> None:
    _show_difference(invocation, before, {**before, **changes})
    invocation.confirm(f"Change {title}?", yes=False)


def _check_conflict(invocation: Invocation, title: str, before: Fields, changes: Fields, theirs: Fields) -> None:
    """Asks about fields that somebody else changed as well. Raises Failure."""
    both = [name for name in changes if theirs[name] not in (before[name], changes[name])]
    if both:
        names = ", ".join(both)
        invocation.diagnostics.warning(f"Somebody else changed {names} of {title} meanwhile:")
        _show_difference(invocation, {name: before[name] for name in both}, {name: theirs[name] for name in both})
        if not invocation.asks("Change it all the same?"):
            raise Failure(f"Nothing was changed: {names} of {title} is another by now.", ExitCode.CONFLICT)


def _show_difference(invocation: Invocation, old: Fields, new: Fields) -> None:
    lines = difflib.unified_diff(yaml_text(old).splitlines(), yaml_text(new).splitlines(), lineterm="", n=1)
    for line in list(lines)[2:]:
        invocation.diagnostics.stream.write(f"{printable(line)}\n")
