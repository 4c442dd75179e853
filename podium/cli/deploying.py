"""What a deployment is to be, as options and files say."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import typer

from podium.cli.context import Invocation
from podium.cli.declaring import completing
from podium.cli.diagnostics import ExitCode, Failure

ParamOption = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter; JSON where it is JSON.")
]
ParamsOption = Annotated[
    str | None, typer.Option("--params", metavar="JSON", help="All parameters; @FILE or - reads them.")
]
JobVariableOption = Annotated[
    list[str] | None,
    typer.Option("--job-variable", "-jv", metavar="KEY=VALUE", help="A job variable; JSON where it is JSON."),
]
DescriptionOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]
PoolOption = Annotated[
    str | None,
    typer.Option("--pool", metavar="POOL", help="The work pool of its runs.", autocompletion=completing("work-pool")),
]
QueueOption = Annotated[
    str | None, typer.Option("--queue", "-q", "--work-queue", metavar="QUEUE", help="The queue of its runs.")
]
EntrypointOption = Annotated[
    str | None, typer.Option("--entrypoint", metavar="FILE:FUNCTION", help="Where the flow is, below its path.")
]
PathOption = Annotated[
    str | None, typer.Option("--path", metavar="FOLDER", help="Where its code is, on the machine of the worker.")
]
VersionOption = Annotated[str | None, typer.Option("--version", metavar="TEXT", help="Its version.")]
PullStepsOption = Annotated[
    str | None,
    typer.Option("--pull-steps", metavar="JSON", help="A list of steps that fetch its code; @FILE or - reads it."),
]
SchemaOption = Annotated[
    str | None,
    typer.Option("--parameter-schema", metavar="JSON", help="The JSON schema of its parameters; @FILE or - reads it."),
]
EnforceOption = Annotated[
    bool | None,
    typer.Option(
        "--enforce-parameter-schema/--no-enforce-parameter-schema",
        help="Whether runs whose parameters do not fit are refused.",
        show_default=False,
    ),
]
CollisionOption = Annotated[
    Literal["ENQUEUE", "CANCEL_NEW"] | None,
    typer.Option("--collision-strategy", help="What becomes of a run that finds the limit reached."),
]

LimitOption = Annotated[
    str | None, typer.Option("--concurrency-limit", metavar="N", help="How many runs at a time; none lifts the limit.")
]

DEFAULT_POOL = "deployments.default_work_pool_name"
LIMITS = ("concurrency_limit", "global_concurrency_limit_id")


class Wanted(NamedTuple):
    """A deployment to make: the name of its flow, its own, and its other fields as the API calls them."""

    flow: str
    name: str
    fields: dict[str, Any]


def wanted(invocation: Invocation, given: str | None, file: str | None, fields: Mapping[str, Any]) -> list[Wanted]:
    """Those that a name or a file, and options over it, ask for. Raises Failure."""
    if given is None and file is None:
        raise Failure("Which deployment? Give FLOW/NAME or --file.", ExitCode.USAGE)
    bodies = [{"name": given}] if file is None else _bodies(file)
    if given is not None and len(bodies) > 1:
        raise Failure(f"{file} has {len(bodies)} deployments; their names are in it.", ExitCode.USAGE)
    usual = invocation.resolved.value(DEFAULT_POOL)
    return [_wanted({**body, **fields}, given, usual) for body in bodies]


def _bodies(file: str) -> list[dict[str, Any]]:
    """The deployments in a file: one, a list, or `deployments:` with a list."""
    from podium.cli.documents import read_document

    found = read_document(file, "--file")
    if isinstance(found, dict) and isinstance(found.get("deployments"), list):
        found = found["deployments"]
    bodies = found if isinstance(found, list) else [found]
    if not bodies or not all(isinstance(each, dict) for each in bodies):
        raise Failure("Expected a deployment, a list of them, or `deployments:` with a list.", ExitCode.USAGE)
    if any("kind" in each and "spec" in each for each in bodies):
        raise Failure(f"{file} has documents; `podium apply -f {file}` reads these.", ExitCode.USAGE)
    return bodies


def _wanted(body: dict[str, Any], given: str | None, usual_pool: str | None) -> Wanted:
    from podium.client.manifests.schedules import own_labels, with_limits
    from podium.wire.deployments import Deployment, DeploymentCreate

    flow, told = body.pop("flow_name", None), body.pop("name", None)
    owner, slash, name = str(given or told or "").rpartition("/")
    owner = owner if slash else str(flow or "")
    if not owner or not name:
        raise Failure(f"{given or told!r} is not FLOW/NAME.", ExitCode.USAGE)
    known = {*DeploymentCreate.__struct_fields__} - {"name", "flow_id"}
    if unknown := sorted({*body} - known - {*Deployment.__struct_fields__}):
        listed = ", ".join(sorted(known))
        raise Failure(f"{owner}/{name}: there is no field {unknown[0]!r}; known are {listed}.", ExitCode.USAGE)
    if body.get("global_concurrency_limit"):  # as a server tells it, and `inspect -o yaml`
        body = {**with_limits(body), **{key: body[key] for key in LIMITS if body.get(key)}}
    if "labels" in body:
        body["labels"] = own_labels(body["labels"])
    fields = {field: value for field, value in body.items() if field in known}
    if usual_pool and "work_pool_name" not in fields:
        fields["work_pool_name"] = usual_pool
    if fields.get("work_queue_name") and not fields.get("work_pool_name"):
        raise Failure(f"{owner}/{name}: a queue is one of a work pool; give --pool.", ExitCode.USAGE)
    return Wanted(owner, name, fields)


def runs_of(
    pool: str | None,
    queue: str | None,
    entrypoint: str | None,
    path: str | None,
    steps: str | None,
    version: str | None,
) -> dict[str, Any]:
    """Who runs its runs, and where the code is, as options say. Raises Failure."""
    return {
        "work_pool_name": pool,
        "work_queue_name": queue,
        "entrypoint": entrypoint,
        "path": path,
        "pull_steps": None if steps is None else _steps(steps),
        "version": version,
    }


def _steps(text: str) -> list[Any]:
    from podium.cli.bodies import json_value

    value = json_value(text, "--pull-steps")
    if not isinstance(value, list):
        raise Failure("--pull-steps: Expected a list of steps.", ExitCode.USAGE)
    return value


def parameters_of(param: list[str] | None, params: str | None) -> dict[str, Any] | None:
    """The parameters that options say; None where they say none. Raises Failure."""
    from podium.cli.bodies import assigned, json_object

    if not param and params is None:
        return None
    return {**(json_object(params, "--params") if params else {}), **assigned(param, "--param")}


def job_variables_of(given: list[str] | None) -> dict[str, Any] | None:
    """The job variables that options say; None where they say none. Raises Failure."""
    from podium.cli.bodies import assigned

    return assigned(given, "--job-variable") if given else None


def limit_of(limit: str | None, collision: str | None) -> dict[str, Any]:
    """The limit that options say, which may be none. Raises Failure."""
    from podium.cli.bodies import number_or_none

    found: dict[str, Any] = {"concurrency_options": {"collision_strategy": collision}} if collision else {}
    return found | ({"concurrency_limit": number_or_none(limit, "--concurrency-limit")} if limit else {})
