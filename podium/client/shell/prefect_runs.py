"""Runs of Prefect deployments: each is a process of the `prefect` that is here, which tells the server of it."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from podium.client.shell.command import Command
from podium.profiles import Settings

MISSING = (
    "the run is of a Prefect deployment, and where the worker runs there is no `prefect`; install it beside Podium, "
    "or name its program with --prefect"
)


def find_prefect(given: str | None = None) -> tuple[str, ...] | None:
    """What starts `prefect` here; None where there is none. ``given`` is the path of its program."""
    if given is not None:
        found = shutil.which(given)
        return (found,) if found else None
    if importlib.util.find_spec("prefect") is not None:
        return (sys.executable, "-m", "prefect")
    found = shutil.which("prefect")
    return (found,) if found else None


def command_for(
    prefect: tuple[str, ...], run_id: str, variables: Mapping[str, Any], settings: Settings, url: str
) -> Command:
    """The command that runs a run, as the `prefect` worker would."""
    own = {
        "PREFECT_API_URL": url,
        "PREFECT__FLOW_RUN_ID": run_id,
        # So that a run whose process dies is known to be over.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": os.environ.get("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30"),
    }
    if settings.api.auth_string:
        own["PREFECT_API_AUTH_STRING"] = settings.api.auth_string
    if settings.api.key:
        own["PREFECT_API_KEY"] = settings.api.key
    given = variables.get("env") or {}
    env = {str(name): str(value) for name, value in given.items() if value is not None}
    folder = variables.get("working_dir") or variables.get("cwd")
    return Command(
        argv=(*prefect, "flow-run", "execute", run_id), env={**own, **env}, cwd=str(folder) if folder else None
    )
