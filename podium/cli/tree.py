"""The command tree: built from the rows of `podium.cli.commands`, each module imported when it is called."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_command_from_info, get_group
from typer.models import CommandInfo

from podium import __version__
from podium.cli.commands import ROWS, Row
from podium.cli.context import Invocation
from podium.cli.diagnostics import Diagnostics, ExitCode, Failure
from podium.cli.output import Output
from podium.cli.parameters import lighten


class CommandTree(TyperGroup):
    """A group whose members are its own commands and the rows under its name.

    ``waiting`` are those of its own that nobody called yet: to build one takes as long as to import the others.
    """

    waiting: dict[str, CommandInfo] = {}  # noqa: RUF012  # each group that has some brings its own

    def invoke(self, ctx: Any) -> Any:
        """Run the member that was called. Ctrl+C becomes `typer.Abort`: typer itself would only exit."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None

    def rows(self, context: Any) -> dict[str, Row]:
        """The rows directly under this group, by their last word."""
        prefix = [*_path(context), ""]
        found = {}
        for row in ROWS:
            *parents, name = row.words.split()
            if [*parents, ""] == prefix and _exists(row.module):
                found[name] = row
        return found

    def aliases(self, context: Any) -> dict[str, str]:
        """The other words for the rows directly under this group, and what they stand for."""
        return {alias: name for name, row in self.rows(context).items() for alias in row.aliases}

    def list_commands(self, context: Any) -> list[str]:
        """The names of all members, in the order of help."""
        own = self.waiting or super().list_commands(context)
        return [*own, *self.rows(context)]

    def get_command(self, context: Any, name: str) -> Any:
        """The member of this name, imported if need be, or None."""
        if command := super().get_command(context, name):
            return command
        if info := self.waiting.get(name):
            self.commands[name] = command = _built(info)
            return command
        rows = self.rows(context)
        row = rows.get(name) or rows.get(self.aliases(context).get(name, ""))
        return _load(row) if row else None

    def parse_args(self, context: Any, arguments: list[str]) -> list[str]:
        """A group called without a command shows its help."""
        if not arguments and not self.invoke_without_command:
            arguments = ["--help"]
        return super().parse_args(context, arguments)

    def resolve_command(self, context: Any, arguments: list[str]) -> Any:
        """The member that is called; a mistyped name is told the right one."""
        name = arguments[0]
        if not name.startswith("-") and self.get_command(context, name) is None:
            from difflib import get_close_matches  # loaded on use: for mistakes alone

            similar = get_close_matches(name, self.list_commands(context), n=1)
            path = " ".join(["podium", *_path(context)])
            hint = f" Did you mean `{path} {similar[0]}`?" if similar else f" `{path} --help` lists them."
            raise Failure(f"There is no command `{path} {name}`.{hint}", ExitCode.USAGE)
        return super().resolve_command(context, arguments)

    def format_commands(self, context: Any, formatter: Any) -> None:
        """List the members in help, without importing those of the rows."""
        rows = self.rows(context)
        own = [(name, summary_of(info)) for name, info in self.waiting.items() if not info.hidden]
        sections = {"Commands": own} if own else {}
        for name, row in rows.items():
            sections.setdefault(row.section, []).append((name, row.help))
        width = max((len(name) for lines in sections.values() for name, _ in lines), default=0)
        for title, lines in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in lines])


def group(
    summary: str,
    callback: Callable[..., Any] | None = None,
    epilog: str | None = None,
    *,
    alone: bool = False,
) -> typer.Typer:
    """A command group for a row of the table; with ``alone`` it is a command too, done by its callback."""
    return typer.Typer(
        cls=CommandTree,
        help=summary,
        callback=callback,
        epilog=epilog,
        invoke_without_command=alone,
        rich_markup_mode=None,
        add_completion=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; no exception comes out."""
    diagnostics = Diagnostics()
    invocation = Invocation()
    with suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what is written is a file
    try:
        command = root_command()
        code = command.main(list(arguments), prog_name="podium", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
    except typer.TyperException as error:
        diagnostics.error(f"{error.format_message()} {_hint(error)}")
        return int(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return diagnostics.report(KeyboardInterrupt())
    except BrokenPipeError:
        # The reader has seen enough; Python would complain about stdout once more at its exit.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # open until the process ends
        return ExitCode.FAILURE
    except Exception as error:
        return diagnostics.report(error)
    finally:
        invocation.close()
    return code if isinstance(code, int) else ExitCode.OK


def root_command() -> Any:
    """The whole tree, as far as it is called."""
    codes = ", ".join(f"{int(code)} {code.name.lower().replace('_', ' ')}" for code in ExitCode)
    epilog = f"Exit codes: {codes}; `podium help exit-codes` says more."
    command = get_command(
        group("Podium runs Prefect flows: the server, and the commands around it.", _global_options, epilog)
    )
    lighten(command)
    return command


def _show_version(asked: bool) -> None:
    if asked:
        Output().line(__version__)
        raise typer.Exit


def _global_options(
    context: typer.Context,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Use the settings of this profile.")] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    invocation: Invocation = context.obj
    invocation.profile = profile


def _hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path} --help` shows how." if context else ""


def _path(context: Any) -> list[str]:
    """The names of the groups above the members of this one, whatever they were called by, without the program's."""
    names: list[str] = []
    step = context
    while step is not None and step.parent is not None:
        names.insert(0, step.command.name)
        step = step.parent
    return names


@cache
def _exists(module: str) -> bool:
    return module in sys.modules or importlib.util.find_spec(module) is not None


def _load(row: Row) -> Any:
    app: typer.Typer = importlib.import_module(row.module).app
    if app.info.cls is not CommandTree:
        command = get_command(app)
    else:
        waiting = {str(info.name): info for info in app.registered_commands}
        info = app.info
        alone = info.invoke_without_command is True
        epilog = info.epilog if alone else None
        command = cast(CommandTree, get_group(group(str(info.help), info.callback, epilog, alone=alone)))
        command.waiting = waiting
    command.name = row.words.split()[-1]
    lighten(command)
    return command


def _built(info: CommandInfo) -> Any:
    command = get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)
    lighten(command)
    return command


def summary_of(info: CommandInfo) -> str:
    """The first sentence of a command's help."""
    text = (info.callback.__doc__ or "").strip().partition("\n")[0]
    first, dot, _ = text.partition(". ")
    return first.removesuffix(".") + "." if dot or text else text
