"""The editor of whoever sits at the terminal, and the file that it opens."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


class EditorFailed(Exception):
    """The editor did not start or ended with an error; one line."""


class Draft:
    """A text in a file that nobody else may read. Who made it discards it, unless what was written is to be kept."""

    def __init__(self, text: str, suffix: str = ".yaml") -> None:
        self.file = Path(tempfile.mkdtemp(prefix="podium-edit-")) / f"edit{suffix}"
        self._first = text.encode()
        self.write(text)

    def write(self, text: str) -> None:
        """Puts another text in."""
        self.file.write_text(text, "utf-8")

    def read(self) -> str:
        """The text as it is now. Raises ValueError for what is not UTF-8."""
        return self.file.read_text("utf-8")

    @property
    def is_touched(self) -> bool:
        """Whether something else is in it than at first."""
        return self.file.exists() and self.file.read_bytes() != self._first

    def discard(self) -> None:
        """Takes it away."""
        shutil.rmtree(self.file.parent, ignore_errors=True)

    def edit(self) -> None:
        """Returns when the editor of VISUAL or EDITOR closed, which has the terminal until then. Raises EditorFailed.

        Called in the main thread.
        """
        command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
        # Ctrl+C is the editor's; a handler, unlike ignoring it, is not inherited.
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            # Stdout may go to a program.
            out = None if sys.stdout.isatty() else sys.stderr
            code = subprocess.call([*command, str(self.file)], stdout=out)
        except OSError as error:
            raise EditorFailed(f"The editor {command[0]!r} does not start ({error}); set EDITOR.") from None
        finally:
            signal.signal(signal.SIGINT, before)
        if code:
            raise EditorFailed(f"The editor {command[0]!r} failed with code {code}; nothing was changed.")
