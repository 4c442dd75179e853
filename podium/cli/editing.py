"""Changing what is there: by options, or in an editor with a look at the difference before it is sent."""

import difflib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from podium.cli.context import Invocation
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format
from podium.client.nouns.noun import Noun, attribute, joined
from podium.wire.endpoint import Endpoint


def edit_row(
    invocation: Invocation,
    noun: Noun,
    row: Any,
    fields: Sequence[str],
    changes: dict[str, Any],
    update: Endpoint,
    path: Mapping[str, Any],
    output: Format,
) -> None:
    """Send the changes, or where there are none those made to these fields in an editor. Raises Failure."""
    told = noun.told(row, joined(invocation.client, noun, [row]))
    if not changes:
        changes = edited(invocation, {name: attribute(row, name) for name in fields}, f"{noun.words} {told}")
    if not changes:
        invocation.diagnostics.note("Nothing was changed.")
    else:
        invocation.client.call(update, changes, **path)
        invocation.diagnostics.note(f"Changed {', '.join(sorted(changes))} of {noun.words} {told!r}.")
    if output != "table":
        record = {"id": getattr(row, "id", None), "name": told, "action": "edit", "changed": sorted(changes)}
        invocation.output.data(record, output, ("id", "name"))


def edited(invocation: Invocation, values: Mapping[str, Any], title: str) -> dict[str, Any]:
    """The fields that somebody changed in an editor and agreed to. Raises Failure."""
    if not invocation.interactive:
        raise Failure("There is no terminal for an editor; say by options what to change.", ExitCode.USAGE)
    before = msgspec.to_builtins(values)
    text = _text(before)
    while True:
        text = _in_editor(text, title)
        try:
            after = msgspec.json.decode(_without_comments(text), type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            invocation.confirm(f"This is not JSON: {error}. Edit it again?", yes=False)
            continue
        break
    if unknown := set(after) - set(before):
        raise Failure(f"{', '.join(sorted(unknown))} cannot be edited.", ExitCode.USAGE)
    changes = {name: value for name, value in after.items() if value != before[name]}
    if changes:
        old, new = _text(before).splitlines(), _text({**before, **after}).splitlines()
        for line in list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]:
            invocation.diagnostics.note(line)
        invocation.confirm(f"Change {title}?", yes=False)
    return changes


def _text(values: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(values), indent=2).decode() + "\n"


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))


def _in_editor(text: str, title: str) -> str:
    """The text as it is after the editor of VISUAL or EDITOR closed. Raises Failure."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="podium-edit-") as folder:
        file = Path(folder) / "edit.json"
        comments = f"// {title}: change what you like, save and close. Fields that are left out stay as they are.\n"
        file.write_text(comments + text if not text.startswith("//") else text, "utf-8")
        try:
            code = subprocess.call([*command, str(file)])
        except OSError as error:
            raise Failure(f"The editor {command[0]!r} does not start ({error}); set EDITOR.") from None
        if code:
            raise Failure(f"The editor {command[0]!r} failed with code {code}; nothing was changed.")
        return file.read_text("utf-8")
