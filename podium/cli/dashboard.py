"""Opening the dashboard in this terminal; apart from its command, since `podium dashboard` alone needs no typer."""

import gc
import os
import sys
from typing import Final

from podium.cli.diagnostics import ExitCode, Failure

FIRST_VIEW: Final = "home"


def open_dashboard(profile: str | None = None, view: str = FIRST_VIEW, *, read_only: bool = False) -> None:
    """Shows it until it is left. Raises Failure without a terminal or such a view, and SettingsError."""
    if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failure(
            "The dashboard needs a terminal; `podium flow-run ls` and others write to a pipe.", ExitCode.USAGE
        )
    gc.disable()  # what is loaded until the first frame stays: to look through it takes a tenth of that time
    try:
        _run(profile, view, read_only=read_only)
    finally:
        gc.enable()


def _run(profile: str | None, view: str, *, read_only: bool) -> None:
    from podium.tui.app import Dashboard
    from podium.tui.connection import target_of
    from podium.tui.views import view_named

    if view_named(view.partition(" ")[0]) is None:
        raise Failure(f"There is no view {view!r}; `podium dashboard` and `?` in it list them.", ExitCode.USAGE)
    target_of(profile)  # a wrong setting is told before the screen is taken
    Dashboard(target_of, profile, read_only=read_only, view=view, when_painted=_collect_from_now_on).run()


def _collect_from_now_on() -> None:
    gc.freeze()
    gc.enable()
