"""A terminal of so many cells with a shell in it, typed into and looked at as a person would: tmux.

With PODIUM_TEST_CAPTURES, a folder, what was seen of each command is kept there, to be looked at.
"""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.backing import CONFIGURED

SECONDS = 60.0
OURS = ("PODIUM_", "PREFECT_", "TMUX")
PROMPT = "$ "


CAPTURES = CONFIGURED.get("PODIUM_TEST_CAPTURES")


class Absent(Exception):
    """There is no tmux."""


class Terminal:
    """A window with bash in it, at home in a folder; ``podium`` is on its path."""

    def __init__(
        self, folder: Path, columns: int = 80, rows: int = 24, cwd: Path | None = None, **variables: str
    ) -> None:
        if not shutil.which("tmux"):
            raise Absent("tmux is not on the path")
        self.folder = folder
        self.columns = columns
        self._name = f"{columns}x{rows}"
        self._socket = folder / f"tmux-{secrets.token_hex(4)}"
        self._codes = self._socket.with_suffix(".codes")
        self._codes.touch()
        environ = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        environ |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HISTFILE": "",
            **variables,
        }
        shell = ["bash", "--norc", "--noprofile"]
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux(
            "-u", "-f", "/dev/null", "new-session", "-d", *size, "-c", str(cwd or folder), *shell, environ=environ
        )
        self._tmux("set-option", "-g", "history-limit", "10000")
        # What a prompt says of the last command it says to the test alone.
        self.type(f"PS1='{PROMPT}' PROMPT_COMMAND='echo $? >>{shlex.quote(str(self._codes))}'")
        self._until(lambda: bool(self.codes), "a prompt")

    def close(self) -> None:
        """Ends the shell and what it started in its window."""
        self._tmux("kill-server", check=False)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def codes(self) -> list[int]:
        """The exit codes of the commands that ended."""
        return [int(line) for line in self._codes.read_text().split()]

    @property
    def screen(self) -> str:
        """What can be seen."""
        return self._captured()

    @property
    def history(self) -> str:
        """The same with what went off at the top, since the window was last cleared."""
        return self._captured("-S", "-")

    def press(self, *keys: str) -> None:
        """Keys by their names: ``Tab``, ``C-c``, ``Enter``."""
        self._tmux("send-keys", *keys)

    def write(self, text: str) -> None:
        """The keys of a text."""
        self._tmux("send-keys", "-l", "--", text)

    def type(self, text: str) -> None:
        """A line, and Enter."""
        self.write(text)
        self.press("Enter")

    def clear(self) -> None:
        """An empty window with a prompt."""
        self.press("C-l")
        self._until(lambda: self.screen.strip() == PROMPT.strip(), "an empty window")
        self._tmux("clear-history")

    def until(self, text: str, seconds: float = SECONDS) -> str:
        """The window, once a text can be seen in it."""
        self._until(lambda: text in self.history, repr(text), seconds)
        return self.history

    def ended(self, before: int, seconds: float = SECONDS) -> int:
        """The exit code of the command that was typed when so many had ended."""
        self._until(lambda: len(self.codes) > before, "a prompt", seconds)
        return self.codes[before]

    def run(self, command: str, *answers: tuple[str, str], code: int = 0, seconds: float = SECONDS) -> str:
        """What a command leaves in the window, its line included.

        ``answers`` are what to type when a text is seen. Fails where the exit code is another.
        """
        self.clear()
        before = len(self.codes)
        self.type(command)
        for seen, answer in answers:
            self.until(seen, seconds)
            self.type(answer)
        ended = self.ended(before, seconds)
        self._until(lambda: self.screen.rstrip().endswith(PROMPT.strip()), "a prompt", 5)
        seen = self.history.rstrip().removesuffix(PROMPT.strip()).rstrip("\n")
        self.keep(seen)
        assert ended == code, f"{ended} instead of {code}:\n{seen}"
        return seen

    def table(self, command: str, code: int = 0) -> list[list[str]]:
        """The cells of what a command lists, heading first; fails where a line is wider than the window."""
        self.run(command, code=code)
        lines = self._captured("-S", "-", "-J").split("\n")
        at = next(number for number, line in enumerate(lines) if line.startswith(PROMPT))
        rows = [line for line in lines[at + 1 :] if line and line != PROMPT.strip()]
        assert all(len(line) <= self.columns for line in rows), "\n".join(rows)
        return [re.split(r"  +", row) for row in rows]

    def keep(self, seen: str) -> None:
        """Writes what was seen to the folder of captures, if there is one."""
        if CAPTURES:
            place = Path(CAPTURES)
            place.mkdir(parents=True, exist_ok=True)
            with (place / f"{self._name}.txt").open("a") as file:
                file.write(f"{'=' * self.columns}\n{seen}\n")

    def _captured(self, *options: str) -> str:
        lines = self._tmux("capture-pane", "-p", *options).split("\n")
        return "\n".join(line.rstrip() for line in lines).rstrip("\n")

    def _until(self, condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within {seconds:g} s:\n{self.history}"
            time.sleep(0.05)

    def _tmux(self, *arguments: str, environ: dict[str, str] | None = None, check: bool = True) -> str:
        command = ["tmux", "-S", str(self._socket), *arguments]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout
