"""Completion in a shell: commands from the table, options from their declarations, names from the server.

A shell calls ``podium __complete WORD… INCOMPLETE`` and gets a line for each choice: the word, a tab, what it means.
The exit code is `FILES` where the name of a file may stand, so that the shell completes it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

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
    from podium.cli.tree import root_command

    *before, incomplete = words or [""]
    command = root_command()
    context = command.make_context("podium", [], resilient_parsing=True)
    rest = list(before)
    while hasattr(command, "rows"):
        after = _past_options(command, context, rest)
        if after is None:
            yield from ((name, "") for name in live_names(context, "profile", incomplete))
            return
        rest = after
        if not rest:
            yield from _members(command, context, incomplete)
            return
        member = command.get_command(context, rest[0])
        if member is None:
            return
        context = member.make_context(rest[0], [], parent=context, resilient_parsing=True)
        command, rest = member, rest[1:]
    yield from _parameters(command, context, rest, incomplete)


def _past_options(command: Any, context: Any, words: list[str]) -> list[str] | None:
    """The words from the first that is no option of a group on; None inside the value of an option."""
    options = _options(command)
    while words and words[0].startswith("-"):
        option = options.get(words[0].partition("=")[0])
        if option is None or option.is_flag or "=" in words[0]:
            words = words[1:]
            continue
        if len(words) < 2:
            return None
        if option.name == "profile":
            context.params["profile"] = words[1]
        words = words[2:]
    return words


def _options(command: Any) -> dict[str, Any]:
    return {name: param for param in command.params for name in (*param.opts, *param.secondary_opts)}


def _members(command: Any, context: Any, incomplete: str) -> Iterator[tuple[str, str]]:
    from podium.cli.tree import summary_of

    if incomplete.startswith("-"):
        yield from _option_names(command, incomplete)
        return
    lines = {name: row.help for name, row in command.rows(context).items()}
    lines |= {name: summary_of(info) for name, info in command.waiting.items() if not info.hidden}
    for name, about in lines.items():
        if name.startswith(incomplete):
            yield name, about


def _option_names(command: Any, incomplete: str) -> Iterator[tuple[str, str]]:
    for param in command.params:
        if param.param_type_name == "option" and not param.hidden:
            for name in (*param.opts, *param.secondary_opts):
                if name.startswith(incomplete) and (name.startswith("--") or incomplete == "-"):
                    yield name, " ".join((param.help or "").split())


def _parameters(command: Any, context: Any, words: list[str], incomplete: str) -> Iterator[tuple[str, str]]:
    """What fits after these words: the value of an option, an option, or an argument."""
    options = _options(command)
    positions, at = 0, 0
    while at < len(words):
        option = options.get(words[at].partition("=")[0]) if words[at].startswith("-") else None
        if option is None:
            positions += not words[at].startswith("-") or words[at] == "-"
        elif not option.is_flag and "=" not in words[at]:
            at += 1
            if at == len(words):
                yield from _values(option, context, incomplete)
                return
        at += 1
    name, equals, value = incomplete.partition("=")
    if equals and name in options:
        yield from ((f"{name}={word}", about) for word, about in _values(options[name], context, value))
    elif incomplete.startswith("-"):
        yield from _option_names(command, incomplete)
    else:
        arguments = [param for param in command.params if param.param_type_name == "argument"]
        for number, argument in enumerate(arguments):
            if number == positions or (number < positions and argument.nargs == -1):
                yield from _values(argument, context, incomplete)
                return


def _values(param: Any, context: Any, incomplete: str) -> Iterator[tuple[str, str]]:
    if param.name == "output" and param.param_type_name == "option":
        from typing import get_args

        from podium.cli.output import Format

        yield from ((word, "") for word in get_args(Format) if word.startswith(incomplete))
        return
    if not (param._custom_shell_complete or param.type_descriptor.is_choice):
        raise NoWords
    for item in param.shell_complete(context, incomplete):
        yield str(item.value), item.help or ""


def live_names(context: Any, noun: str, incomplete: str) -> list[str]:
    """The names of a noun that begin like this."""
    if noun in ("state", "state-type"):
        words = STATE_TYPES if noun == "state-type" else STATES
        words = words if incomplete[:1].isupper() else tuple(each.lower() for each in words)
        return [word for word in words if word.startswith(incomplete)]
    try:
        if noun in LOCAL:
            return [word for word in LOCAL[noun]() if word.startswith(incomplete)]
        return _asked(context, noun, incomplete)
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


def _asked(context: Any, noun: str, incomplete: str) -> list[str]:
    from podium.cli.context import Invocation
    from podium.client.api import Client
    from podium.client.nouns.noun import endpoint, joined, merged
    from podium.client.nouns.registry import noun_of

    invocation = Invocation(context.find_root().params.get("profile"))
    settings = invocation.resolved.settings
    row = noun_of(noun)
    sort = row.sorts.get("started") or next(iter(row.sorts.values()), None)
    body = dict(row.body) | ({"sort": sort} if sort else {})
    url = settings.api.url or settings.server.api.local_url()
    with Client.of(settings, url, timeout=SECONDS, patient=False) as client:
        most = MOST if row.key == "id" else MOST_WITHOUT_FILTER
        named = next((each.where for each in row.filters if each.key == "name"), None)
        # A name of two parts, as of deployments, is not what the filter looks at.
        if callable(named) and incomplete and "name" in (row.label, row.key):
            body, most = merged(body, named(client, incomplete)), MOST
        found = list(row.rows(client, body, most) if row.rows else client.pages(endpoint(row.list), body, most))
        names = {} if row.label else joined(client, row, found)
    told = [row.told(each, names) for each in found]
    return list(dict.fromkeys(name for name in told if name.startswith(incomplete)))[:MOST]
