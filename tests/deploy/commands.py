"""Whether a command line and a setting, as a file of deploy/ has them, are ones that Podium knows."""

from collections.abc import Iterable, Sequence
from typing import Any

from podium.cli.context import Invocation
from podium.cli.tree import root_command
from podium.profiles import registry


def parse(arguments: Sequence[str]) -> str:
    """The command that a command line calls, parsed and not run; raises what a wrong one raises."""
    command: Any = root_command()
    rest, words, context = list(arguments), ["podium"], None
    while True:
        name = words[-1]
        context = command.make_context(name, rest, parent=context, obj=Invocation())
        if not hasattr(command, "resolve_command"):
            return " ".join(words)
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        words.append(name)


def unknown_settings(names: Iterable[str]) -> list[str]:
    """Those that say PODIUM_ and are none; the home is where settings are looked for, and not one itself."""
    return [name for name in names if name.startswith("PODIUM_") and name != "PODIUM_HOME" and not registry.find(name)]
