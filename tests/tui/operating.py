"""A person at the dashboard in a terminal, whose keys are counted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.terminal import Terminal

SECONDS = 30.0


class Operator:
    """Presses keys and waits for what they bring up. What is typed counts a key for each character."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.keys = 0

    def press(self, *keys: str) -> "Operator":
        """Keys by tmux's names: ``Enter``, ``Space``, ``x``."""
        self.keys += len(keys)
        self._terminal.press(*keys)
        return self

    def type(self, text: str) -> "Operator":
        """A text."""
        self.keys += len(text)
        self._terminal.write(text)
        return self

    def go(self, view: str) -> "Operator":
        """To a view."""
        return self.type(f":{view}").press("Enter")

    def find(self, text: str) -> "Operator":
        """Filters a list, or searches a text."""
        return self.type(f"/{text}").press("Enter")

    def see(self, *texts: str, seconds: float = SECONDS) -> str:
        """The screen, once all of the texts are on it."""
        deadline = time.monotonic() + seconds
        while not all(text in (screen := self._terminal.screen) for text in texts):
            assert time.monotonic() < deadline, f"waited to see {texts}:\n{screen}"
            time.sleep(0.05)
        return screen

    def miss(self, *texts: str, seconds: float = SECONDS) -> str:
        """The screen, once none of the texts is on it."""
        deadline = time.monotonic() + seconds
        while any(text in (screen := self._terminal.screen) for text in texts):
            assert time.monotonic() < deadline, f"waited to miss {texts}:\n{screen}"
            time.sleep(0.05)
        return screen


@contextmanager
def operating(terminal: Terminal, most: int) -> Iterator[Operator]:
    """The dashboard at home, for a task that may take so many keys; it is quit afterwards."""
    terminal.clear()
    before = len(terminal.codes)
    terminal.type("podium dashboard")
    operator = Operator(terminal)
    try:
        operator.see("● online", "Late and failed", "Pools  ")
        yield operator
        terminal.keep(f"{operator.keys} of {most} keys\n{terminal.screen}")
        assert operator.keys <= most, f"{operator.keys} keys instead of {most}"
    finally:
        terminal.press("C-q")
        ended = terminal.ended(before)
    assert ended == 0
