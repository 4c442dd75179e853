"""What a command works with: terminal, settings, profiles, and the way to the server, each made on first use."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from podium.cli.diagnostics import Diagnostics, ExitCode, Failure
from podium.cli.output import Format, Output, Style

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.profiles import Resolved, Settings
    from podium.profiles.store import ProfileStore

# Settings are loaded on use: help and completion read none, and what reads them takes a third of their time.

FormatOption = Annotated[
    Format,
    typer.Option("--output", "-o", metavar="FORMAT", help="How to print: table, json, jsonl, csv, yaml or name."),
]
ANSWERS = {"y": True, "yes": True, "n": False, "no": False}
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]


class Invocation:
    """One run of a command. `profile` is the one that `--profile` names, if any."""

    def __init__(self, profile: str | None = None) -> None:
        self.profile = profile
        self.diagnostics = Diagnostics()
        self._told: set[str] = set()

    @cached_property
    def output(self) -> Output:
        """Stdout."""
        return Output(self._style)

    def _style(self) -> Style:
        from podium.profiles import SettingsError

        # A wrong setting is no reason to hide the answer to `podium profile ls`.
        try:
            cli = self.resolved.settings.cli
        except SettingsError:
            return Style()
        return Style(cli.colors, cli.wrap_lines)

    @cached_property
    def resolved(self) -> "Resolved":
        """Every source of settings. Raises SettingsError."""
        from podium.profiles import resolve

        return resolve(profile=self.profile)

    @cached_property
    def settings(self) -> "Settings":
        """The settings; what was ignored is said on stderr. Raises SettingsError."""
        return self.settings_with({})

    def settings_with(self, flags: Mapping[str, Any]) -> "Settings":
        """The settings under a command's own options: paths of settings to values, None for those not given."""
        from podium.profiles import resolve

        resolved = resolve(flags, profile=self.profile) if flags else self.resolved
        for notice in resolved.notices:
            if notice not in self._told:
                self.diagnostics.warning(notice)
        self._told.update(resolved.notices)
        return resolved.settings

    @cached_property
    def store(self) -> "ProfileStore":
        """The profile file."""
        # Loaded on use: most commands only read the profile file.
        from podium.profiles.resolve import profiles_path
        from podium.profiles.store import ProfileStore

        return ProfileStore(profiles_path())

    @property
    def api_url(self) -> str:
        """The API to talk to: the one that is set, else the one a server on this machine would have."""
        return self.settings.api.url or self.settings.server.api.local_url()

    @cached_property
    def client(self) -> "Client":
        """The way to the server."""
        # Loaded on use: commands that stay on this machine need no HTTP.
        from podium.client.api import Client

        return Client.of(self.settings, self.api_url)

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer a question."""
        from podium.profiles import SettingsError

        with suppress(SettingsError):
            if self.resolved.value("cli.prompt") is False:
                return False
        return sys.stdin is not None and sys.stdin.isatty()

    def told(self, sentence: str, output: Format, **record: Any) -> None:
        """Say what was done: the sentence for people, the record for programs."""
        if output == "table":
            self.output.line(sentence)
        else:
            self.output.data(record, output)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone. Raises Failure when the answer is no or nobody is there."""
        if yes:
            return
        if not self.interactive:
            raise Failure(f"{question} There is no terminal to ask on; give --yes.", ExitCode.USAGE)
        if not self.asks(question):
            raise Failure("Nothing was done.")

    def asks(self, question: str, *, default: bool = False) -> bool:
        """The answer to a question; an empty one is the default. Raises typer.Abort where the terminal is closed."""
        # typer's own question writes to stdout, which is for data.
        stream = self.diagnostics.stream
        while True:
            stream.write(f"{question} {'[Y/n]' if default else '[y/N]'}: ")
            stream.flush()
            if not (line := sys.stdin.readline()):
                raise typer.Abort
            if (word := line.strip().lower()) in ANSWERS:
                return ANSWERS[word]
            if not word:
                return default
            self.diagnostics.note("Answer y or n.")

    def close(self) -> None:
        """Close what was opened."""
        if "client" in self.__dict__:
            self.client.close()


def current(context: typer.Context) -> Invocation:
    """The invocation a command belongs to."""
    return cast(Invocation, context.obj)
