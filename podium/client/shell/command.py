"""A command to run, as it stands in the job variables of a run or a deployment."""

from collections.abc import Mapping
from typing import Any

import msgspec

GRACE = 10.0
"""Seconds between asking a process to end and killing it."""


class BadCommand(ValueError):
    """The job variables of a run do not say what to run."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, and how; times are in seconds, ``timeout`` is that of each try.

    ``argv`` is started as it is, without a shell. ``env`` is added to the environment of who starts it.
    """

    argv: tuple[str, ...]
    env: dict[str, str] = {}
    cwd: str | None = None
    timeout: float | None = None
    retries: int = 0
    retry_delay: float = 0.0
    grace: float = GRACE

    @property
    def name(self) -> str:
        """What it is called: the file that is run, without its folder."""
        return self.argv[0].rstrip("/").rpartition("/")[2] or "command"

    def variables(self, *, with_env: bool = True) -> dict[str, Any]:
        """The job variables that say all this; only what differs from the usual."""
        usual = Command(argv=self.argv)
        said = {name: getattr(self, name) for name in self.__struct_fields__[1:]}
        kept = {name: value for name, value in said.items() if value != getattr(usual, name)}
        if not with_env:
            kept.pop("env", None)
        return {"command": list(self.argv), **kept}


class _Variables(msgspec.Struct):
    command: list[str] | str
    env: dict[str, str | None] | None = None
    cwd: str | None = None
    timeout: float | None = None
    retries: int | None = None
    retry_delay: float | None = None
    grace: float | None = None


def command_of(variables: Mapping[str, Any]) -> Command:
    """The command that job variables say; a text is for ``/bin/sh``. Raises BadCommand."""
    try:
        said = msgspec.convert(dict(variables), _Variables)
    except msgspec.ValidationError as error:
        raise BadCommand(f"the job variables do not say what to run: {error}") from None
    argv = ("/bin/sh", "-c", said.command) if isinstance(said.command, str) else tuple(said.command)
    if not argv or not argv[0]:
        raise BadCommand("the job variables do not say what to run: `command` is empty")
    return Command(
        argv=argv,
        env={name: value for name, value in (said.env or {}).items() if value is not None},
        cwd=said.cwd or None,
        timeout=said.timeout or None,
        retries=said.retries or 0,
        retry_delay=said.retry_delay or 0.0,
        grace=GRACE if said.grace is None else said.grace,
    )
