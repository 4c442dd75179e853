"""An editor that does what a test says, for a dashboard without a terminal to hand over."""

import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import pytest

from podium.tui.app import Dashboard

PROGRAM = """
import json, pathlib, sys
folder, file = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
steps = json.loads((folder / "steps").read_text())
before = file.read_text()
(folder / f"seen-{len(list(folder.glob('seen-*')))}").write_text(before)
old, new = steps.pop(0)
(folder / "steps").write_text(json.dumps(steps))
if old == "exit":
    sys.exit(int(new))
assert old in before, before
file.write_text(before.replace(old, new, 1))
"""


class ScriptedEditor:
    """Each time it is opened it replaces one text by another; ``exit`` ends it with a code."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        program = folder / "editor.py"
        program.write_text(PROGRAM)
        monkeypatch.setenv("EDITOR", f"{sys.executable} {program} {folder}")
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setattr(Dashboard, "suspend", lambda self: nullcontext())
        monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def will(self, *steps: tuple[str, Any]) -> Self:
        """What it does from now on."""
        (self.folder / "steps").write_text(json.dumps(steps))
        return self

    @property
    def drafts(self) -> list[str]:
        """What is kept of what was written and not sent."""
        return [path.read_text() for path in self.folder.glob("podium-edit-*/*")]

    @property
    def seen(self) -> list[str]:
        """The texts that it was given, one for each time."""
        return [path.read_text() for path in sorted(self.folder.glob("seen-*"))]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedEditor:
    """The editor of EDITOR."""
    return ScriptedEditor(tmp_path / "editor", monkeypatch)
