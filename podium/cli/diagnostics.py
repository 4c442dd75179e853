"""What commands say on stderr; nothing else writes there. And what the exit code of a failure is."""

import os
import sys
import traceback
from enum import IntEnum
from typing import Final, TextIO

from podium.client.nouns.printing import printable


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    AUTHORIZATION = 4
    TIMEOUT = 5
    CONFLICT = 6
    DRIFT = 7
    INTERRUPTED = 130


MEANINGS: Final = {
    ExitCode.OK: "Done. For what was watched or waited for: it ended well.",
    ExitCode.FAILURE: "Not done, or not all of it; the run that was watched failed; no server answers.",
    ExitCode.USAGE: "The command line, a setting or a value is wrong.",
    ExitCode.NOT_FOUND: "There is no such thing.",
    ExitCode.AUTHORIZATION: "The credentials are missing or wrong, or do not allow it.",
    ExitCode.TIMEOUT: "It did not happen in time.",
    ExitCode.CONFLICT: "It exists already, or its state does not allow it.",
    ExitCode.DRIFT: "What is there differs from the files, with `--dry-run` of `apply` and `import`.",
    ExitCode.INTERRUPTED: "Somebody pressed Ctrl+C.",
}
"""What each code says; the table of docs/cli.md and of `podium help exit-codes`."""


class Failure(Exception):
    """A command cannot do what was asked: the line to show and the exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILURE) -> None:
        super().__init__(message)
        self.code = code


CODES: Final[dict[str, ExitCode]] = {
    "podium.profiles.errors.SettingsError": ExitCode.USAGE,
    "podium.profiles.errors.WrongProfile": ExitCode.USAGE,
    "podium.profiles.errors.ProfileNotFound": ExitCode.NOT_FOUND,
    "podium.profiles.errors.ProfileExists": ExitCode.CONFLICT,
    "podium.profiles.errors.NotWritable": ExitCode.FAILURE,
    "podium.profiles.errors.StoreBusy": ExitCode.FAILURE,
    "podium.client.nouns.selecting.WrongFilter": ExitCode.USAGE,
    "podium.client.errors.ClientError": ExitCode.FAILURE,
    "podium.client.errors.NotAuthorized": ExitCode.AUTHORIZATION,
    "podium.client.errors.NotFound": ExitCode.NOT_FOUND,
    "podium.client.errors.Conflict": ExitCode.CONFLICT,
    "podium.client.errors.Invalid": ExitCode.USAGE,
    "podium.db.errors.DatabaseError": ExitCode.FAILURE,
    "podium.db.errors.AuthenticationFailed": ExitCode.AUTHORIZATION,
    "podium.db.errors.UnsupportedDatabase": ExitCode.USAGE,
    "podium.db.errors.UnknownRevision": ExitCode.USAGE,
    "podium.db.errors.BackupExists": ExitCode.CONFLICT,
    "podium.db.errors.DatabaseNotEmpty": ExitCode.CONFLICT,
    "podium.db.errors.DatabaseInUse": ExitCode.CONFLICT,
    "builtins.OSError": ExitCode.FAILURE,
    "builtins.TimeoutError": ExitCode.TIMEOUT,
}
"""The exit code of each expected error, by name: naming a class costs nothing, importing it may cost the database."""


class Diagnostics:
    """Writes to stderr, one line at a time."""

    @property
    def stream(self) -> TextIO:
        """The stderr of this moment."""
        return sys.stderr

    def error(self, text: str) -> None:
        """Say why a command failed."""
        self._line("Error: ", text)

    def warning(self, text: str) -> None:
        """Say what is probably not meant."""
        self._line("Warning: ", text)

    def note(self, text: str) -> None:
        """Say what is going on."""
        self._line("", text)

    def _line(self, label: str, text: str) -> None:
        # Loaded on use: a command that has nothing to say of itself needs no settings.
        from podium.profiles.masking import mask_url

        self.stream.write(f"{label}{printable(mask_url(' '.join(text.split())))}\n")

    def report(self, error: BaseException) -> ExitCode:
        """Say what happened, in one line, and return the exit code for it."""
        if isinstance(error, KeyboardInterrupt):
            if self.stream.isatty():
                self.stream.write("\n")  # the terminal shows ^C, and leaves the prompt of the shell beside it
            return ExitCode.INTERRUPTED
        code = error.code if isinstance(error, Failure) else code_of(error)
        if code is not None:
            self.error(str(error) or type(error).__name__)
            return code
        self.error(f"{type(error).__name__}: {error} (PODIUM_DEBUG_MODE=1 shows where it comes from)")
        if os.environ.get("PODIUM_DEBUG_MODE", "").lower() in {"1", "true", "yes", "on"}:
            self.stream.write(mask_lines("".join(traceback.format_exception(error))))
        return ExitCode.FAILURE


def code_of(error: BaseException) -> ExitCode | None:
    """The exit code of an expected error; None for one that nobody expected."""
    for kind in type(error).__mro__:
        if code := CODES.get(f"{kind.__module__}.{kind.__qualname__}"):
            return code
    return None


def mask_lines(text: str) -> str:
    """The text with the credentials inside the URLs of each line hidden."""
    from podium.profiles.masking import mask_url

    return "".join(map(mask_url, text.splitlines(keepends=True)))
