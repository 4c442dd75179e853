"""The command tree, walked from the root."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from podium.cli.tree import root_command


class Leaf(NamedTuple):
    """A command: the words that call it, and itself."""

    words: tuple[str, ...]
    command: Any

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def options(self) -> set[str]:
        """Every option it takes, short ones too."""
        return {name for param in self.command.params for name in (*param.opts, *param.secondary_opts)}


def leaves() -> Iterator[Leaf]:
    """Every command that does something."""
    root = root_command()
    yield from _below(root, root.make_context("podium", [], resilient_parsing=True), ())


def _below(command: Any, context: Any, words: tuple[str, ...]) -> Iterator[Leaf]:
    if not hasattr(command, "rows"):
        yield Leaf(words, command)
        return
    for name in command.list_commands(context):
        member = command.get_command(context, name)
        inner = member.make_context(name, [], parent=context, resilient_parsing=True)
        yield from _below(member, inner, (*words, name))


def find(words: str) -> Any:
    """The command or group that these words call, aliases too; None for none."""
    command = root_command()
    context = command.make_context("podium", [], resilient_parsing=True)
    for word in words.split():
        member = command.get_command(context, word) if hasattr(command, "rows") else None
        if member is None:
            return None
        context = member.make_context(word, [], parent=context, resilient_parsing=True)
        command = member
    return command
