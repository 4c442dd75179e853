"""What completion knows of the commands: their members, options and arguments.

It takes longer to build a command than a shell should wait, so what was once read of one is kept in a file of the
user's cache, until a file of the commands changes.
"""

import json
import os
import tempfile
from binascii import crc32
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from podium import __version__

NOUN: Final = "noun:"
"""Before the name of a noun whose names stand for a value."""
_PLACES: Final = ("cli", "cli/groups", "client/nouns")


class Option(NamedTuple):
    """An option: what it is called, and what its value may be, as for an `Argument`."""

    names: list[str]
    help: str
    takes_value: bool
    hidden: bool
    values: list[str] | str | None

    @property
    def is_profile(self) -> bool:
        """Whether it chooses the profile."""
        return self.values == f"{NOUN}profile"


class Argument(NamedTuple):
    """An argument: words to choose from, a noun after `NOUN`, or None for anything, a file's name too."""

    several: bool
    values: list[str] | str | None


class Command(NamedTuple):
    """A command, or a group: ``members`` are what each of its words means, ``aliases`` other words for them."""

    options: list[Option]
    arguments: list[Argument]
    members: dict[str, str] | None = None
    aliases: Mapping[str, str] = {}

    @classmethod
    def read(cls, kept: Sequence[Any]) -> "Command":
        """One that was written as JSON."""
        options, arguments, members, aliases = kept
        return cls([Option(*each) for each in options], [Argument(*each) for each in arguments], members, aliases)

    def option(self, word: str) -> Option | None:
        """The option that a word is, with or without a value behind an equals sign."""
        name = word.partition("=")[0]
        return next((each for each in self.options if name in each.names), None)


class Words:
    """The commands by the words that call them, each read when it is asked for."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or _file()
        self._kept = self._read()
        self._root: Any = None
        self._is_new = False

    def at(self, path: Sequence[str]) -> Command | None:
        """The command that these words call, aliases apart."""
        key = " ".join(path)
        if key not in self._kept["commands"]:
            command = self._built(path)
            if command is None:
                return None
            self._kept["commands"][key] = command
            self._is_new = True
        return Command.read(self._kept["commands"][key])

    def keep(self) -> None:
        """Writes down what was read of commands, if anything; a place that cannot be written to is left alone."""
        if not self._is_new:
            return
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=self._file.parent)
            with os.fdopen(number, "w", encoding="utf-8") as file:
                json.dump(self._kept, file)
            Path(name).replace(self._file)

    def _read(self) -> dict[str, Any]:
        stamp = _stamp()
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._file.read_text("utf-8"))
            if kept["stamp"] == stamp and isinstance(kept["commands"], dict):
                return dict(kept)
        return {"stamp": stamp, "commands": {}}

    def _built(self, path: Sequence[str]) -> Command | None:
        from podium.cli.tree import root_command

        command = self._root = self._root or root_command()
        context = command.make_context("podium", [], resilient_parsing=True)
        for name in path:
            command = command.get_command(context, name) if hasattr(command, "rows") else None
            if command is None:
                return None
            context = command.make_context(name, [], parent=context, resilient_parsing=True)
        return _recorded(command, context)


def _recorded(command: Any, context: Any) -> Command:
    """What there is to know of a command that was built."""
    options = [
        Option(
            [*param.opts, *param.secondary_opts],
            " ".join((param.help or "").split()),
            not param.is_flag,
            bool(param.hidden),
            _values(param, context),
        )
        for param in command.params
        if param.param_type_name == "option"
    ]
    arguments = [
        Argument(param.nargs == -1, _values(param, context))
        for param in command.params
        if param.param_type_name == "argument"
    ]
    if not hasattr(command, "rows"):
        return Command(options, arguments)
    from podium.cli.tree import summary_of

    members = {name: row.help for name, row in command.rows(context).items()}
    members |= {name: summary_of(info) for name, info in command.waiting.items() if not info.hidden}
    return Command(options, arguments, members, command.aliases(context))


def _values(param: Any, context: Any) -> list[str] | str | None:
    if param.type_descriptor.annotation is bool:
        return []
    if param.name == "profile" and context.parent is None:
        return f"{NOUN}profile"
    if not (param._custom_shell_complete or param.type_descriptor.is_choice):
        return None
    words = [str(item.value) for item in param.shell_complete(context, "")]
    return words[0] if len(words) == 1 and words[0].startswith(NOUN) else words


def _file() -> Path:
    """Where they are kept: by each installation for itself."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    here = Path(__file__).parent
    return Path(cache) / "podium" / f"words-{crc32(os.fsencode(here)):08x}.json"


def _stamp() -> str:
    """What changes with the files of the commands."""
    package = Path(__file__).parents[1]
    number, newest = 0, 0
    for place in _PLACES:
        with os.scandir(package / place) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    number += 1
                    newest = max(newest, entry.stat().st_mtime_ns)
    return f"{__version__} {number} {newest}"
