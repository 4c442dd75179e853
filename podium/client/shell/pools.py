"""Work pools for commands, and deployments that run one on a schedule."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from podium.client.api import Client
from podium.client.errors import ClientError, Conflict, NotFound
from podium.client.shell.command import GRACE, Command
from podium.wire import deployments, flows, work_pools
from podium.wire.deployments import Deployment
from podium.wire.work_pools import WorkPool

TYPE = "podium"
"""The type of pools whose runs `podium worker` runs; those of the `prefect` client leave it alone."""
PREFECT_TYPE = "process"
"""The pools of others that it can serve, where `prefect` is."""


class WrongPool(ClientError):
    """The pool is there for workers of another kind."""


def _variable(kind: Any, title: str, text: str, **more: Any) -> dict[str, Any]:
    return {**kind, "title": title, "description": text, **more}


_NUMBER = {"type": "number", "minimum": 0}
_MAYBE = {"anyOf": [_NUMBER, {"type": "null"}]}
VARIABLES: dict[str, dict[str, Any]] = {
    "command": _variable(
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}, {"type": "null"}]},
        "Command",
        "What to run: a list of words is started as it is, a text by /bin/sh. "
        "Runs without a command are those of Prefect deployments.",
        default=None,
    ),
    "env": _variable(
        {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "Environment",
        "Variables added to the environment of the worker.",
        default={},
    ),
    "cwd": _variable(
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "Folder",
        "The folder to run in, on the machine of the worker; else that of the worker.",
        default=None,
    ),
    "timeout": _variable(_MAYBE, "Time-out", "Seconds after which a try is stopped.", default=None),
    "retries": _variable({"type": "integer", "minimum": 0}, "Retries", "How often to try again.", default=0),
    "retry_delay": _variable(_NUMBER, "Delay", "Seconds before each further try.", default=0),
    "grace": _variable(_NUMBER, "Grace", "Seconds between asking it to end and killing it.", default=GRACE),
}
TEMPLATE: dict[str, Any] = {
    "job_configuration": {name: f"{{{{ {name} }}}}" for name in VARIABLES},
    "variables": {"type": "object", "properties": VARIABLES},
}


def ensure_pool(client: Client, name: str) -> tuple[WorkPool, bool]:
    """The pool of this name, made for commands where there is none; whether it was made. Raises ClientError."""
    try:
        return client.call(work_pools.READ, name=name), False
    except NotFound:
        pass
    body = {
        "name": name,
        "type": TYPE,
        "description": "Commands, run by `podium worker`.",
        "base_job_template": TEMPLATE,
    }
    try:
        return client.call(work_pools.CREATE, body), True
    except Conflict:
        return client.call(work_pools.READ, name=name), False


def check_runs_commands(pool: WorkPool) -> None:
    """Raises WrongPool for a pool whose workers run no commands."""
    if pool.type != TYPE:
        raise WrongPool(f"work pool {pool.name!r} is of type {pool.type!r}, whose workers run no commands")


class Plan(NamedTuple):
    """What a schedule is, besides its command and its rule. ``when_full`` is what becomes of a run beyond ``limit``."""

    name: str
    pool: str
    flow: str
    queue: str | None = None
    tags: Sequence[str] = ()
    parameters: Mapping[str, Any] = {}
    limit: int | None = None
    when_full: str = "ENQUEUE"
    description: str | None = None
    paused: bool = False


def make_deployment(client: Client, command: Command, rule: Mapping[str, Any] | None, plan: Plan) -> Deployment:
    """A deployment of a command, or the one of its name changed to this, on a pool made on demand.

    ``rule`` is its schedule; None for none. Raises WrongPool and other errors of clients.
    """
    check_runs_commands(ensure_pool(client, plan.pool)[0])
    owner = client.call(flows.CREATE, {"name": plan.flow})
    body: dict[str, Any] = {
        "name": plan.name,
        "flow_id": owner.id,
        "schedules": [{"schedule": rule}] if rule else [],
        "paused": plan.paused,
        "work_pool_name": plan.pool,
        "work_queue_name": plan.queue,
        "tags": list(plan.tags),
        "parameters": dict(plan.parameters),
        "job_variables": command.variables(),
        "description": plan.description,
        "enforce_parameter_schema": False,
        "concurrency_limit": plan.limit,
        "concurrency_options": None if plan.limit is None else {"collision_strategy": plan.when_full},
    }
    made: Deployment = client.call(deployments.CREATE, body)
    return made


def find_deployment(client: Client, flow: str, name: str) -> Deployment | None:
    """The deployment of this name, if there is one."""
    try:
        found: Deployment = client.call(deployments.READ_BY_NAME, flow_name=flow, deployment_name=name)
    except NotFound:
        return None
    return found


def job_variables(pool: WorkPool, deployment: Deployment | None, run: Any) -> dict[str, Any]:
    """What a run is to be run with: the defaults of its pool, under its deployment's, under its own."""
    properties = (pool.base_job_template.get("variables") or {}).get("properties") or {}
    usual = {name: each["default"] for name, each in properties.items() if "default" in each}
    given = {**usual, **(deployment.job_variables if deployment else {}), **(run.job_variables or {})}
    return _filled(pool.base_job_template.get("job_configuration") or {}, given)


def _filled(configuration: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a template with its placeholders filled in."""
    return {name: _value(each, given) for name, each in configuration.items()} if configuration else dict(given)


def _value(value: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _value(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [_value(each, given) for each in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    words = value.strip()
    if words.startswith("{{") and words.endswith("}}") and words.count("{{") == 1:
        return given.get(words[2:-2].strip())
    for name, each in given.items():
        for placeholder in (f"{{{{ {name} }}}}", f"{{{{{name}}}}}"):
            value = value.replace(placeholder, "" if each is None else str(each))
    return value
