"""Completion in a shell: commands from the table, options from their declarations, names from the server.

A shell calls ``podium __complete WORD… INCOMPLETE`` and gets a line for each choice: the word, a tab, what it means.
The exit code is `FILES` where the name of a file may stand, so that the shell completes it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from podium.cli.words import NOUN, Command, Words
from podium.client.nouns.values import STATE_NAMES, STATE_TYPES

SECONDS = 0.8
"""How long a shell may wait; a server that takes longer completes nothing."""
MOST = 100
MOST_WITHOUT_FILTER = 1000
"""Things that are looked through where the server does not look for names by their beginning."""
FILES = 1

STATES = (*(each.capitalize() for each in STATE_TYPES), "Late", "Suspended", "Retrying", *STATE_NAMES)


class NoWords(Exception):
    """There are no words to choose from: it may be the name of a file."""


def complete(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What the last word of a command line may become, and what each means. Raises NoWords."""
    *before, incomplete = words or [""]
    known = Words()
    try:
        yield from _Line(known, before).choices(incomplete)
    finally:
        known.keep()


class _Line:
    """The words before the one that is completed."""

    def __init__(self, known: Words, words: list[str]) -> None:
        self._known = known
        self._rest = list(words)
        self._profile: str | None = None

    def choices(self, incomplete: str) -> Iterator[tuple[str, str]]:
        """What may follow."""
        path: list[str] = []
        command = self._known.at(path)
        while command is not None and command.members is not None:
            if not self._past_options(command):
                yield from self._values(f"{NOUN}profile", incomplete)
                return
            if not self._rest:
                yield from _members(command, incomplete)
                return
            word = self._rest.pop(0)
            path.append(command.aliases.get(word, word))
            command = self._known.at(path)
        if command is not None:
            yield from self._parameters(command, incomplete)

    def _past_options(self, command: Command) -> bool:
        """Goes to the first word that is no option of a group; False inside the value of an option."""
        while self._rest and self._rest[0].startswith("-"):
            word = self._rest.pop(0)
            option = command.option(word)
            if option is None or not option.takes_value or "=" in word:
                continue
            if not self._rest:
                return False
            value = self._rest.pop(0)
            if option.is_profile:
                self._profile = value
        return True

    def _parameters(self, command: Command, incomplete: str) -> Iterator[tuple[str, str]]:
        """The value of an option, an option, or an argument."""
        positions, rest = 0, iter(self._rest)
        for word in rest:
            option = command.option(word) if word.startswith("-") else None
            if option is None:
                positions += not word.startswith("-") or word == "-"
            elif option.takes_value and "=" not in word and next(rest, None) is None:
                yield from self._values(option.values, incomplete)
                return
        name, equals, value = incomplete.partition("=")
        option = command.option(name)
        if equals and option:
            yield from ((f"{name}={word}", about) for word, about in self._values(option.values, value))
        elif incomplete.startswith("-"):
            yield from _option_names(command, incomplete)
        else:
            for number, argument in enumerate(command.arguments):
                if number == positions or (number < positions and argument.several):
                    yield from self._values(argument.values, incomplete)
                    return

    def _values(self, values: list[str] | str | None, incomplete: str) -> Iterator[tuple[str, str]]:
        if values is None:
            raise NoWords
        if isinstance(values, str):
            words = live_names(values.removeprefix(NOUN), incomplete, self._profile)
        else:
            words = [word for word in values if word.startswith(incomplete)]
        yield from ((word, "") for word in words)


def _members(command: Command, incomplete: str) -> Iterator[tuple[str, str]]:
    if incomplete.startswith("-"):
        yield from _option_names(command, incomplete)
        return
    for name, about in (command.members or {}).items():
        if name.startswith(incomplete):
            yield name, about


def _option_names(command: Command, incomplete: str) -> Iterator[tuple[str, str]]:
    for option in command.options:
        for name in () if option.hidden else option.names:
            if name.startswith(incomplete) and (name.startswith("--") or incomplete == "-"):
                yield name, option.help


def live_names(noun: str, incomplete: str, profile: str | None = None) -> list[str]:
    """The names of a noun that begin like this."""
    if noun in ("state", "state-type"):
        words = STATE_TYPES if noun == "state-type" else STATES
        words = words if incomplete[:1].isupper() else tuple(each.lower() for each in words)
        return [word for word in words if word.startswith(incomplete)]
    try:
        if noun in LOCAL:
            return [word for word in LOCAL[noun]() if word.startswith(incomplete)]
        return _asked(noun, incomplete, profile)
    except Exception:  # a shell shows nothing of what went wrong, and nobody asked
        return []


def _profiles() -> list[str]:
    from podium.profiles.profile_file import read_profiles
    from podium.profiles.resolve import profiles_path

    return list(read_profiles(profiles_path()).names())


def _settings() -> list[str]:
    from podium.profiles.registry import SETTINGS

    return [each.name for each in SETTINGS.values()]


def _assignments() -> list[str]:
    return [f"{name}=" for name in _settings()]


LOCAL = {"profile": _profiles, "setting": _settings, "assignment": _assignments}
"""What is not on the server."""


def _asked(noun: str, incomplete: str, profile: str | None) -> list[str]:
    from podium.client.nouns.registry import noun_of
    from podium.client.quick import OutOfTheOrdinary, Quick
    from podium.profiles import resolve

    settings = resolve(profile=profile).settings
    url = settings.api.url or settings.server.api.local_url()
    row = noun_of(noun)
    try:
        told = _told(Quick.of(settings, url, SECONDS), row, incomplete)
    except OutOfTheOrdinary:
        from podium.client.api import Client

        with Client.of(settings, url, timeout=SECONDS, patient=False) as client:
            told = _told(client, row, incomplete)
    return list(dict.fromkeys(name for name in told if name.startswith(incomplete)))[:MOST]


def _told(client: Any, row: Any, incomplete: str) -> list[str]:
    """What the things of a noun are called, of which a server has said that they may fit."""
    from podium.client.nouns.noun import endpoint, joined, merged

    sort = row.sorts.get("started") or next(iter(row.sorts.values()), None)
    body: dict[str, Any] = dict(row.body) | ({"sort": sort} if sort else {})
    most = MOST if row.key == "id" else MOST_WITHOUT_FILTER
    named = next((each.where for each in row.filters if each.key == "name"), None)
    # A name of two parts, as of deployments, is not what the filter looks at.
    if callable(named) and incomplete and "name" in (row.label, row.key):
        body, most = merged(body, named(client, incomplete)), MOST
    found = list(row.rows(client, body, most) if row.rows else client.pages(endpoint(row.list), body, most))
    names = {} if row.label else joined(client, row, found)
    return [row.told(each, names) for each in found]
