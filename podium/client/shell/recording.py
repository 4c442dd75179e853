"""Makes the flow run of a command that somebody starts by hand."""

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from podium.client.api import Client
from podium.client.shell.command import Command
from podium.wire import flow_runs, flows
from podium.wire.flow_runs import FlowRun, FlowRunPolicy


def make_run(
    client: Client,
    command: Command,
    *,
    flow: str | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
) -> FlowRun:
    """A run that is PENDING, of the flow named, else of one named as the command. Raises ClientError.

    What is run is noted in its job variables, without the environment.
    """
    owner = client.call(flows.CREATE, {"name": flow or command.name})
    body = {
        "flow_id": owner.id,
        "name": name,
        "state": {"type": "PENDING"},
        "tags": list(tags),
        "parameters": dict(parameters or {}),
        "empirical_policy": retry_policy(command),
        "job_variables": command.variables(with_env=False),
        "labels": {"podium.host": socket.gethostname()},
        "idempotency_key": str(uuid4()),
    }
    run: FlowRun = client.call(flow_runs.CREATE, body)
    client.call(flow_runs.UPDATE, {"infrastructure_pid": place()}, id=run.id)
    return run


def retry_policy(command: Command, policy: FlowRunPolicy | None = None) -> dict[str, Any]:
    """What a run's policy is with the retries of a command; anybody may run it again."""
    known = msgspec.to_builtins(policy) if policy is not None else {}
    return {**known, "retries": command.retries, "retry_delay": round(command.retry_delay), "retry_type": None}


def place() -> str:
    """Where the processes of this program are: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
