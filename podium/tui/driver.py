"""The terminal as Textual drives it, but for the wait for keys.

Textual wakes up ten times a second to look whether it is to end, or an escape was only the begin of a key. That is most
of what a dashboard does that nobody touches.
"""

import os
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable
from contextlib import suppress
from select import select
from threading import Event
from typing import Any, Final

from textual._parser import ParseError  # private, as is the next: the version is pinned, and tests type keys
from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

UNSETTLED: Final = 3 * ESCAPE_DELAY
"""Seconds after the last input in which an escape may turn out to be a key of its own."""


class Ending(Event):
    """An event that a thread can wait for beside a file."""

    def __init__(self) -> None:
        super().__init__()
        self.reader, self._writer = os.pipe()

    def set(self) -> None:
        """Sets it, and ends the wait."""
        super().set()
        os.write(self._writer, b"\0")


class TerminalDriver(LinuxDriver):
    """Wakes up for keys when there are some."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ending = self.exit_event = Ending()

    def run_input_thread(self) -> None:
        """Passes on what is typed until the application ends, or leaves the terminal to somebody else."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")().decode
        last = time.monotonic()
        try:
            while not self._ending.is_set():
                wait = ESCAPE_DELAY if time.monotonic() - last < UNSETTLED else None
                ready, _, _ = select([self.fileno, self._ending.reader], [], [], wait)
                if self._ending.reader in ready:
                    os.read(self._ending.reader, 1)
                if self.fileno in ready:
                    last = time.monotonic()
                    given = os.read(self.fileno, 4096)
                    if not given:
                        return  # the terminal is gone
                    self._pass_on(parser.feed(decode(given)))
                self._pass_on(parser.tick())
        finally:
            with suppress(ParseError):
                list(parser.feed(""))

    def _pass_on(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)
